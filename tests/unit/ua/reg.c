/*
 * reg.c: a scripted registrar: bindings kept, lost, refused and removed.
 *
 * Long waits are not waited for: the timers are run at a later time.
 */
#include "tests/unit/ua/raw.h"

static struct side a;
static struct raw srv;

static void open_account(const char *password)
{
	char registrar[64];
	const struct ua_conf conf = {
		.aor = "sip:alice@example.org", .password = password,
		.registrar = registrar, .expires = 600,
		.instance = "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF",
	};

	pair_begin();
	memset(&a, 0, sizeof a);
	raw_open(&srv);
	(void)re_snprintf(registrar, sizeof registrar, "sip:%J", &srv.addr);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &conf), 0);
	CU_ASSERT(raw_wait(&srv, "REGISTER sip:example.org SIP/2.0", 1000));
}

/* The Contact of the REGISTER in hand, with parameters more. */
static const char *bound(const char *params)
{
	static char text[512];
	const char *c = raw_hdr(&srv, "Contact");

	(void)re_snprintf(text, sizeof text, "Contact: <sip:alice@192.0.2.9:"
			  "5060>;expires=7000\r\n%b%s\r\n", c,
			  strcspn(c, "\r"), params);
	return text;
}

static void on_bye(struct raw *r)
{
	if (!strncmp(r->got, "REGISTER", 8) &&
	    strstr(raw_hdr(r, "Expires"), " 0\r")) {
		raw_reply(r, "200 OK", "x", "");
		++r->step;
	}
}

static void close_account(void)
{
	srv.on_msg = on_bye;
	sides_close(&a, NULL);
	raw_close(&srv);
	pair_end();
}

static void later(unsigned s)
{
	timers_run(timers, clock_ns() + s * SEC);
}

static unsigned registers(void)
{
	unsigned n = 0;

	run_for(50);
	for (unsigned i = srv.next; i < srv.n; i++)
		n += !strncmp(srv.msgv[i], "REGISTER", 8);
	return n;
}

