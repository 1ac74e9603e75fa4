/*
 * refused.c: tests of each sentence about a mistake in sipd.conf.
 */
#include "tests/unit/sipd/conf/text.h"

static void test_sentences(void)
{
	refused("[sipd]\n[peer bob]\nadress = x@y.z\n",
		"3: unknown key 'adress' in [peer bob]; did you mean "
		"'address'?");
	refused("[sipd]\nxyzzy = 1\n", "2: unknown key 'xyzzy' in [sipd]");
	refused("[sipd]\nstun = a.b\n",
		"2: 'stun' is a key of [nat], not of [sipd]");
	refused("[accuont]\n", "1: unknown section [accuont]; did you mean "
		"'account'?");
	refused("[xyzzy x]\n", "1: unknown section [xyzzy]");
	refused("state = x\n[sipd]\n", "1: 'state' stands before the first "
		"section: put it under [sipd]");
	refused("[sipd\n", "1: there is no ']' after the '['");
	refused("[sipd] log=stderr\n",
		"1: there is something after the ']'");
	refused("[sipd]\nstate\n", "2: there is no 'key = value' in this "
		"line");
	refused("[sipd]\nstate\nbla=1\n", "2: there is no 'key = value' in "
		"this line");
	refused("[sipd]\nbla=1\nstate\n", "2: unknown key 'bla' in [sipd]");
	refused("[peer]\n", "1: [peer] needs a name: [peer bob]");
	refused("[nat x]\n", "1: [nat] takes no name");
	refused("[peer -x]\n", "1: '-x' is no good name: take up to 63 "
		"letters, digits, '-', '_', '.' or '@'");
	refused("[peer a/b]\n", "1: 'a/b' is no good name: take up to 63 "
		"letters, digits, '-', '_', '.' or '@'");
	refused("[nat]\n[sipd]\n\n[nat]\n", "4: a second [nat]: the first is "
		"in line 1");
	refused("[account]\naddress=a@b.c\n[account]\n",
		"3: a second [account]");
	refused("[peer b]\naddress=a@b.c\n[peer b]\n",
		"3: a second [peer b]");
	refused("[sipd]\nport=1\nport=2\n", "3: a second 'port' in [sipd]");
	refused("[account]\n", "1: [account] has no address");
	refused("[account x]\nuser=a\n[nat]\n", "1: [account x] has no "
		"address");
	refused("[peer b]\nallow=file\n", "1: [peer b] needs an address, a "
		"fingerprint or both");
	refused("[peer b]\nfingerprint=" FP "\n[peer c]\nfingerprint=" FP,
		"3: [peer c] has the fingerprint of [peer b]: a key is one "
		"peer");
	refused("[peer b]\naddress=a@b.c\naccount=w\n", " [peer b] is to be "
		"called by account w, but there is no [account w]");
	refused("[registrar]\n", "1: [registrar] has no users-file: nobody "
		"could register");
	refused("[sipd]\nlog=a\x01\n", "2: there is a control character in "
		"this line");
	refused("[sipd]\nlog=a\rb\n", "2: there is a control character in "
		"this line");
}

static void test_values(void)
{
	refused_value("sipd", "port=65535", "from 0 to 65534, not '65535'");
	refused_value("sipd", "port=-1", "must be a number");
	refused_value("sipd", "port=", "must be a number");
	refused_value("sipd", "port=5060 # x", "must be a number");
	refused_value("sipd", "rate=99999999999999999999", "must be a num");
	refused_value("sipd", "sessions=0", "from 1 to 1000000");
	refused_value("sipd", "unknown=maybe", "must be reject, ask or pin");
	refused_value("sipd", "log=file", "must be stderr, syslog or");
	refused_value("sipd", "state=", "'state' in [sipd] is empty");
	refused_value("sipd", "state=~bob/x", "only ~/ is known");
	refused_value("sipd", "user=no-such-user-here", "is no user of this");
	refused_value("sipd", "allow=file, fiel 1", "has 'fiel', which is no "
		      "kind of tunnel; did you mean 'file'?");
	refused_value("nat", "stun=a b", "needs host or host:port");
	refused_value("nat", "stun=x@y.z", "needs host or host:port");
	refused_value("nat", "stun=a.b:99999", "needs host or host:port");
	refused_value("peer x", "fingerprint=AB", "must be 64 hexadecimal");
	refused_value("peer x", "address=a b@c.d", "it has a ' ' in it");
	refused_value("account", "audio-line=perhaps", "must be yes or no");
	refused_value("account", "registrar=sip:a@b.c", "without a user");
	refused_value("account", "tls-ca=/nonexistent/x",
		      "names /nonexistent/x, which cannot be read: No such");
	refused_value("account", "password-file=/nonexistent/x",
		      "which cannot be read: No such");
	refused_value("account", "address=a@b.c\npassword=x\n"
		      "password-file=/dev/null", "which is no file");
	refused_value("registrar", "listen=udp:example.org:5060",
		      "needs entries such as");
	refused_value("registrar", "listen=sctp:1.2.3.4:5", "needs entries");
	refused_value("registrar", "listen=udp:1.2.3.4:5,",
		      "has no users-file");
	refused_value("registrar", "users-file=/dev/null\n"
		      "listen=tls:1.2.3.4:5", "but has no tls-cert");
	refused_value("file", "max-size=5X", "such as 500000, 20M or 5G");
	refused_value("file", "max-size=-5", "such as 500000, 20M or 5G");
	refused_value("file", "max-size=99999999999T", "such as 500000");
	refused_value("file", "inbox=", "is empty");
	refused_value("pipe", "command=", "is empty");
}

static void test_networks(void)
{
	refused("[vpn]\n", "1: [vpn] needs a name: [vpn bob]");
	refused("[vpn a]\n[vpn a]\n", "2: a second [vpn a]");
	refused("[vpn a]\nmtu=9\n", "2: 'mtu' in [vpn a] must be auto or a"
		" number from 1280 to 9000, not '9'");
	refused_value("vpn a", "address = 10.7.0.1/33", "needs addresses");
	refused_value("vpn a", "accept-routes = maybe", "needs addresses");
	refused_value("vpn a", "exit = yes", "no, offer or use");
	refused_value("vpn a", "nat = 1", "yes or no");
	refused_value("vpn a", "interface = a/b", "letters");
}

UNIT_SUITE("conf/refused",
	   { "sentences", test_sentences },
	   { "values", test_values },
	   { "networks", test_networks })
