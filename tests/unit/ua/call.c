/*
 * call.c: two user agents in one loop on loopback: calls from ringing to the
 * end, over UDP and TCP.
 */
#include "tests/unit/ua/pair.h"

static struct side a, b;

static void open_pair(void)
{
	const struct ua_conf ca = { .user = "caller" };
	const struct ua_conf cb = { .user = "callee" };

	pair_begin();
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &ca), 0);
	CU_ASSERT_EQUAL_FATAL(side_open(&b, &cb), 0);
}

static void close_pair(void)
{
	sides_close(&a, &b);
	pair_end();
}

static void dial(const char *params)
{
	char uri[128];

	side_uri(&b, uri, sizeof uri, params);
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0 offer"), 0);
}

static void answered_by(const char *params)
{
	open_pair();
	dial(params);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	CU_ASSERT_STRING_EQUAL(a.body, "v=0 answer");
	CU_ASSERT(wait_log(&b, "established", 2000));
	CU_ASSERT_STRING_EQUAL(b.body, "v=0 offer");
	CU_ASSERT_STRING_EQUAL(call_peer_uri(b.call), "sip:caller@127.0.0.1");
	call_hangup(a.call, "done", "all is said");
	a.call = mem_deref(a.call);
	CU_ASSERT(wait_log(&b, "end", 2000));
	CU_ASSERT(b.end.by_peer);
	CU_ASSERT_STRING_EQUAL(b.end.key, "done");
	CU_ASSERT_STRING_EQUAL(b.end.text, "all is said");
	close_pair();
}

static void test_udp(void)
{
	answered_by("");
}

static void test_tcp(void)
{
	answered_by(";transport=tcp");
}

/* Where there is IPv6. */
static void test_ipv6(void)
{
	char uri[128];

	open_pair();
	side_uri(&b, uri, sizeof uri, "");
	memmove(uri, "sip:[::1]", 9);
	(void)re_snprintf(uri, sizeof uri, "sip:[::1]%s",
			  strrchr(uri, ':'));
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0 offer"), 0);
	CU_ASSERT(wait_log(&a, "", 0));
	run_for(300);
	if (!strstr(a.log, "end")) {
		CU_ASSERT(wait_log(&a, "answer", 1000));
		CU_ASSERT(wait_log(&b, "established", 1000));
		CU_ASSERT_STRING_EQUAL(call_peer_uri(b.call),
				       "sip:caller@[::1]");
	}
	else {
		printf("call: no IPv6 here\n");
	}
	close_pair();
}

static void test_callee_hangs_up(void)
{
	open_pair();
	dial("");
	CU_ASSERT(wait_log(&b, "established", 2000));
	b.call = mem_deref(b.call);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT(a.end.by_peer);
	close_pair();
}

static void reject(struct side *s, struct call *c)
{
	(void)s;
	CU_ASSERT_EQUAL(call_reject(c, 486, "Busy Here", 399,
				    "too \"many\" calls"), 0);
}

static void test_reject(void)
{
	open_pair();
	b.on_call = reject;
	dial("");
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.scode, 486);
	CU_ASSERT_STRING_EQUAL(a.end.text, "too 'many' calls");
	close_pair();
}

static void leave(struct side *s, struct call *c)
{
	(void)s;
	(void)c;
}

static void test_not_taken(void)
{
	open_pair();
	b.on_call = leave;
	dial("");
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.scode, 480);
	close_pair();
}

static void ring(struct side *s, struct call *c)
{
	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_progress(c, 180, "Ringing", NULL), 0);
}

static void test_cancel(void)
{
	open_pair();
	b.on_call = ring;
	dial("");
	CU_ASSERT(wait_log(&a, "180", 2000));
	call_hangup(a.call, "interrupted", "changed my mind");
	a.call = mem_deref(a.call);
	CU_ASSERT(wait_log(&b, "end", 2000));
	CU_ASSERT(b.end.by_peer);
	CU_ASSERT_STRING_EQUAL(b.end.key, "interrupted");
	close_pair();
}

static void test_cancel_at_once(void)
{
	open_pair();
	b.on_call = ring;
	dial("");
	a.call = mem_deref(a.call);
	CU_ASSERT(wait_log(&b, "end", 3000));
	CU_ASSERT(b.end.by_peer);
	close_pair();
}

static void early(struct side *s, struct call *c)
{
	struct call_body sdp = { "application/sdp", "early", 5 };

	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_progress(c, 183, "Session Progress", &sdp), 0);
}

static void test_reliable(void)
{
	struct call_body sdp = { "application/sdp", "final", 5 };

	open_pair();
	b.on_call = early;
	dial("");
	CU_ASSERT(wait_log(&a, "183", 2000));
	CU_ASSERT_STRING_EQUAL(a.body, "early");
	/* held until PRACK has come, or sent if it has */
	CU_ASSERT_EQUAL(call_answer(b.call, &sdp), 0);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	CU_ASSERT(wait_log(&b, "established", 2000));
	CU_ASSERT_STRING_EQUAL(a.body, "final");
	close_pair();
}

UNIT_SUITE("call",
	   { "udp", test_udp },
	   { "tcp", test_tcp },
	   { "IPv6", test_ipv6 },
	   { "callee hangs up", test_callee_hangs_up },
	   { "reject", test_reject },
	   { "not taken", test_not_taken },
	   { "cancel", test_cancel },
	   { "cancel at once", test_cancel_at_once },
	   { "reliable", test_reliable })
