/*
 * callreq.c: within a call: new offers both ways and at once, INFO, MESSAGE,
 * session timers, large bodies.
 */
#include "tests/unit/ua/raw.h"

static struct side a, b;

static void open_with(uint32_t session_expires, const char *params)
{
	const struct ua_conf ca = {
		.user = "caller", .session_expires = session_expires
	};
	const struct ua_conf cb = {
		.user = "callee", .session_expires = session_expires
	};
	char uri[128];

	pair_begin();
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	a.answer = "v=0 answer of a";
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &ca), 0);
	CU_ASSERT_EQUAL_FATAL(side_open(&b, &cb), 0);
	side_uri(&b, uri, sizeof uri, params);
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0 offer"), 0);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	CU_ASSERT(wait_log(&b, "established", 2000));
	a.log[0] = b.log[0] = '\0';
}

static void close_pair(void)
{
	sides_close(&a, &b);
	pair_end();
}

static const struct call_body second = { "application/sdp", "v=0 second", 10 };

static void test_reinvite(void)
{
	open_with(0, "");
	CU_ASSERT_EQUAL(call_reinvite(a.call, &second), 0);
	CU_ASSERT_EQUAL(call_reinvite(a.call, &second), EALREADY);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	CU_ASSERT_STRING_EQUAL(b.body, "v=0 second");
	CU_ASSERT_STRING_EQUAL(a.body, "v=0 answer");
	run_for(50);
	a.log[0] = b.log[0] = '\0';
	CU_ASSERT_EQUAL(call_reinvite(b.call, &second), 0);
	CU_ASSERT(wait_log(&b, "answer", 2000));
	CU_ASSERT_STRING_EQUAL(a.body, "v=0 second");
	CU_ASSERT_STRING_EQUAL(b.body, "v=0 answer of a");
	close_pair();
}

static void test_tcp(void)
{
	open_with(0, ";transport=tcp");
	CU_ASSERT_EQUAL(call_reinvite(b.call, &second), 0);
	CU_ASSERT(wait_log(&b, "answer", 2000));
	CU_ASSERT_STRING_EQUAL(a.body, "v=0 second");
	run_for(50);
	CU_ASSERT_EQUAL(call_reinvite(a.call, &second), 0);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	close_pair();
}

static void refuse(struct side *s, const struct call_body *body)
{
	(void)body;
	CU_ASSERT_EQUAL(call_reject(s->call, 488, "Not Acceptable Here", 0,
				    "no"), 0);
}

static void test_refused(void)
{
	open_with(0, "");
	b.on_offer = refuse;
	CU_ASSERT_EQUAL(call_reinvite(a.call, &second), 0);
	CU_ASSERT(wait_log(&a, "refused488", 2000));
	b.on_offer = NULL;
	CU_ASSERT_EQUAL(call_reinvite(a.call, &second), 0);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	close_pair();
}

/* Both ask at the same time: each refuses by 491, and both get through. */
static void test_glare(void)
{
	open_with(0, "");
	CU_ASSERT_EQUAL(call_reinvite(a.call, &second), 0);
	CU_ASSERT_EQUAL(call_reinvite(b.call, &second), 0);
	CU_ASSERT(wait_log(&b, "answer", 6000));
	CU_ASSERT(wait_log(&a, "answer", 6000));
	CU_ASSERT_PTR_NULL(strstr(a.log, "refused"));
	CU_ASSERT_PTR_NULL(strstr(b.log, "refused"));
	close_pair();
}

static void test_info(void)
{
	const struct call_body frag = {
		"application/trickle-ice-sdpfrag", "a=end-of-candidates", 19
	};

	open_with(0, "");
	CU_ASSERT_EQUAL(call_info(a.call, "INFO", &frag), 0);
	CU_ASSERT(wait_log(&b, "INFO", 2000));
	CU_ASSERT_STRING_EQUAL(b.body, "a=end-of-candidates");
	CU_ASSERT_EQUAL(call_info(b.call, "MESSAGE", &frag), 0);
	CU_ASSERT(wait_log(&a, "MESSAGE", 2000));
	CU_ASSERT_EQUAL(call_info(b.call, "BYE", &frag), EINVAL);
	close_pair();
}

