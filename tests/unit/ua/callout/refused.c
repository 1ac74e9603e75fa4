/*
 * refused.c: a scripted callee that redirects, challenges and refuses, or is
 * not there.
 */
#include "tests/unit/ua/callout/caller.h"

static void test_redirect(void)
{
	call_peer();
	raw_reply(&peer, "302 Moved", "x", contact(&other));
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&other, "INVITE", 1000));
	CU_ASSERT_STRING_EQUAL(raw_body(&other), "v=0 offer");
	raw_reply(&other, "302 Moved", "x", contact(&other));
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(raw_wait(&other, "ACK", 1000));
		CU_ASSERT(raw_wait(&other, "INVITE", 1000));
		raw_reply(&other, "302 Moved", "x", contact(&other));
	}
	CU_ASSERT(wait_log(&a, "end", 1000));           /* no sixth time */
	CU_ASSERT_EQUAL(a.end.scode, 302);
	close_caller();
}

/* A phone rings, nobody is there, and it forwards: what its ringing said of
 * tag and route is not said to the next one. */
static void test_ring_redirect(void)
{
	char hdrs[256];

	open_caller(NULL);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	(void)re_snprintf(hdrs, sizeof hdrs, "Record-Route: <sip:%J;lr>\r\n%s",
			  &peer.addr, contact(&peer));
	raw_reply(&peer, "180 Ringing", "x", hdrs);
	CU_ASSERT(wait_log(&a, "180", 1000));
	raw_reply(&peer, "302 Moved", "x", contact(&other));
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&other, "INVITE", 1000));
	CU_ASSERT(!strstr(raw_hdr(&other, "To"), "tag="));
	CU_ASSERT_STRING_EQUAL(raw_hdr(&other, "Route"), "");
	raw_reply(&other, "200 OK", "y", contact(&other));
	CU_ASSERT(raw_wait(&other, "ACK", 1000));
	CU_ASSERT(wait_log(&a, "answer", 1000));
	close_caller();
}

static void test_422(void)
{
	call_peer();
	raw_reply(&peer, "422 Session Interval Too Small", "x",
		  "Min-SE: 3600\r\n");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Session-Expires"), "3600") != NULL);
	raw_reply(&peer, "486 Busy", "x", "");
	CU_ASSERT(wait_log(&a, "end", 1000));
	close_caller();
}

static void test_refused(void)
{
	call_peer();
	raw_reply(&peer, "503 Service \x01 Unavailable", "x",
		  "Retry-After: 120 (maintenance)\r\n"
		  "Warning: 399 here \"come \x02 later\"\r\n");
	run_for(50);
	/* control characters do not pass the start line */
	CU_ASSERT_STRING_EQUAL(a.log, "");
	raw_reply(&peer, "503 Service Unavailable", "x",
		  "Retry-After: 120 (maintenance)\r\n"
		  "Warning: 399 here \"come \x02 later\"\r\n");
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.scode, 503);
	CU_ASSERT_EQUAL(a.end.retry_after, 120);
	CU_ASSERT_STRING_EQUAL(a.end.text, "come ? later");
	close_caller();
}

static void test_nobody_there(void)
{
	uint64_t t0;

	open_caller(NULL);
	t0 = clock_ns();
	CU_ASSERT_EQUAL(side_dial(&a, "sip:127.0.0.1:9", "v=0"), 0);
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.err, ECONNREFUSED);
	CU_ASSERT(clock_ns() - t0 < 500 * MSEC);
	a.log[0] = '\0';
	CU_ASSERT_EQUAL(side_dial(&a, "sip:127.0.0.1:9;transport=tcp", "v"),
			0);
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.err, ECONNREFUSED);
	CU_ASSERT(a.end.text[0] != '\0');
	/* the port closes while we wait */
	dial(&other);
	CU_ASSERT(raw_wait(&other, "INVITE", 1000));
	a.log[0] = '\0';
	raw_close(&other);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.err, ECONNREFUSED);
	close_caller();
}

/* Not there is our server, of the peer nothing is known. */
static void test_no_server(void)
{
	const struct ua_conf conf = {
		.aor = "sip:caller@example.org",
		.outbound = "sip:127.0.0.1:9;transport=tcp",
	};

	open_caller(&conf);
	CU_ASSERT_EQUAL(side_dial(&a, "sip:peer@example.net", "v=0"), 0);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.err, ECONNREFUSED);
	CU_ASSERT(a.end.server);
	CU_ASSERT_STRING_EQUAL(a.end.text, "sip:127.0.0.1:9;transport=tcp:"
			       " nothing answers at that address");
	a.log[0] = '\0';
	/* an address is called straight */
	CU_ASSERT_EQUAL(side_dial(&a, "sip:127.0.0.2:9", "v=0"), 0);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_FALSE(a.end.server);
	CU_ASSERT_STRING_EQUAL(a.end.text, "nothing answers at that address");
	close_caller();
}

