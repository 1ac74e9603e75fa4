/*
 * conf.c: tests of sipd/conf.c and what is below it: each key's type, each
 * sentence about a mistake, the defaults, and that etc/sipd.conf shows them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/address.h"
#include "sipd/conf.h"
#include "sipd/places.h"
#include "tests/unit/fail.h"
#include "tests/unit/unit.h"

#define FP "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

static char dir[64], file[96], side[96];
static struct conf_error e;

static void write_to(const char *path, const char *text, size_t n,
		     mode_t mode)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(text, 1, n, f);
	fclose(f);
	chmod(path, mode);
}

static void setup(void)
{
	strcpy(dir, "/tmp/dialtone-conf-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/sipd.conf", dir);
	snprintf(side, sizeof side, "%s/side", dir);
}

static void teardown(void)
{
	unlink(file);
	unlink(side);
	rmdir(dir);
}

/* NULL and the sentence in e if it is refused. */
static struct conf *load(const char *text)
{
	struct conf *c = NULL;
	int err;

	write_to(file, text, strlen(text), 0600);
	err = conf_load(&c, file, &e);
	CU_ASSERT_EQUAL(!c, err != 0);
	CU_ASSERT_EQUAL(err != 0, e.text[0] != '\0');
	return c;
}

/* The sentence behind "FILE:" must be this one. */
static void refused(const char *text, const char *sentence)
{
	struct conf *c;
	size_t n;

	setup();
	c = load(text);
	n = strlen(file);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT(!strncmp(e.text, file, n));
	if (strcmp(e.text + n + 1, sentence))
		printf("expected: %s\n     got: %s\n", sentence,
		       e.text + n + 1);
	CU_ASSERT_STRING_EQUAL(e.text + n + 1, sentence);
	mem_deref(c);
	teardown();
}

/* One value for one key: refused with something that holds `part`. */
static void refused_value(const char *section, const char *line,
			  const char *part)
{
	char text[1024];
	struct conf *c;

	setup();
	snprintf(text, sizeof text, "[%s]\n%s\n", section, line);
	c = load(text);
	CU_ASSERT_PTR_NULL(c);
	if (!strstr(e.text, part))
		printf("'%s': expected ...%s..., got %s\n", line, part,
		       e.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, part));
	mem_deref(c);
	teardown();
}

