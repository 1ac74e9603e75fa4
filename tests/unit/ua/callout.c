/*
 * callout.c: a scripted callee: answers that fork, redirect, challenge,
 * refuse, come late or never.
 */
#include "tests/unit/ua/raw.h"

static struct side a;
static struct raw peer, other;

static void open_caller(const struct ua_conf *conf)
{
	static const struct ua_conf plain = { .user = "caller" };

	pair_begin();
	memset(&a, 0, sizeof a);
	raw_open(&peer);
	raw_open(&other);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, conf ? conf : &plain), 0);
}

static void close_caller(void)
{
	sides_close(&a, NULL);
	raw_close(&peer);
	raw_close(&other);
	pair_end();
}

static void dial(const struct raw *r)
{
	char uri[128];

	(void)re_snprintf(uri, sizeof uri, "sip:peer@%J", &r->addr);
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0 offer"), 0);
}

/* A caller whose INVITE the peer has. */
static void call_peer(void)
{
	open_caller(NULL);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
}

static const char *contact(const struct raw *r)
{
	static char text[128];

	(void)re_snprintf(text, sizeof text, "Contact: <sip:peer@%J>\r\n",
			  &r->addr);
	return text;
}

/* The INVITE, and what it must carry. */
static void test_invite(void)
{
	open_caller(NULL);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE sip:peer@127.0.0.1:", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "From"),
			 "<sip:caller@127.0.0.1>;tag=") != NULL);
	CU_ASSERT(strstr(raw_hdr(&peer, "Allow"), "UPDATE") != NULL);
	CU_ASSERT(strstr(raw_hdr(&peer, "Supported"), "100rel") != NULL);
	CU_ASSERT(strstr(raw_hdr(&peer, "Session-Expires"), "1800") != NULL);
	CU_ASSERT(strstr(raw_hdr(&peer, "Contact"), "caller@127") != NULL);
	CU_ASSERT_STRING_EQUAL(raw_body(&peer), "v=0 offer");
	close_caller();
}

/* The INVITE is repeated without an answer; a 100 stops that. */
static void test_retransmission(void)
{
	open_caller(NULL);
	dial(&peer);
	run_for(1700);
	CU_ASSERT_EQUAL(peer.n, 3);
	CU_ASSERT(raw_wait(&peer, "INVITE", 0));
	raw_reply(&peer, "100 Trying", "", "");
	run_for(2500);
	CU_ASSERT_EQUAL(peer.n, 3);
	close_caller();
}

static void test_2xx_again(void)
{
	call_peer();
	raw_reply(&peer, "200 OK", "x", contact(&peer));
	CU_ASSERT(raw_wait(&peer, "ACK sip:peer", 1000));
	CU_ASSERT(wait_log(&a, "answer", 1000));
	call_hangup(a.call, "done", "");
	CU_ASSERT(raw_wait(&peer, "BYE", 1000));
	close_caller();
}

struct invite {
	char got[sizeof peer.got];
	struct sa src;
};

/* It is answered with this tag, as often as one likes. */
static void accept_as(struct raw *r, const struct invite *inv,
		      const char *tag)
{
	memcpy(r->got, inv->got, sizeof r->got);
	r->src = inv->src;
	raw_reply(r, "200 OK", tag, contact(r));
}

static void first_answers(struct invite *inv)
{
	call_peer();
	memcpy(inv->got, peer.got, sizeof inv->got);
	inv->src = peer.src;
	accept_as(&peer, inv, "one");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
}

/* Another branch does too, and its call is taken down. */
static void second_answers(const struct invite *inv)
{
	accept_as(&other, inv, "two");
	CU_ASSERT(raw_wait(&other, "ACK", 1000));
	CU_ASSERT(raw_wait(&other, "BYE", 1000));
	CU_ASSERT(strstr(raw_hdr(&other, "To"), "tag=two") != NULL);
	raw_reply(&other, "200 OK", "", "");
}

/* Two answer: the second gets ACK and BYE; a repeated first, ACK again. */
static void test_fork(void)
{
	static struct invite inv;

	first_answers(&inv);
	second_answers(&inv);
	accept_as(&peer, &inv, "one");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT_STRING_EQUAL(a.log, "answer ");
	close_caller();
}

/* The second comes when the call with the first is over: the same. */
static void test_fork_late(void)
{
	static struct invite inv;
	size_t n;

	first_answers(&inv);
	call_hangup(a.call, "done", "");
	a.call = mem_deref(a.call);
	CU_ASSERT(raw_wait(&peer, "BYE", 1000));
	raw_reply(&peer, "200 OK", "", "");
	run_for(100);
	second_answers(&inv);
	/* what was never asked is not answered */
	memcpy(strstr(inv.got, "Call-ID: ") + 9, "abc", 3);
	n = other.n;
	accept_as(&other, &inv, "three");
	run_for(200);
	CU_ASSERT_EQUAL(other.n, n);
	close_caller();
}

/* An attempt that was left is answered nevertheless. */
static void test_former(void)
{
	static struct invite inv;

	call_peer();
	memcpy(inv.got, peer.got, sizeof inv.got);
	inv.src = peer.src;
	raw_reply(&peer, "422 Session Interval Too Small", "x",
		  "Min-SE: 3600\r\n");
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	second_answers(&inv);           /* while the next is asked */
	raw_reply(&peer, "200 OK", "one", contact(&peer));
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	CU_ASSERT(wait_log(&a, "answer", 1000));
	second_answers(&inv);           /* and when it has answered */
	close_caller();
}

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
	struct sa dst;
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
	dst = other.addr;
	dial(&other);
	CU_ASSERT(raw_wait(&other, "INVITE", 1000));
	a.log[0] = '\0';
	raw_close(&other);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.err, ECONNREFUSED);
	(void)dst;
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