static void test_bad_uris(void)
{
	static const char *const urisv[] = {
		"", "bob", "tel:110", "sip:", "sip:a b@c", "sip:a@b>x",
		"sip:a@b\r\nX: y", "sip:a@127.0.0.1;transport=\"",
	};

	open_caller(NULL);
	for (size_t i = 0; i < sizeof urisv / sizeof urisv[0]; i++)
		CU_ASSERT_EQUAL(side_dial(&a, urisv[i], "v"), EINVAL);
	CU_ASSERT_EQUAL(side_dial(&a, "sip:127.0.0.1;transport=ws", "v"), 0);
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.err, EPROTONOSUPPORT);
	close_caller();
}

static void test_challenge(void)
{
	const struct ua_conf conf = { .user = "caller", .password = "pw" };
	unsigned n;

	open_caller(&conf);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	CU_ASSERT_STRING_EQUAL(raw_hdr(&peer, "Authorization"), "");
	raw_reply(&peer, "401 Unauthorized", "x",
		  "WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", "
		  "algorithm=MD5, qop=\"auth\"\r\n"
		  "WWW-Authenticate: Digest realm=\"a\", nonce=\"2\", "
		  "algorithm=SHA-256, qop=\"auth\"\r\n"
		  "WWW-Authenticate: Basic realm=\"a\"\r\n");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Authorization"), "SHA-256")
		  != NULL);
	/* then a proxy before it wants its own */
	raw_reply(&peer, "407 Proxy Authentication Required", "x",
		  "Proxy-Authenticate: Digest realm=\"p\", nonce=\"3\"\r\n");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	CU_ASSERT(raw_hdr(&peer, "Authorization")[0] != '\0');
	CU_ASSERT(raw_hdr(&peer, "Proxy-Authorization")[0] != '\0');
	raw_reply(&peer, "200 OK", "x", contact(&peer));
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_hdr(&peer, "Authorization")[0] != '\0');
	CU_ASSERT(wait_log(&a, "answer", 1000));
	n = peer.n;
	call_hangup(a.call, "done", "");
	CU_ASSERT(raw_wait(&peer, "BYE", 1000));
	CU_ASSERT(peer.n == n + 1);
	raw_reply(&peer, "200 OK", "", "");
	close_caller();
}

/* FreeSWITCH says 100 before it asks for the password. */
static void test_trying_challenge(void)
{
	const struct ua_conf conf = { .user = "caller", .password = "pw" };

	open_caller(&conf);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	raw_reply(&peer, "100 Trying", "", "");
	run_for(20);
	raw_reply(&peer, "407 Proxy Authentication Required", "x",
		  "Proxy-Authenticate: Digest realm=\"p\", nonce=\"3\"\r\n");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	CU_ASSERT(raw_hdr(&peer, "Proxy-Authorization")[0] != '\0');
	raw_reply(&peer, "486 Busy", "x", "");
	CU_ASSERT(wait_log(&a, "end", 1000));
	close_caller();
}

static void deny(struct raw *r)
{
	char hdr[128];

	if (strncmp(r->got, "INVITE", 6))
		return;
	(void)re_snprintf(hdr, sizeof hdr, "WWW-Authenticate: Digest "
			  "realm=\"a\", nonce=\"%u\"\r\n", ++r->step);
	raw_reply(r, "401 Unauthorized", "x", hdr);
}

static void test_wrong_password(void)
{
	const struct ua_conf conf = { .user = "caller", .password = "pw" };

	open_caller(&conf);
	peer.on_msg = deny;
	dial(&peer);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.scode, 401);
	CU_ASSERT(peer.step <= 3);
	close_caller();
}

static void test_no_password(void)
{
	open_caller(NULL);
	peer.on_msg = deny;
	dial(&peer);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.scode, 401);
	CU_ASSERT_EQUAL(peer.step, 1);
	close_caller();
}

static void end_account(const struct call_end *end, void *arg)
{
	struct side *s = arg;

	side_end(end, arg);
	s->ua = mem_deref(s->ua);
}

/* The owner ends the account from within the end of a call: refused by the
 * peer, and by the network. */
static void test_account_gone(void)
{
	static const struct call_handlers h = { .endh = end_account };
	static const struct ua_conf conf = { .user = "caller" };
	char uri[128];

	open_caller(NULL);
	(void)re_snprintf(uri, sizeof uri, "sip:peer@%J", &peer.addr);
	CU_ASSERT_EQUAL_FATAL(call_connect(&a.call, a.ua, uri, NULL, NULL, &h,
					   &a), 0);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	raw_reply(&peer, "486 Busy", "x", "");
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_PTR_NULL(a.ua);
	a.log[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &conf), 0);
	CU_ASSERT_EQUAL_FATAL(call_connect(&a.call, a.ua, "sip:127.0.0.1:9",
					   NULL, NULL, &h, &a), 0);
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_PTR_NULL(a.ua);
	close_caller();
}

UNIT_SUITE("callout/refused",
	   { "redirects", test_redirect },
	   { "redirect after ringing", test_ring_redirect },
	   { "422", test_422 },
	   { "refusal with text", test_refused },
	   { "nobody there", test_nobody_there },
	   { "server not there", test_no_server },
	   { "bad URIs", test_bad_uris },
	   { "challenges", test_challenge },
	   { "100, then a challenge", test_trying_challenge },
	   { "wrong password", test_wrong_password },
	   { "no password", test_no_password },
	   { "account ends with its call", test_account_gone })
