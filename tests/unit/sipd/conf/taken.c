/*
 * taken.c: tests of sipd/conf.c and what is below it: what each key's value
 * becomes.
 */
#include "tests/unit/sipd/conf/text.h"

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

/* Sections of a kind with names: each has its own values. */
static void test_networks(void)
{
	struct conf *c;

	setup();
	c = load("[sipd]\nallow = vpn lab 10.7.0.9 office fd07::9, file ~/x\n"
		 "[vpn office]\naddress = 10.7.0.1/24\n"
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
}

UNIT_SUITE("conf/taken",
	   { "full", test_full },
	   { "networks", test_networks })
