/*
 * registrar.c: REGISTER from scripted clients, keepalives, STUN, reload.
 */
#include "tests/unit/registrar/client.h"

static const char dom[] = "example.org";

static struct house h;
static struct client a, b;

static void open_both(bool stream)
{
	house_open(&h, dom, true, 3600);
	client_open(&a, &h, "alice", "secret", stream);
	client_open(&b, &h, "bob", "hush", stream);
}

static void close_both(void)
{
	client_close(&a);
	client_close(&b);
	house_close(&h);
}

static bool status_has(const char *what)
{
	char *s = NULL;
	bool has;

	CU_ASSERT_EQUAL(re_sdprintf(&s, "%H", registrar_status, h.r), 0);
	has = strstr(s, what) != NULL;
	if (!has)
		printf("%s\n", s);
	mem_deref(s);
	return has;
}

static void check_register(bool stream)
{
	struct sip_msg *msg;

	open_both(stream);
	client_online(&a, dom);
	CU_ASSERT(status_has("\"online\":{\"alice\":1}"));
	client_register(&a, dom, "");                   /* fetch */
	msg = client_response(&a, 200);
	CU_ASSERT_EQUAL(sip_msg_hdr_count(msg, SIP_HDR_CONTACT), 1);
	mem_deref(msg);
	client_register(&a, dom, "Contact: <sip:x@192.0.2.9>;expires=70, "
			"<sip:y@192.0.2.9>;expires=99999\r\n");
	msg = client_response(&a, 200);
	CU_ASSERT_EQUAL(sip_msg_hdr_count(msg, SIP_HDR_CONTACT), 3);
	mem_deref(msg);
	client_register(&a, dom, "Contact: <sip:X@192.0.2.9>;expires=0\r\n");
	client_expect(&a, 200);
	CU_ASSERT(status_has("\"online\":{\"alice\":2}"));
	client_register(&a, dom, "Contact: *\r\nExpires: 0\r\n");
	client_expect(&a, 200);
	CU_ASSERT(status_has("\"online\":{}"));
	close_both();
}

static void test_udp(void)
{
	check_register(false);
}

static void test_tcp(void)
{
	check_register(true);
}

static void test_wrong(void)
{
	struct sip_msg *msg;

	open_both(false);
	a.password = "wrong";
	client_register(&a, dom, "Contact: <sip:a@192.0.2.1>\r\n");
	msg = client_response(&a, 401);
	CU_ASSERT_EQUAL(sip_msg_hdr_count(msg, SIP_HDR_WWW_AUTHENTICATE), 2);
	digest_client_response(&a.digest, msg);
	CU_ASSERT_EQUAL(a.digest.v[0].c.alg, DIGEST_SHA256);
	mem_deref(msg);
	client_register(&a, dom, "Contact: <sip:a@192.0.2.1>\r\n");
	client_expect(&a, 403);

	/* somebody else's credentials, nobody's name */
	a.password = "secret";
	a.digest.n = 0;
	b.user = "mallory";
	client_register(&b, dom, "");
	msg = client_response(&b, 401);
	digest_client_response(&b.digest, msg);
	mem_deref(msg);
	client_register(&b, dom, "");
	client_expect(&b, 403);
	CU_ASSERT(status_has("\"online\":{}"));
	close_both();
}

static void test_limit(void)
{
	struct sip_msg *msg;

	open_both(false);
	a.password = "wrong";
	client_register(&a, dom, "");
	msg = client_response(&a, 401);
	digest_client_response(&a.digest, msg);
	mem_deref(msg);
	for (int i = 0; i < 20; i++) {
		client_register(&a, dom, "");
		client_expect(&a, 403);
	}
	a.password = "secret";
	client_register(&a, dom, "");
	msg = client_response(&a, 503);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER));
	mem_deref(msg);
	close_both();
}

