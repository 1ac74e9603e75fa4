/*
 * refused.c: tests of each sentence about a mistake in sipd.conf.
 */
#include "sdp/base/recompat.h"
#include "tests/unit/sipd/conf/text.h"

/* Whole sentences, the line of the file first. */
static void test_sentences(void)
{
	static const struct {
		const char *text, *sentence;
	} v[] = {
		{ "[sipd]\n[peer bob]\nadress = x@y.z\n",
		  "3: unknown key 'adress' in [peer bob]; did you mean "
		  "'address'?" },
		{ "[sipd]\nxyzzy = 1\n", "2: unknown key 'xyzzy' in [sipd]" },
		{ "[sipd]\nstun = a.b\n",
		  "2: 'stun' is a key of [nat], not of [sipd]" },
		{ "[accuont]\n",
		  "1: unknown section [accuont]; did you mean 'account'?" },
		{ "[xyzzy x]\n", "1: unknown section [xyzzy]" },
		{ "state = x\n[sipd]\n",
		  "1: 'state' stands before the first section: put it "
		  "under [sipd]" },
		{ "[sipd\n", "1: there is no ']' after the '['" },
		{ "[sipd] log=stderr\n",
		  "1: there is something after the ']'" },
		{ "[sipd]\nstate\n",
		  "2: there is no 'key = value' in this line" },
		{ "[sipd]\nstate\nbla=1\n",
		  "2: there is no 'key = value' in this line" },
		{ "[sipd]\nbla=1\nstate\n", "2: unknown key 'bla' in [sipd]" },
		{ "[peer]\n", "1: [peer] needs a name: [peer bob]" },
		{ "[nat x]\n", "1: [nat] takes no name" },
		{ "[peer -x]\n",
		  "1: '-x' is no good name: take up to 63 letters, digits, "
		  "'-', '_', '.' or '@'" },
		{ "[peer a/b]\n",
		  "1: 'a/b' is no good name: take up to 63 letters, "
		  "digits, '-', '_', '.' or '@'" },
		{ "[nat]\n[sipd]\n\n[nat]\n",
		  "4: a second [nat]: the first is in line 1" },
		{ "[account]\naddress=a@b.c\n[account]\n",
		  "3: a second [account]" },
		{ "[peer b]\naddress=a@b.c\n[peer b]\n",
		  "3: a second [peer b]" },
		{ "[sipd]\nport=1\nport=2\n", "3: a second 'port' in [sipd]" },
		{ "[account]\n", "1: [account] has no address" },
		{ "[account x]\nuser=a\n[nat]\n",
		  "1: [account x] has no address" },
		{ "[peer b]\nallow=file\n",
		  "1: [peer b] needs an address, a fingerprint or both" },
		{ "[peer b]\nfingerprint=" FP "\n[peer c]\nfingerprint=" FP,
		  "3: [peer c] has the fingerprint of [peer b]: a key is "
		  "one peer" },
		{ "[peer b]\naddress=a@b.c\naccount=w\n",
		  " [peer b] is to be called by account w, but there is no "
		  "[account w]" },
		{ "[registrar]\n",
		  "1: [registrar] has no users-file: nobody could register" },
		{ "[sipd]\nlog=a\x01\n",
		  "2: there is a control character in this line" },
		{ "[sipd]\nlog=a\rb\n",
		  "2: there is a control character in this line" },
		{ "[vpn]\n", "1: [vpn] needs a name: [vpn bob]" },
		{ "[vpn a]\n[vpn a]\n", "2: a second [vpn a]" },
		{ "[vpn a]\nmtu=9\n",
		  "2: 'mtu' in [vpn a] must be auto or a number from 1280 "
		  "to 9000, not '9'" },
		{ "[peer b]\naddress=a@b.c\nallow=pipe, forward 22\n",
		  "3: 'allow' in [peer b] is wrong behind forward: '22' is "
		  "none of host:port, listen:port, /path and "
		  "listen:/path" },
		{ "[peer b]\naddress=a@b.c\nallow=file /a, pipe, file /b\n",
		  "3: 'allow' in [peer b] has a second file, '/b': received "
		  "files go into one folder, name that alone" },
		{ "[group g]\nallow=file ~/a b,file,FILE  /b\n",
		  "2: 'allow' in [group g] has a second file, '/b': received "
		  "files go into one folder, name that alone" },
		{ "[sipd]\nallow=get docs /srv\n",
		  "2: 'allow' in [sipd] is wrong behind get: folders begin "
		  "with /, as in get /srv/share" },
		{ "[sipd]\nallow=vpn n\n",
		  " 'allow' in [sipd] is wrong behind vpn: there is no "
		  "[vpn n]" },
		{ "[group g]\nallow=vpn v 10.7.0.9 n\n[vpn v]\n",
		  " 'allow' in [group g] is wrong behind vpn: there is no "
		  "[vpn n]" },
		{ "[peer b]\naddress=a@b.c\nallow=vpn n\n[vpn nn]\n",
		  " 'allow' in [peer b] is wrong behind vpn: there is no "
		  "[vpn n]" },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		refused(v[i].text, v[i].sentence);
}

/* What the sentence holds about one value. */
static void test_values(void)
{
	static const struct {
		const char *section, *line, *part;
	} v[] = {
		{ "sipd", "port=65535", "from 0 to 65534, not '65535'" },
		{ "sipd", "port=-1", "must be a number" },
		{ "sipd", "port=", "must be a number" },
		{ "sipd", "port=5060 # x", "must be a number" },
		{ "sipd", "rate=99999999999999999999", "must be a num" },
		{ "sipd", "sessions=0", "from 1 to 1000000" },
		{ "sipd", "unknown=maybe", "must be reject, ask or pin" },
		{ "sipd", "log=file", "must be stderr, syslog or" },
		{ "sipd", "state=", "'state' in [sipd] is empty" },
		{ "sipd", "state=~bob/x", "only ~/ is known" },
		{ "sipd", "user=no-such-user-here", "is no user of this" },
		{ "sipd",
		  "allow=file, fiel 1",
		  "has 'fiel', which is no kind of tunnel; did you mean "
		  "'file'?" },
		{ "sipd", "allow=file in", "'in' begins neither with / nor" },
		{ "sipd", "allow=pipe cat", "behind pipe: nothing may stand" },
		{ "sipd", "allow=all a:1", "may stand there, not 'a:1'" },
		{ "sipd", "allow=* a:1", "behind *: nothing may stand there" },
		{ "sipd", "allow=vpn 10.7.0.9 n", "to stand before 10.7.0.9" },
		{ "nat", "stun=a b", "needs host or host:port" },
		{ "nat", "stun=x@y.z", "needs host or host:port" },
		{ "nat", "stun=a.b:99999", "needs host or host:port" },
		{ "peer x", "fingerprint=AB", "must be 64 hexadecimal" },
		{ "peer x", "address=a b@c.d", "it has a ' ' in it" },
		{ "account", "audio-line=perhaps", "must be yes or no" },
		{ "account", "registrar=sip:a@b.c", "without a user" },
		{ "account",
		  "tls-ca=/nonexistent/x",
		  "names /nonexistent/x, which cannot be read: No such" },
		{ "account",
		  "password-file=/nonexistent/x",
		  "which cannot be read: No such" },
		{ "account",
		  "address=a@b.c\npassword=x\npassword-file=/dev/null",
		  "which is no file" },
		{ "registrar",
		  "listen=udp:example.org:5060",
		  "needs entries such as" },
		{ "registrar", "listen=sctp:1.2.3.4:5", "needs entries" },
		{ "registrar", "listen=udp:1.2.3.4:5,", "has no users-file" },
		{ "registrar",
		  "users-file=/dev/null\nlisten=tls:1.2.3.4:5",
		  "but has no tls-cert" },
		{ "file", "max-size=5X", "such as 500000, 20M or 5G" },
		{ "file", "max-size=-5", "such as 500000, 20M or 5G" },
		{ "file", "max-size=99999999999T", "such as 500000" },
		{ "file", "inbox=", "is empty" },
		{ "pipe", "command=", "is empty" },
		{ "vpn a", "address = 10.7.0.1/33", "needs addresses" },
		{ "vpn a", "accept-routes = maybe", "needs addresses" },
		{ "vpn a", "exit = yes", "no, offer or use" },
		{ "vpn a", "nat = 1", "yes or no" },
		{ "vpn a", "interface = a/b", "letters" },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		refused_value(v[i].section, v[i].line, v[i].part);
}

UNIT_SUITE("conf/refused",
	   { "sentences", test_sentences },
	   { "values", test_values })