static void test_full(void)
{
	const struct conf_account *a;
	const struct conf_peer *p;
	struct conf *c;

	setup();
	write_to(side, "top secret\nrest\n", 16, 0600);
	c = load("\xef\xbb\xbf# all of it\n"
		 "[sipd] ; here\r\n"
		 "state = run\r\n"
		 "  log = syslog\n"
		 "port : 0\n"
		 "unknown = pin\n"
		 "allow=file,pipe\n"
		 "sessions = 7 ; few\n"
		 "per-peer = 2\nrate=3\n"
		 "[account]\n"
		 "address = sips:Alice@Example.ORG\n"
		 "password-file = side\n"
		 "registrar = sip:Example.org;transport=tls\n"
		 "audio-line = Yes\n"
		 "[account work]\n"
		 "address=bob@192.0.2.1:5070\n"
		 "password=a#b;c\n"
		 "expires=30\n"
		 "[nat]\n"
		 "port=65535\n"
		 "stun = stun.example.org\n"
		 "stun = [2001:db8::1]:3479, 192.0.2.2\n"
		 "interfaces = eth*\n"
		 "[peer carol]\n"
		 "address = carol@example.net\n"
		 "account = work\n"
		 "fingerprint = " FP "\n"
		 "allow = file, forward 127.0.0.1:22\n"
		 "allow = all\n"
		 "[peer dave]\n"
		 "address = 2001:DB8::2\n"
		 "[file]\n"
		 "inbox = in\n"
		 "max-size = 5g\n"
		 "[pipe]\n"
		 "command = exec cat -n ; no more\n"
		 "[registrar]\n"
		 "listen = udp:127.0.0.1:5060 ,tcp:[::1]:5060\n"
		 "users-file = side\n"
		 "stun = no");
	if (!c)
		printf("%s\n", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT(!strncmp(c->state, dir, strlen(dir)));
	CU_ASSERT_STRING_EQUAL(c->state + strlen(dir), "/run");
	CU_ASSERT_STRING_EQUAL(c->control + strlen(dir), "/run/control");
	CU_ASSERT_STRING_EQUAL(c->log, "syslog");
	CU_ASSERT_EQUAL(c->sip_port, 0);
	CU_ASSERT_EQUAL(c->unknown, UNKNOWN_PIN);
	CU_ASSERT_STRING_EQUAL(c->allow, "file,pipe");
	CU_ASSERT_EQUAL(c->sessions, 7);
	CU_ASSERT_EQUAL(c->per_peer, 2);
	CU_ASSERT_EQUAL(c->rate, 3);
	CU_ASSERT_PTR_NULL(c->user);

	CU_ASSERT_EQUAL_FATAL(list_count(&c->accountl), 2);
	a = list_ledata(c->accountl.head);
	CU_ASSERT_STRING_EQUAL(a->name, "");
	CU_ASSERT_STRING_EQUAL(a->address,
			       "sip:Alice@example.org;transport=tls");
	CU_ASSERT_STRING_EQUAL(a->password, "top secret");
	CU_ASSERT_STRING_EQUAL(a->registrar,
			       "sip:example.org;transport=tls");
	CU_ASSERT_EQUAL(a->expires, 600);
	CU_ASSERT_TRUE(a->audio_line);
	a = list_ledata(c->accountl.tail);
	CU_ASSERT_STRING_EQUAL(a->name, "work");
	CU_ASSERT_STRING_EQUAL(a->address, "sip:bob@192.0.2.1:5070");
	CU_ASSERT_STRING_EQUAL(a->password, "a#b;c");
	CU_ASSERT_EQUAL(a->expires, 30);
	CU_ASSERT_FALSE(a->audio_line);
	CU_ASSERT_PTR_NULL(a->registrar);

	CU_ASSERT_EQUAL(c->nat_port, 65535);
	CU_ASSERT_STRING_EQUAL(c->stun, "stun.example.org,"
			       "[2001:db8::1]:3479,192.0.2.2");
	CU_ASSERT_STRING_EQUAL(c->interfaces, "eth*");

	CU_ASSERT_EQUAL_FATAL(list_count(&c->peerl), 2);
	p = list_ledata(c->peerl.head);
	CU_ASSERT_STRING_EQUAL(p->name, "carol");
	CU_ASSERT_STRING_EQUAL(p->address, "sip:carol@example.net");
	CU_ASSERT_STRING_EQUAL(p->account, "work");
	CU_ASSERT_TRUE(p->has_fp);
	CU_ASSERT_EQUAL(p->fp[1], 0x23);
	CU_ASSERT_STRING_EQUAL(p->rights.allow,
			       "file,forward 127.0.0.1:22,all");
	p = list_ledata(c->peerl.tail);
	CU_ASSERT_STRING_EQUAL(p->address, "sip:[2001:db8::2]");
	CU_ASSERT_PTR_NULL(p->rights.allow);
	CU_ASSERT_FALSE(p->has_fp);

	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "inbox") +
			       strlen(dir), "/in");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "max-size"),
			       "5368709120");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "pipe", "command"),
			       "exec cat -n");
	CU_ASSERT_PTR_NULL(conf_kind_get(c, "pipe", "inbox"));
	CU_ASSERT_PTR_NULL(conf_kind_get(c, "forward", "x"));

	CU_ASSERT_TRUE(c->registrar.enabled);
	CU_ASSERT_STRING_EQUAL(c->registrar.listen,
			       "udp:127.0.0.1:5060,tcp:[::1]:5060");
	CU_ASSERT_STRING_EQUAL(c->registrar.domain, "");
	CU_ASSERT_FALSE(c->registrar.stun);
	CU_ASSERT_EQUAL(c->registrar.expires, 3600);
	mem_deref(c);
	teardown();
}

static void check_defaults(const struct conf *c)
{
	CU_ASSERT_STRING_EQUAL(c->log, "stderr");
	CU_ASSERT_EQUAL(c->sip_port, 5060);
	CU_ASSERT_EQUAL(c->unknown, UNKNOWN_REJECT);
	CU_ASSERT_STRING_EQUAL(c->allow, "");
	CU_ASSERT_EQUAL(c->sessions, 1000);
	CU_ASSERT_EQUAL(c->per_peer, 32);
	CU_ASSERT_EQUAL(c->rate, 600);
	CU_ASSERT_EQUAL(c->nat_port, 0);
	CU_ASSERT_STRING_EQUAL(c->stun, "");
	CU_ASSERT_STRING_EQUAL(c->interfaces, "");
	CU_ASSERT_FALSE(c->registrar.enabled);
	CU_ASSERT_TRUE(c->registrar.stun);
	CU_ASSERT_TRUE(list_isempty(&c->accountl));
	CU_ASSERT_TRUE(list_isempty(&c->peerl));
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "max-size"), "0");
	CU_ASSERT_PTR_NULL(conf_kind_get(c, "pipe", "command"));
}