static void test_stale(void)
{
	struct sip_msg *msg;

	open_both(false);
	client_online(&a, dom);
	a.digest.v[0].c.nonce[30] ^= 1;
	client_register(&a, dom, "");
	msg = client_response(&a, 401);
	digest_client_response(&a.digest, msg);
	CU_ASSERT(digest_client_stale(&a.digest));
	mem_deref(msg);
	client_register(&a, dom, "");
	client_expect(&a, 200);
	close_both();
}

static void test_refused(void)
{
	struct sip_msg *msg;

	open_both(false);
	client_online(&a, dom);
	client_register(&a, dom, "Contact: <sip:a@192.0.2.1>;expires=5\r\n");
	msg = client_response(&a, 423);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_hdr(msg, SIP_HDR_MIN_EXPIRES));
	mem_deref(msg);
	client_register(&a, dom, "Contact: <tel:+1>\r\n");
	client_expect(&a, 400);
	client_register(&a, dom, "Contact: *\r\n");
	client_expect(&a, 400);
	client_register(&a, dom, "Contact: *, <sip:a@b>\r\nExpires: 0\r\n");
	client_expect(&a, 400);
	client_register(&a, dom, "Require: outbound, gruu\r\n");
	msg = client_response(&a, 420);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_hdr(msg, SIP_HDR_UNSUPPORTED));
	mem_deref(msg);
	client_register(&a, "example.com", "");
	client_expect(&a, 403);
	a.seq = 0;                              /* an old CSeq */
	client_register(&a, dom, "Contact: *\r\nExpires: 0\r\n");
	client_expect(&a, 500);
	CU_ASSERT(status_has("\"online\":{\"alice\":1}"));
	close_both();
}

static void test_expiry(void)
{
	house_open(&h, dom, true, 1);
	client_open(&a, &h, "alice", "secret", false);
	client_online(&a, dom);
	CU_ASSERT(status_has("\"online\":{\"alice\":1}"));
	client_run(1300);
	CU_ASSERT(status_has("\"online\":{}"));
	client_close(&a);
	house_close(&h);
}

static void test_outbound(void)
{
	const char *lines = "Supported: outbound, path\r\nContact: "
		"<sip:alice@10.0.0.1;transport=tcp>;reg-id=1;"
		"+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-"
		"000A95A0E128>\"\r\n";
	struct sip_msg *msg;

	open_both(true);
	client_register(&a, dom, lines);
	msg = client_response(&a, 401);
	digest_client_response(&a.digest, msg);
	mem_deref(msg);
	client_register(&a, dom, lines);
	msg = client_response(&a, 200);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_hdr(msg, SIP_HDR_FLOW_TIMER));
	CU_ASSERT(sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "outbound"));
	mem_deref(msg);

	client_write(&a, "\r\n\r\n", 4);                /* ping */
	while (!a.pongs && client_run(WAIT))
		;
	CU_ASSERT_EQUAL(a.pongs, 1);

	/* the same instance from another connection replaces the flow, and
	 * the binding goes with its connection */
	client_close(&b);
	client_open(&b, &h, "alice", "secret", true);
	b.digest = a.digest;
	b.seq = 10;
	client_register(&b, dom, lines);
	client_expect(&b, 200);
	CU_ASSERT(status_has("\"online\":{\"alice\":1}"));
	client_close(&a);
	client_run(50);
	CU_ASSERT(status_has("\"online\":{\"alice\":1}"));
	client_close(&b);
	client_run(50);
	CU_ASSERT(status_has("\"online\":{}"));
	close_both();
}

static void send_binding(void)
{
	uint8_t tid[STUN_TID_SIZE] = { 1 };
	struct mbuf *mb = mbuf_alloc(64);

	stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid,
			NULL, NULL, 0, true, 0, 0);
	client_write(&a, (char *)mb->buf, mb->end);
	mem_deref(mb);
}

static void test_stun(void)
{
	open_both(false);
	send_binding();
	CU_ASSERT(client_run(WAIT));
	CU_ASSERT_EQUAL(a.raw, 1);
	close_both();

	house_open(&h, dom, false, 3600);
	client_open(&a, &h, "alice", "secret", false);
	send_binding();
	CU_ASSERT(!client_run(200));
	CU_ASSERT_EQUAL(a.raw, 0);
	client_close(&a);
	house_close(&h);
}

