/*
 * answered.c: a scripted callee that answers: at once, late, by several
 * branches, across our CANCEL.
 */
#include "tests/unit/ua/callout/caller.h"

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

UNIT_SUITE("callout/answered",
	   { "INVITE", test_invite },
	   { "retransmission", test_retransmission },
	   { "2xx and hangup", test_2xx_again },
	   { "forked answers", test_fork },
	   { "forked, and over", test_fork_late },
	   { "a former attempt", test_former },
	   { "CANCEL crosses 200", test_cancel_crosses },
	   { "forked, with PRACK", test_fork_prack },
	   { "2xx without Contact", test_bad_2xx },
	   { "route set", test_route_set })
