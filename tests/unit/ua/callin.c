/*
 * callin.c: a scripted caller: what is answered to requests in and out of
 * order, malformed, repeated, unknown.
 */
#include <time.h>
#include "tests/unit/ua/raw.h"

static struct side b;
static struct raw peer;
static struct sa to;
static unsigned cseq, branch;
static char callid[32], totag[128];

static void open_with(uint32_t transactions)
{
	const struct ua_conf conf = {
		.user = "callee", .transactions = transactions,
	};

	pair_begin();
	memset(&b, 0, sizeof b);
	CU_ASSERT_EQUAL_FATAL(side_open(&b, &conf), 0);
	raw_open(&peer);
	side_addr(&b, &to);
	cseq = 100;
	totag[0] = '\0';
	(void)re_snprintf(callid, sizeof callid, "%x@raw", rand_u32());
}

static void open_callee(void)
{
	open_with(0);
}

static void close_callee(void)
{
	sides_close(&b, NULL);
	raw_close(&peer);
	pair_end();
}

/* A request of the peer; headers are complete lines, with the body. */
static void request(const char *met, unsigned seq, const char *headers)
{
	raw_send(&peer, &to, "%s sip:callee@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP %J;branch=z9hG4bKraw%u;rport\r\n"
		 "From: \"The \\\"peer\\\"\" <sip:peer@127.0.0.1>;tag=p\r\n"
		 "To: <sip:callee@127.0.0.1>%s\r\nCall-ID: %s\r\n"
		 "CSeq: %u %s\r\nMax-Forwards: 70\r\n%s",
		 met, &peer.addr, branch, totag, callid, seq, met, headers);
}

#define CONTACT "Contact: <sip:peer@127.0.0.1:%u>\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"

static void send_invite(const char *headers)
{
	char text[1024];

	(void)re_snprintf(text, sizeof text, CONTACT "%s"
			  "Content-Type: application/sdp\r\n"
			  "Content-Length: 5\r\n\r\nv=0\r\n",
			  sa_port(&peer.addr), headers);
	++branch;
	request("INVITE", ++cseq, text);
}

static void keep_tag(void)
{
	const char *p = strstr(raw_hdr(&peer, "To"), ";tag=");

	(void)re_snprintf(totag, sizeof totag, "%b", p ? p : "",
			  p ? strcspn(p, "\r") : 0);
}

static void expect(const char *met, const char *headers, const char *status)
{
	++branch;
	request(met, ++cseq, headers);
	CU_ASSERT(raw_wait(&peer, status, 1000));
}

static void establish(void)
{
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	keep_tag();
	++branch;
	request("ACK", cseq, EMPTY);
	CU_ASSERT(wait_log(&b, "established", 1000));
}

static void test_call(void)
{
	char text[256];

	open_callee();
	establish();
	CU_ASSERT_STRING_EQUAL(call_peer_uri(b.call), "sip:peer@127.0.0.1");
	expect("OPTIONS", EMPTY, "SIP/2.0 200");
	expect("INFO", "Content-Type: a/b\r\nContent-Length: 2\r\n\r\nhi",
	       "SIP/2.0 200");
	CU_ASSERT_STRING_EQUAL(b.body, "hi");
	expect("UPDATE", EMPTY, "SIP/2.0 200");
	CU_ASSERT_PTR_NULL(strstr(b.log, "offer"));
	(void)re_snprintf(text, sizeof text, CONTACT "Content-Type:"
			  " application/sdp\r\nContent-Length: 10\r\n\r\n"
			  "v=0 second", sa_port(&peer.addr));
	expect("UPDATE", text, "SIP/2.0 200");
	CU_ASSERT(strstr(b.log, "offer") != NULL);
	CU_ASSERT_STRING_EQUAL(b.body, "v=0 second");
	CU_ASSERT_STRING_EQUAL(raw_body(&peer), "v=0 answer");
	expect("BYE", "Reason: Q.850;cause=16;text=\"Terminated\"\r\n" EMPTY,
	       "SIP/2.0 200");
	CU_ASSERT(wait_log(&b, "end", 1000));
	CU_ASSERT_STRING_EQUAL(b.end.text, "Terminated");
	expect("BYE", EMPTY, "SIP/2.0 481");
	close_callee();
}