static void test_defaults(void)
{
	struct conf *c = NULL;
	bool root = geteuid() == 0;

	setenv("HOME", "/home/alice", 1);
	unsetenv("XDG_STATE_HOME");
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	CU_ASSERT_EQUAL_FATAL(conf_load(&c, NULL, &e), 0);
	check_defaults(c);
	CU_ASSERT_PTR_NULL(c->file);
	CU_ASSERT_STRING_EQUAL(c->state, root ? "/var/lib/dialtone" :
			       "/home/alice/.local/state/dialtone");
	CU_ASSERT_STRING_EQUAL(c->control, root ? "/run/dialtone/control" :
			       "/run/user/1/dialtone/control");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "inbox"), root ?
			       "/var/lib/dialtone/inbox" :
			       "/home/alice/Downloads");
	c = mem_deref(c);

	setup();
	c = load("[sipd]\nstate=~/d\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	check_defaults(c);
	CU_ASSERT_STRING_EQUAL(c->state, "/home/alice/d");
	CU_ASSERT_STRING_EQUAL(c->control, "/home/alice/d/control");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "inbox"),
			       "/home/alice/d/inbox");
	mem_deref(c);
	teardown();
}

/* Key lines of a sample file: the comments in prose are left out. */
static void key_lines(struct mbuf *mb, FILE *f)
{
	char line[256];

	while (fgets(line, sizeof line, f))
		if (*line == '[' || (*line == '#' && (line[1] == '[' ||
		    (line[1] >= 'a' && line[1] <= 'z'))))
			mbuf_write_str(mb, line);
}

/* The same of what is printed, where blank lines part the sections. */
static void printed_lines(struct mbuf *mb)
{
	struct mbuf *all = mbuf_alloc(4096);
	FILE *f;

	CU_ASSERT_EQUAL(mbuf_printf(all, "%H", conf_print_defaults, NULL), 0);
	f = fmemopen(all->buf, all->end, "r");
	key_lines(mb, f);
	fclose(f);
	mem_deref(all);
}

static void test_sample(void)
{
	struct mbuf *want = mbuf_alloc(4096), *got = mbuf_alloc(4096);
	FILE *f = fopen("etc/sipd.conf", "r");
	struct conf *c = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	key_lines(got, f);
	fclose(f);
	printed_lines(want);
	CU_ASSERT(want->end > 500);
	mbuf_write_u8(want, 0);
	mbuf_write_u8(got, 0);
	CU_ASSERT_STRING_EQUAL((char *)got->buf, (char *)want->buf);
	mem_deref(want);
	mem_deref(got);
	CU_ASSERT_EQUAL_FATAL(conf_load(&c, "etc/sipd.conf", &e), 0);
	check_defaults(c);
	mem_deref(c);
}

/* The defaults that are printed are taken when they are written out. */
static void test_defaults_are_values(void)
{
	struct mbuf *mb = mbuf_alloc(4096);
	struct conf *c;
	char *p;

	setup();
	setenv("HOME", "/home/alice", 1);
	printed_lines(mb);
	mbuf_write_u8(mb, 0);
	for (p = strtok((char *)mb->buf, "\n"); p; p = strtok(NULL, "\n")) {
		char text[256];
		static char sec[32];

		if (strchr(p, '[')) {
			snprintf(sec, sizeof sec, "%s", strchr(p, '['));
			continue;
		}
		if (strcmp(sec, "[sipd]") && strcmp(sec, "[nat]") &&
		    strcmp(sec, "[file]"))
			continue;
		if (!strncmp(p, "#user", 5) ||
		    !strncmp(p, "#certificate", 12))
			continue;       /* exists on few machines */
		snprintf(text, sizeof text, "%s\n%s\n", sec, p + 1);
		c = load(text);
		if (!c)
			printf("%s\n", e.text);
		CU_ASSERT_PTR_NOT_NULL(c);
		mem_deref(c);
	}
	mem_deref(mb);
	teardown();
}