static void early(struct side *s, struct call *c)
{
	struct call_body sdp = { "application/sdp", "early", 5 };

	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_progress(c, 183, "Session Progress", &sdp), 0);
}

static void test_info_early(void)
{
	const struct call_body frag = { "text/plain", "early bird", 10 };
	const struct ua_conf conf = { .user = "x" };
	char uri[128];

	pair_begin();
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &conf), 0);
	CU_ASSERT_EQUAL_FATAL(side_open(&b, &conf), 0);
	b.on_call = early;
	side_uri(&b, uri, sizeof uri, "");
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0"), 0);
	CU_ASSERT(wait_log(&a, "183", 2000));
	CU_ASSERT_EQUAL(call_info(a.call, "INFO", &frag), 0);
	CU_ASSERT(wait_log(&b, "INFO", 2000));
	CU_ASSERT_STRING_EQUAL(b.body, "early bird");
	a.call = mem_deref(a.call);
	CU_ASSERT(wait_log(&b, "end", 2000));
	close_pair();
}

/* The session lives as long as it is refreshed, and nobody is told. */
static void test_refresh(void)
{
	open_with(2, "");
	run_for(5000);
	CU_ASSERT_STRING_EQUAL(a.log, "");
	CU_ASSERT_STRING_EQUAL(b.log, "");
	close_pair();
}

/* The other side vanishes without a word. */
static void test_expiry(void)
{
	open_with(2, "");
	mem_deref(b.ua);
	b.ua = NULL;
	CU_ASSERT(wait_log(&a, "end", 6000));
	CU_ASSERT(a.end.err != 0);
	b.call = mem_deref(b.call);
	close_pair();
}

/* More than a datagram should carry. */
static void test_large(void)
{
	struct call_body big = { "application/sdp", NULL, 3900 };
	char *text = mem_zalloc(big.n + 1, NULL);

	memset(text, 'x', big.n);
	big.p = text;
	open_with(0, "");
	CU_ASSERT_EQUAL(call_reinvite(a.call, &big), 0);
	CU_ASSERT(wait_log(&a, "answer", 3000));
	CU_ASSERT_EQUAL(strlen(b.body), 3900);
	CU_ASSERT_EQUAL(call_reinvite(b.call, &big), 0);
	CU_ASSERT(wait_log(&b, "answer", 3000));
	CU_ASSERT_EQUAL(strlen(a.body), 3900);
	mem_deref(text);
	close_pair();
}

/* A peer that speaks only UDP gets it by UDP. */
static void test_large_udp_only(void)
{
	const struct ua_conf conf = { .user = "caller" };
	struct raw peer;
	char uri[128], *text = mem_zalloc(2001, NULL);

	memset(text, 'x', 2000);
	pair_begin();
	memset(&a, 0, sizeof a);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &conf), 0);
	raw_open(&peer);
	(void)re_snprintf(uri, sizeof uri, "sip:%J", &peer.addr);
	CU_ASSERT_EQUAL(side_dial(&a, uri, text), 0);
	CU_ASSERT(raw_wait(&peer, "INVITE", 3000));
	CU_ASSERT_EQUAL(strlen(raw_body(&peer)), 2000);
	raw_reply(&peer, "486 Busy", "x", "");
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.scode, 486);
	sides_close(&a, NULL);
	raw_close(&peer);
	mem_deref(text);
	pair_end();
}

UNIT_SUITE("callreq",
	   { "re-INVITE", test_reinvite },
	   { "re-INVITE by TCP", test_tcp },
	   { "refused", test_refused },
	   { "glare", test_glare },
	   { "INFO and MESSAGE", test_info },
	   { "INFO in an early dialog", test_info_early },
	   { "session refresh", test_refresh },
	   { "session expiry", test_expiry },
	   { "large bodies by TCP", test_large },
	   { "large bodies, UDP only", test_large_udp_only })