/* Until ACK comes the 200 is repeated, also to a repeated INVITE. */
static void test_repeated(void)
{
	unsigned n;

	open_callee();
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	n = peer.n;
	run_for(1700);                          /* after 0.5 and 1.5 s */
	CU_ASSERT(peer.n - n >= 2);
	keep_tag();
	++branch;
	request("ACK", cseq, EMPTY);
	CU_ASSERT(wait_log(&b, "established", 1000));
	n = peer.n;
	run_for(600);
	CU_ASSERT_EQUAL(peer.n, n);
	close_callee();
}

/* Hung up before ACK: BYE waits for it (RFC 3261 section 15). */
static void test_early_hangup(void)
{
	open_callee();
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	keep_tag();
	call_hangup(b.call, "done", "enough");
	b.call = mem_deref(b.call);
	run_for(300);
	CU_ASSERT_EQUAL(peer.next, peer.n);
	++branch;
	request("ACK", cseq, EMPTY);
	CU_ASSERT(raw_wait(&peer, "BYE sip:peer", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Reason"), "done: enough") != NULL);
	raw_reply(&peer, "200 OK", "", "");
	close_callee();
}

static void test_order(void)
{
	open_callee();
	establish();
	cseq += 10;
	expect("INFO", EMPTY, "SIP/2.0 200");
	cseq -= 5;
	expect("INFO", EMPTY, "SIP/2.0 500");
	close_callee();
}

static void test_refusals(void)
{
	open_callee();
	expect("INVITE", EMPTY, "SIP/2.0 400");         /* no Contact */
	expect("INVITE", "Contact: <tel:1>\r\n" EMPTY, "SIP/2.0 400");
	++branch;
	request("SUBSCRIBE", ++cseq, EMPTY);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 405", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Allow"), "INVITE") != NULL);
	expect("REGISTER", EMPTY, "SIP/2.0 405");
	expect("DANCE", EMPTY, "SIP/2.0 501");
	expect("BYE", EMPTY, "SIP/2.0 481");
	expect("UPDATE", EMPTY, "SIP/2.0 481");
	expect("CANCEL", EMPTY, "SIP/2.0 481");
	expect("OPTIONS", EMPTY, "SIP/2.0 200");
	expect("OPTIONS", "Require: 100rel, teleport\r\n" EMPTY,
	       "SIP/2.0 420");
	expect("INVITE", "Require: teleport\r\n" EMPTY, "SIP/2.0 420");
	send_invite("Supported: timer\r\nSession-Expires: 20\r\n");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 422", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Min-SE"), "90") != NULL);
	CU_ASSERT_STRING_EQUAL(b.log, "");
	close_callee();
}

static void test_unsupported_named(void)
{
	open_callee();
	++branch;
	request("OPTIONS", ++cseq, "Require: a\"b\r\n" EMPTY);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 420", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Unsupported"), "a") != NULL);
	close_callee();
}

static void test_session_timer(void)
{
	open_callee();
	send_invite("Supported: timer\r\nSession-Expires: 120;refresher=uac"
		    "\r\nMin-SE: 100\r\n");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Session-Expires"),
			 "120;refresher=uac") != NULL);
	CU_ASSERT(strstr(raw_hdr(&peer, "Require"), "timer") != NULL);
	close_callee();
}

/* The same INVITE by another way: 482; the same branch: the same answer. */
static void test_merged(void)
{
	open_callee();
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	--cseq;
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 482", 1000));
	CU_ASSERT_STRING_EQUAL(b.log, "call ");
	close_callee();
}

static void ring(struct side *s, struct call *c)
{
	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_progress(c, 180, "Ringing", NULL), 0);
}

static void test_cancel(void)
{
	open_callee();
	b.on_call = ring;
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 180", 1000));
	request("CANCEL", cseq, EMPTY);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 487", 1000));
	CU_ASSERT(wait_log(&b, "end", 1000));
	CU_ASSERT_EQUAL(b.end.scode, 487);
	request("ACK", cseq, EMPTY);
	run_for(600);
	CU_ASSERT_EQUAL(peer.next, peer.n);     /* not repeated */
	close_callee();
}

/* A second INVITE while one waits; a foreign tag. */
static void test_reinvite_races(void)
{
	open_callee();
	b.on_call = ring;
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 180", 1000));
	keep_tag();
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 500", 1000));
	CU_ASSERT(raw_hdr(&peer, "Retry-After")[0] != '\0');
	str_ncpy(totag, ";tag=nobody", sizeof totag);
	expect("INFO", EMPTY, "SIP/2.0 481");
	close_callee();
}