/* Sections of a kind with names: each has its own values. */
static void test_networks(void)
{
	struct conf *c;

	setup();
	c = load("[vpn office]\naddress = 10.7.0.1/24\n"
		 "address = fd07::1/64\nnat = YES\nroutes=\n"
		 "[vpn lab]\naccept-routes = 10.0.0.0/8, fc00::/7\n");
	if (!c)
		printf("%s\n", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "vpn", "/"), "office");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "vpn", "office/address"),
			       "10.7.0.1/24,fd07::1/64");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "vpn", "office/nat"), "yes");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "vpn", "lab/nat"), "no");
	CU_ASSERT_PTR_NULL(conf_kind_get(c, "vpn", "lab/address"));
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "vpn", "lab/accept-routes"),
			       "10.0.0.0/8,fc00::/7");
	CU_ASSERT_PTR_NOT_NULL(conf_kind_get(c, "vpn", "lab/"));
	CU_ASSERT_PTR_NULL(conf_kind_get(c, "vpn", "home/"));
	mem_deref(c);
	teardown();
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

static void test_secrets(void)
{
	static const char text[] =
		"[account]\naddress=a@b.c\npassword=hush\n";
	struct conf *c = NULL;

	setup();
	write_to(file, text, strlen(text), 0644);
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "chmod 600"));
	CU_ASSERT_PTR_NULL(strstr(e.text, "hush"));
	chmod(file, 0640);
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), 0);
	mem_deref(c);

	write_to(side, "hush\n", 5, 0644);
	CU_ASSERT_PTR_NULL(load("[account]\naddress=a@b.c\n"
				"password-file=side\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "chmod 600"));
	chmod(side, 0600);
	CU_ASSERT_PTR_NULL(load("[account]\naddress=a@b.c\npassword=x\n"
				"password-file=side\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "keep one of them"));
	write_to(side, "\n", 1, 0600);
	CU_ASSERT_PTR_NULL(load("[account]\naddress=a@b.c\n"
				"password-file=side\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "first line is empty"));
	teardown();
}

static void test_files(void)
{
	struct conf *c = NULL;
	char text[1024];

	setup();
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "No such file"));
	CU_ASSERT_EQUAL(conf_load(&c, dir, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "is a folder"));
	write_to(file, "[sipd]\nlog=a\0b\n", 15, 0600);
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "2: there is a control"));

	memset(text, 'x', sizeof text);
	memcpy(text, "[pipe]\ncommand=", 15);
	strcpy(text + 300, "\n");
	CU_ASSERT_PTR_NULL(load(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "2: this line is longer than"));

	memcpy(text, "[sipd]\ncontrol=", 15);
	strcpy(text + 150, "\n");
	CU_ASSERT_PTR_NULL(load(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "longer than 107 bytes"));

	c = load("");
	CU_ASSERT_PTR_NOT_NULL(c);
	mem_deref(c);
	CU_ASSERT_EQUAL(conf_load(NULL, file, &e), EINVAL);
	teardown();
}

static void test_default_file(void)
{
	char buf[256], path[128], sub[96];

	setup();
	snprintf(sub, sizeof sub, "%s/dialtone", dir);
	snprintf(path, sizeof path, "%s/sipd.conf", sub);
	setenv("XDG_CONFIG_HOME", dir, 1);
	if (access("/etc/dialtone/sipd.conf", F_OK)) {
		CU_ASSERT_EQUAL(places_conf(buf, sizeof buf), ENOENT);
		CU_ASSERT_STRING_EQUAL(buf, "");
	}
	mkdir(sub, 0700);
	write_to(path, "", 0, 0600);
	CU_ASSERT_EQUAL(places_conf(buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, path);
	CU_ASSERT_NOT_EQUAL(places_conf(buf, 4), 0);
	unsetenv("XDG_CONFIG_HOME");
	unlink(path);
	rmdir(sub);
	teardown();
}

static int load_again(void *arg)
{
	struct conf *c = NULL;
	int err = conf_load(&c, file, &e);

	(void)arg;
	mem_deref(c);
	return err;
}

static void test_no_memory(void)
{
	setup();
	mem_deref(load("[account]\naddress=a@b.c\npassword=x\n[peer b]\n"
		       "address=b@c.d\nfingerprint=" FP "\nallow=file\n"
		       "allow=pipe\n[file]\nmax-size=1k\n"));
	FAIL_EACH(load_again, NULL);
	teardown();
}

UNIT_SUITE("conf",
	   { "full", test_full },
	   { "defaults", test_defaults },
	   { "sample", test_sample },
	   { "defaults are values", test_defaults_are_values },
	   { "networks", test_networks },
	   { "sentences", test_sentences },
	   { "values", test_values },
	   { "secrets", test_secrets },
	   { "files", test_files },
	   { "default file", test_default_file },
	   { "no memory", test_no_memory })