static void test_register(void)
{
	open_account(NULL);
	CU_ASSERT(strstr(raw_hdr(&srv, "From"), "<sip:alice@example.org>")
		  != NULL);
	CU_ASSERT(strstr(raw_hdr(&srv, "Contact"), "reg-id=1") != NULL);
	CU_ASSERT(strstr(raw_hdr(&srv, "Contact"), "+sip.instance=\"<urn:")
		  != NULL);
	CU_ASSERT(strstr(raw_hdr(&srv, "Supported"), "outbound") != NULL);
	CU_ASSERT(strstr(raw_hdr(&srv, "Expires"), "600") != NULL);
	CU_ASSERT_EQUAL(a.state, UA_REGISTERING);
	raw_reply(&srv, "200 OK", "x", bound(";expires=10"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	CU_ASSERT_EQUAL(ua_state(a.ua), UA_REGISTERED);
	run_for(7500);                          /* 80 % of 10 s are 8 */
	CU_ASSERT_EQUAL(registers(), 0);
	run_for(800);
	CU_ASSERT_EQUAL(registers(), 1);
	CU_ASSERT(raw_wait(&srv, "REGISTER", 100));
	raw_reply(&srv, "200 OK", "x", bound(";expires=300"));
	run_for(50);
	close_account();
	CU_ASSERT_EQUAL(srv.step, 1);           /* removed */
}

static void test_challenge(void)
{
	unsigned seq;

	open_account("secret");
	seq = (unsigned)atoi(raw_hdr(&srv, "CSeq") + 5);
	raw_reply(&srv, "401 Unauthorized", "x",
		  "WWW-Authenticate: Digest realm=\"example.org\", "
		  "nonce=\"abc\", qop=\"auth\", algorithm=SHA-256\r\n");
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	CU_ASSERT(strstr(raw_hdr(&srv, "Authorization"), "nc=00000001")
		  != NULL);
	CU_ASSERT_EQUAL((unsigned)atoi(raw_hdr(&srv, "CSeq") + 5), seq + 1);
	/* stale: once more */
	raw_reply(&srv, "401 Unauthorized", "x",
		  "WWW-Authenticate: Digest realm=\"example.org\", "
		  "nonce=\"def\", qop=\"auth\", algorithm=SHA-256, "
		  "stale=true\r\n");
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	CU_ASSERT(strstr(raw_hdr(&srv, "Authorization"), "def") != NULL);
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	close_account();
}

static void test_423(void)
{
	open_account(NULL);
	raw_reply(&srv, "423 Interval Too Brief", "x",
		  "Min-Expires: 1200\r\n");
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	CU_ASSERT(strstr(raw_hdr(&srv, "Expires"), "1200") != NULL);
	raw_reply(&srv, "423 Interval Too Brief", "x",
		  "Min-Expires: 2400\r\n");
	CU_ASSERT(wait_log(&a, "state3", 1000));
	CU_ASSERT_EQUAL(a.scode, 423);
	close_account();
}

/* RFC 5626 section 4.5: 30 s, doubled, up to 30 min, half of it random. */
static void test_back_off(void)
{
	unsigned base = 30;

	open_account(NULL);
	for (unsigned i = 0; i < 9; i++) {
		a.log[0] = '\0';
		raw_reply(&srv, "500 Oops", "x", "");
		CU_ASSERT(wait_log(&a, "state3", 1000));
		CU_ASSERT_EQUAL(a.scode, 500);
		later(base / 2 - 1);
		CU_ASSERT_EQUAL(registers(), 0);
		later(base + 1);
		CU_ASSERT_EQUAL(registers(), 1);
		CU_ASSERT(raw_wait(&srv, "REGISTER", 100));
		base = base * 2 < 1800 ? base * 2 : 1800;
	}
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	close_account();
}

static void test_retry_after(void)
{
	open_account(NULL);
	raw_reply(&srv, "503 Busy", "x", "Retry-After: 500\r\n");
	CU_ASSERT(wait_log(&a, "state3", 1000));
	CU_ASSERT_STRING_EQUAL(a.why, "Busy");
	later(495);
	CU_ASSERT_EQUAL(registers(), 0);
	later(501);
	CU_ASSERT_EQUAL(registers(), 1);
	close_account();
}

static void test_addresses_change(void)
{
	open_account(NULL);
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	ua_changed(a.ua);
	ua_changed(a.ua);
	CU_ASSERT(raw_wait(&srv, "REGISTER", 2000));
	CU_ASSERT_EQUAL(registers(), 0);
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	close_account();
}

/* The registrar's port is closed for a moment: known from ICMP. */
static void test_flow_lost(void)
{
	struct sa addr;

	open_account(NULL);
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	addr = srv.addr;
	raw_close(&srv);
	a.log[0] = '\0';
	later(26);                              /* a keepalive */
	CU_ASSERT(wait_log(&a, "state3", 3000));
	CU_ASSERT(a.why[0] != '\0');
	raw_open(&srv);
	srv.us = mem_deref(srv.us);
	CU_ASSERT_EQUAL(udp_listen(&srv.us, &addr, raw_recv, &srv), 0);
	later(31);
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	close_account();
}

/* Answer the STUN request: the NAT has it at 192.0.2.3:port. */
static void stun_answer(uint16_t port)
{
	uint8_t m[32] = { 1, 1, 0, 12 };
	struct mbuf mb = { .buf = m, .size = sizeof m, .end = sizeof m };
	const uint8_t xored[] = { 0, 0x20, 0, 8, 0, 1,
		(uint8_t)((port >> 8) ^ 0x21), (uint8_t)(port ^ 0x12),
		192 ^ 0x21, 0 ^ 0x12, 2 ^ 0xa4, 3 ^ 0x42 };

	memcpy(m + 4, srv.stun + 4, 16);
	memcpy(m + 20, xored, sizeof xored);
	CU_ASSERT_EQUAL(udp_send(srv.us, &srv.stunsrc, &mb), 0);
	srv.stunn = 0;
}

static bool stun_came(void *arg)
{
	(void)arg;
	return srv.stunn > 0;
}

/* RFC 5626: STUN keeps the flow; another mapped address means another one. */
static void test_outbound(void)
{
	open_account(NULL);
	raw_reply(&srv, "200 OK", "x",
		  bound(";expires=600\r\nRequire: outbound\r\n"
			"Flow-Timer: 20"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	for (unsigned i = 0; i < 3; i++) {
		later(21);
		CU_ASSERT(run_until(stun_came, NULL, 1000));
		CU_ASSERT_EQUAL(srv.stunn, 20);
		stun_answer(4000);
		run_for(20);
	}
	CU_ASSERT_EQUAL(registers(), 0);
	later(21);
	CU_ASSERT(run_until(stun_came, NULL, 1000));
	stun_answer(4001);
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	raw_reply(&srv, "200 OK", "x",
		  bound(";expires=600\r\nRequire: outbound\r\n"
			"Flow-Timer: 120"));
	run_for(20);
	later(26);                      /* a NAT does not wait for that */
	CU_ASSERT(run_until(stun_came, NULL, 1000));
	stun_answer(4001);
	run_for(20);
	for (unsigned i = 0; i < 4; i++)        /* no answers any more */
		later(121);
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	close_account();
}

/* Doubt about the network is settled in some seconds, by one question asked
 * again, which any of its answers settles. */
static void test_probe(void)
{
	uint8_t tid[12];

	open_account(NULL);
	raw_reply(&srv, "200 OK", "x",
		  bound(";expires=600\r\nRequire: outbound"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	ua_probe(a.ua);
	CU_ASSERT(run_until(stun_came, NULL, 1000));
	memcpy(tid, srv.stun + 8, sizeof tid);
	srv.stunn = 0;
	later(2);
	CU_ASSERT(run_until(stun_came, NULL, 1000));
	CU_ASSERT_EQUAL(memcmp(tid, srv.stun + 8, sizeof tid), 0);
	stun_answer(4000);
	run_for(20);
	later(2);
	later(2);
	CU_ASSERT_EQUAL(registers(), 0);
	ua_probe(a.ua);
	for (unsigned i = 0; i < 3; i++)
		later(2);
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	close_account();
}

/* Calls of the account go through its server, but not those to an address. */
static void test_calls(void)
{
	struct raw peer;
	char uri[64];

	open_account(NULL);
	raw_open(&peer);
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	CU_ASSERT_EQUAL(side_dial(&a, "sip:bob@example.com", "v=0"), 0);
	CU_ASSERT(raw_wait(&srv, "INVITE sip:bob@example.com SIP", 1000));
	CU_ASSERT(strstr(raw_hdr(&srv, "From"), "sip:alice@example.org")
		  != NULL);
	raw_reply(&srv, "404 Not Found", "x", "");
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.scode, 404);
	(void)re_snprintf(uri, sizeof uri, "sip:bob@%J", &peer.addr);
	/* the registrar's own address is its domain, another port or not */
	CU_ASSERT_EQUAL(side_dial(&a, uri, "v=0"), 0);
	CU_ASSERT(raw_wait(&srv, "INVITE", 1000));
	raw_reply(&srv, "404 Not Found", "x", "");
	raw_close(&peer);
	close_account();
}

/* A stranger asks for the password that is our server's. */
static void test_stranger(void)
{
	struct raw peer;
	char uri[64];

	open_account("secret");
	raw_reply(&srv, "401 Unauthorized", "x",
		  "WWW-Authenticate: Digest realm=\"example.org\", "
		  "nonce=\"abc\", qop=\"auth\"\r\n");
	CU_ASSERT(raw_wait(&srv, "REGISTER", 1000));
	raw_reply(&srv, "200 OK", "x", bound(";expires=600"));
	CU_ASSERT(wait_log(&a, "state2", 1000));
	raw_open(&peer);
	peer.us = mem_deref(peer.us);
	sa_set_str(&peer.addr, "127.0.0.77", 0);
	CU_ASSERT_EQUAL(udp_listen(&peer.us, &peer.addr, raw_recv, &peer), 0);
	(void)udp_local_get(peer.us, &peer.addr);
	(void)re_snprintf(uri, sizeof uri, "sip:bob@%J", &peer.addr);
	CU_ASSERT_EQUAL(side_dial(&a, uri, "v=0"), 0);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	CU_ASSERT_STRING_EQUAL(raw_hdr(&peer, "Authorization"), "");
	raw_reply(&peer, "401 Unauthorized", "x",
		  "WWW-Authenticate: Digest realm=\"example.org\", "
		  "nonce=\"abd\", qop=\"auth\"\r\n");
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.scode, 401);
	raw_close(&peer);
	close_account();
}

static void test_bad_accounts(void)
{
	static const struct ua_conf confv[] = {
		{ .registrar = "sip:127.0.0.1" },
		{ .aor = "sip:a b@c", .registrar = "sip:127.0.0.1" },
		{ .aor = "sip:a@c", .registrar = "sip:<>" },
		{ .aor = "sip:a@c", .tls_cert = "/nonexistent" },
	};

	pair_begin();
	for (size_t i = 0; i < sizeof confv / sizeof confv[0]; i++)
		CU_ASSERT_EQUAL(side_open(&a, &confv[i]), EINVAL);
	pair_end();
}

static void test_port_taken(void)
{
	struct ua_conf conf = { .user = "x" };
	struct side b;
	struct sa sa;

	pair_begin();
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &conf), 0);
	side_addr(&a, &sa);
	conf.port = sa_port(&sa);
	CU_ASSERT_EQUAL(side_open(&b, &conf), EADDRINUSE);
	sides_close(&a, NULL);
	pair_end();
}

UNIT_SUITE("reg",
	   { "register, refresh, remove", test_register },
	   { "challenge, stale nonce", test_challenge },
	   { "423", test_423 },
	   { "back-off", test_back_off },
	   { "Retry-After", test_retry_after },
	   { "addresses change", test_addresses_change },
	   { "flow lost", test_flow_lost },
	   { "outbound", test_outbound },
	   { "probe", test_probe },
	   { "calls by the server", test_calls },
	   { "a stranger's challenge", test_stranger },
	   { "bad accounts", test_bad_accounts },
	   { "port taken", test_port_taken })