static void early(struct side *s, struct call *c)
{
	struct call_body sdp = { "application/sdp", "early", 5 };

	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_progress(c, 183, "Session Progress", &sdp), 0);
	CU_ASSERT_EQUAL(call_answer(c, &sdp), 0);
}

static void test_prack(void)
{
	char rack[128];
	unsigned rseq = 0, n;

	open_callee();
	b.on_call = early;
	send_invite("Supported: 100rel\r\n");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 183", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Require"), "100rel") != NULL);
	rseq = (unsigned)atoi(raw_hdr(&peer, "RSeq") + 5);
	n = peer.n;
	run_for(1700);
	CU_ASSERT(peer.n - n >= 2);             /* repeated until PRACK */
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 183", 0));
	keep_tag();
	(void)re_snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n" EMPTY,
			  rseq + 1, cseq);
	expect("PRACK", rack, "SIP/2.0 481");
	(void)re_snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n" EMPTY,
			  rseq, cseq - 1);
	++branch;
	request("PRACK", ++cseq, rack);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "CSeq"), "INVITE") != NULL);
	close_callee();
}

static void prack_it(const char *status)
{
	char rack[128];

	CU_ASSERT(raw_wait(&peer, status, 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "Require"), "100rel") != NULL);
	keep_tag();
	(void)re_snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n" EMPTY,
			  (unsigned)atoi(raw_hdr(&peer, "RSeq") + 5), cseq);
	++branch;
	request("PRACK", ++cseq, rack);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "CSeq"), "PRACK") != NULL);
}

static void early_all(struct side *s, struct call *c)
{
	struct call_body sdp = { "application/sdp", "early", 5 };

	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_progress(c, 183, "Session Progress", &sdp), 0);
	CU_ASSERT_EQUAL(call_answer(c, NULL), 0);
	CU_ASSERT_EQUAL(call_answer(c, NULL), EALREADY);
}

/* All was said in the 183: a 200 without a body waits for PRACK as well. */
static void test_prack_empty(void)
{
	open_callee();
	b.on_call = early_all;
	send_invite("Supported: 100rel\r\n");
	prack_it("SIP/2.0 183");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 200", 1000));
	CU_ASSERT(strstr(raw_hdr(&peer, "CSeq"), "INVITE") != NULL);
	CU_ASSERT_STRING_EQUAL(raw_body(&peer), "");
	close_callee();
}

/* RFC 3262 section 3: who requires it gets no other 1xx. */
static void test_100rel_required(void)
{
	open_callee();
	b.on_call = ring;
	send_invite("Require: 100rel\r\n");
	prack_it("SIP/2.0 180");
	close_callee();
}

/* Whatever its length, the same branch and method are the same request. */
static void test_long_method(void)
{
	open_callee();
	++branch;
	request("DANCEALLTHENIGHT", ++cseq, EMPTY);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 501", 1000));
	request("DANCEALLTHENIGHT", cseq, EMPTY);
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 501", 1000));
	close_callee();
}

/* In the manner of RFC 4475: nothing of this is a call, and a call is
 * possible after it. */
static const char *const torturev[] = {
	"", "\r\n\r\n", "INVITE", "INVITE sip:a@b SIP/2.0\r\n",
	"INVITE sip:a@b SIP/2.0\r\n\r\n",
	"INVITE sip:a@b SIP/7.0\r\nVia: x\r\n\r\n",
	"INVITE  sip:a@b  SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
	"\r\n",
	"SIP/2.0 200 OK\r\n\r\n",
	"SIP/2.0 999999999999999999999 OK\r\n\r\n",
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK0123456789abcdef"
	"\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:x@y>;tag=2\r\nCall-ID: q\r\n"
	"CSeq: 4294967296 INVITE\r\n\r\n",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt1\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: sip:\r\nCall-ID: q\r\nCSeq: 1 INVITE"
	"\r\n\r\n",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt2\r\n"
	"From: <sip:x@y>;tag=1\r\nFrom: <sip:x@y>;tag=2\r\nTo: <sip:a@b>\r\n"
	"Call-ID: q\r\nCSeq: 1 INVITE\r\nContact: <sip:x@y>\r\n\r\n",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt3\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 INVITE\r\nContact: <sip:x@y>\r\nContent-Length: -1\r\n\r\n",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt4\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 INVITE\r\nContact: <sip:x@y>\r\nContent-Length: 9999\r\n"
	"\r\nshort",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt5\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 ACK\r\nContact: <sip:x@y>\r\n\r\n",
	"INVITE tel:110 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt6\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 INVITE\r\nContact: <sip:x@y>\r\n\r\n",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt7\r\n"
	"From: <sip:x@y>\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 INVITE\r\nContact: <sip:x@y>\r\n\r\n",
	"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt8\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 INVITE\r\nMax-Forwards: lots\r\nContact: <sip:x@y>\r\n\r\n",
	"ACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt9\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>;tag=1\r\nCall-ID: q\r\n"
	"CSeq: 1 ACK\r\n\r\n",
	"CANCEL sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKtA\r\n"
	"From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: q\r\n"
	"CSeq: 1 CANCEL\r\n\r\n",
	"\x01\x01\x00\x08!\x12\xa4" "B0123456789ab\x00 \x00\x04zzzz",
};