/* The 200 crosses the CANCEL: it is acknowledged and ended. */
static void test_cancel_crosses(void)
{
	call_peer();
	raw_reply(&peer, "180 Ringing", "x", contact(&peer));
	CU_ASSERT(wait_log(&a, "180", 1000));
	/* before CANCEL is read: remember the INVITE by answering late */
	static struct invite inv;
	memcpy(inv.got, peer.got, sizeof inv.got);
	call_hangup(a.call, "interrupted", "no \"more\"\r\n");
	a.call = mem_deref(a.call);
	CU_ASSERT(raw_wait(&peer, "CANCEL", 1000));
	CU_ASSERT_STRING_EQUAL(raw_hdr(&peer, "Reason"),
		"Reason: dialtone;cause=1;text=\"interrupted: no 'more'''\""
		"\r\n");
	raw_reply(&peer, "200 OK", "x", "");
	memcpy(peer.got, inv.got, sizeof inv.got);
	raw_reply(&peer, "200 OK", "x", contact(&peer));
	CU_ASSERT(raw_wait(&peer, "BYE", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Reason"), "interrupted") != NULL);
	raw_reply(&peer, "200 OK", "", "");
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

/* A branch that was told PRACK and answers late: its BYE counts on. */
static void test_fork_prack(void)
{
	static struct invite inv;
	char hdrs[256];
	int prack;

	open_caller(NULL);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
	memcpy(inv.got, peer.got, sizeof inv.got);
	inv.src = peer.src;
	raw_reply(&peer, "180 Ringing", "one", contact(&peer));
	CU_ASSERT(wait_log(&a, "180", 1000));
	memcpy(other.got, inv.got, sizeof inv.got);
	other.src = inv.src;
	(void)re_snprintf(hdrs, sizeof hdrs, "Require: 100rel\r\nRSeq: 7\r\n"
			  "%s", contact(&other));
	raw_reply(&other, "180 Ringing", "two", hdrs);
	CU_ASSERT(raw_wait(&other, "PRACK", 1000));
	prack = atoi(raw_hdr(&other, "CSeq") + 5);
	raw_reply(&other, "200 OK", "", "");
	memcpy(peer.got, inv.got, sizeof inv.got);
	raw_reply(&peer, "200 OK", "one", contact(&peer));
	CU_ASSERT(raw_wait(&peer, "ACK", 1000));
	memcpy(other.got, inv.got, sizeof inv.got);
	raw_reply(&other, "200 OK", "two", contact(&other));
	CU_ASSERT(raw_wait(&other, "BYE", 1000));
	CU_ASSERT(atoi(raw_hdr(&other, "CSeq") + 5) > prack);
	raw_reply(&other, "200 OK", "", "");
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

static void test_bad_2xx(void)
{
	call_peer();
	raw_reply(&peer, "200 OK", "x", "");            /* no Contact */
	CU_ASSERT(wait_log(&a, "end", 1000));
	CU_ASSERT_EQUAL(a.end.err, EPROTO);
	close_caller();
}

/* A peer that records its route. */
static void test_route_set(void)
{
	char hdrs[512];

	call_peer();
	(void)re_snprintf(hdrs, sizeof hdrs,
			  "Record-Route: <sip:127.0.0.1:1;lr>, "
			  "<sip:%J;lr;x=y>\r\n"
			  "Contact: <sip:far@192.0.2.1:7>\r\n", &other.addr);
	raw_reply(&peer, "200 OK", "x", hdrs);
	CU_ASSERT(raw_wait(&other, "ACK sip:far@192.0.2.1:7 ", 1000));
	CU_ASSERT(strstr(raw_hdr(&other, "Route"), "x=y") != NULL);
	CU_ASSERT(strstr(raw_hdr(&other, "Route"), "127.0.0.1:1;") != NULL);
	call_hangup(a.call, "", "");
	CU_ASSERT(raw_wait(&other, "BYE sip:far@192.0.2.1:7 ", 1000));
	raw_reply(&other, "200 OK", "", "");
	close_caller();
}

UNIT_SUITE("callout",
	   { "INVITE", test_invite },
	   { "retransmission", test_retransmission },
	   { "2xx and hangup", test_2xx_again },
	   { "forked answers", test_fork },
	   { "forked, and over", test_fork_late },
	   { "redirects", test_redirect },
	   { "redirect after ringing", test_ring_redirect },
	   { "forked, with PRACK", test_fork_prack },
	   { "account ends with its call", test_account_gone },
	   { "100, then a challenge", test_trying_challenge },
	   { "422", test_422 },
	   { "a former attempt", test_former },
	   { "refusal with text", test_refused },
	   { "nobody there", test_nobody_there },
	   { "server not there", test_no_server },
	   { "bad URIs", test_bad_uris },
	   { "CANCEL crosses 200", test_cancel_crosses },
	   { "challenges", test_challenge },
	   { "wrong password", test_wrong_password },
	   { "no password", test_no_password },
	   { "2xx without Contact", test_bad_2xx },
	   { "route set", test_route_set })