static void test_reload(void)
{
	char why[256];

	open_both(false);
	client_online(&a, dom);
	client_online(&b, dom);
	house_users(&h, "alice:secret\nbob\n");
	CU_ASSERT_EQUAL(registrar_reload(h.r, why, sizeof why), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, ":2: expected user:password"));
	CU_ASSERT(status_has("\"users\":3"));
	house_users(&h, "alice:secret\n");
	CU_ASSERT_EQUAL(registrar_reload(h.r, why, sizeof why), 0);
	CU_ASSERT(status_has("\"users\":1,\"online\":{\"alice\":1}"));
	close_both();
}

/* What is no SIP, or no honest SIP, does no harm. */
static void test_garbage(void)
{
	char big[20000];

	open_both(true);
	memset(big, 'a', sizeof big);
	client_write(&a, big, sizeof big);
	while (!a.closed && client_run(WAIT))
		;
	CU_ASSERT(a.closed);
	client_send(&b, "\r\nOPTIONS sip:example.org SIP/2.0\r\n"
		    "Via: SIP/2.0/TCP x;branch=z9hG4bK1\r\n");
	client_run(50);
	client_send(&b, "From: <sip:x@y>;tag=1\r\nTo: <sip:example.org>\r\n"
		    "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
		    "Content-Length: 5\r\n\r\nhe");
	client_run(50);
	client_send(&b, "lloOPTIONS sip:example.org SIP/2.0\r\n"
		    "Via: SIP/2.0/TCP x;branch=z9hG4bK2\r\n"
		    "From: <sip:x@y>\r\nTo: <sip:example.org>\r\n"
		    "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
		    "Content-Length: 0\r\n\r\n");
	client_expect(&b, 200);
	client_expect(&b, 400);                 /* no From tag */
	close_both();
}

static void check_conf(const char *listen, const char *domain,
		       const char *tls, const char *want)
{
	const struct registrar_conf conf = {
		.listen = listen, .domain = domain, .users_file = h.users,
		.tls_cert = tls,
	};
	struct registrar *r = NULL;
	char why[256] = "";

	CU_ASSERT_NOT_EQUAL(registrar_alloc(&r, h.timers, &conf, why,
					    sizeof why), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, want));
	if (!strstr(why, want))
		printf("%s %s: \"%s\"\n", listen, domain, why);
	mem_deref(r);
}

static void test_conf(void)
{
	house_open(&h, dom, true, 3600);
	check_conf("", dom, NULL, "no address given");
	check_conf("sctp:127.0.0.1:5060", dom, NULL, "\"sctp:127.0.0.1");
	check_conf("udp:127.0.0.1:x", dom, NULL, "127.0.0.1:x");
	check_conf("udp:0.0.0.0:0", dom, NULL, "needs a port");
	check_conf("udp:192.0.2.1:5060", dom, NULL, "cannot listen");
	check_conf("tls:127.0.0.1:0", dom, NULL, "no certificate");
	check_conf("tls:127.0.0.1:0", dom, "/nowhere", "/nowhere");
	check_conf("udp:127.0.0.1:0", "a b\"", NULL, "not a host name");
	house_users(&h, "x:y\nalice:example.org:zz\n");
	check_conf("udp:127.0.0.1:0", dom, NULL, ":2: the hash");
	house_close(&h);
}

UNIT_SUITE("registrar/registrar",
	   { "udp", test_udp },
	   { "tcp", test_tcp },
	   { "wrong password", test_wrong },
	   { "limit", test_limit },
	   { "stale", test_stale },
	   { "refused", test_refused },
	   { "expiry", test_expiry },
	   { "outbound", test_outbound },
	   { "stun", test_stun },
	   { "reload", test_reload },
	   { "garbage", test_garbage },
	   { "configuration", test_conf })