static void test_torture(void)
{
	open_callee();
	for (size_t i = 0; i < sizeof torturev / sizeof torturev[0]; i++) {
		raw_send(&peer, &to, "%s", torturev[i]);
		run_for(5);
	}
	CU_ASSERT_STRING_EQUAL(b.log, "");
	establish();
	close_callee();
}

/* 8 kB that stall libre's decoder for a tenth of a second or more each, of
 * the processor's time. */
static void test_stall(void)
{
	char *s = mem_zalloc(8001, NULL);
	clock_t t0 = clock();

	open_callee();
	for (unsigned i = 0; i < 8000; i++)
		s[i] = i % 2 ? ' ' : 'a';
	for (unsigned i = 0; i < 20; i++)
		raw_send(&peer, &to, "%s", s);
	for (unsigned i = 0; i < 20; i++)
		raw_send(&peer, &to, "INVITE sip:x SIP/2.0\r\nTo: %s\r\n\r\n",
			 s);
	establish();
	CU_ASSERT(clock() - t0 < CLOCKS_PER_SEC);
	mem_deref(s);
	close_callee();
}

/* A new call, of others, is refused until there is room again; what belongs
 * to the one that is up goes on, at twice the limit as well. */
static void test_full(void)
{
	enum { MAX = 8 };
	char mine[32], tag[128];

	open_with(MAX);
	establish();
	str_ncpy(mine, callid, sizeof mine);
	str_ncpy(tag, totag, sizeof tag);
	for (unsigned i = 0; i < 2 * MAX; i++) {
		totag[0] = '\0';
		(void)re_snprintf(callid, sizeof callid, "full%u", i);
		expect("OPTIONS", EMPTY, i < MAX - 1 ? "SIP/2.0 200"
		       : "SIP/2.0 503");
		if (i >= MAX - 1)
			CU_ASSERT_STRING_NOT_EQUAL(raw_hdr(&peer,
						   "Retry-After"), "");
	}
	send_invite("");
	CU_ASSERT(raw_wait(&peer, "SIP/2.0 503", 1000));
	str_ncpy(callid, mine, sizeof callid);
	str_ncpy(totag, tag, sizeof totag);
	for (unsigned i = 0; i < MAX; i++)
		expect("INFO", "Content-Type: a/b\r\nContent-Length: 2\r\n"
		       "\r\nhi", "SIP/2.0 200");
	CU_ASSERT_STRING_EQUAL(b.body, "hi");
	expect("BYE", EMPTY, "SIP/2.0 200");
	CU_ASSERT(wait_log(&b, "end", 1000));
	close_callee();
}

UNIT_SUITE("callin",
	   { "call", test_call },
	   { "200 repeated until ACK", test_repeated },
	   { "hung up before ACK", test_early_hangup },
	   { "CSeq order", test_order },
	   { "refusals", test_refusals },
	   { "420 names what", test_unsupported_named },
	   { "session timer asked for", test_session_timer },
	   { "merged request", test_merged },
	   { "cancel", test_cancel },
	   { "transactions full", test_full },
	   { "re-INVITE races", test_reinvite_races },
	   { "reliable response", test_prack },
	   { "reliable, then nothing more", test_prack_empty },
	   { "100rel required", test_100rel_required },
	   { "long method", test_long_method },
	   { "torture", test_torture },
	   { "stall", test_stall })
