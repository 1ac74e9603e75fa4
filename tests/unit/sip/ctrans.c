/*
 * ctrans.c: client transactions without sockets, in fake time: when they send
 * again, what they are told, when they are gone.
 */
#include "tests/unit/sip/fakewire.h"
#include "sipd/sip/ctrans.h"

static struct ctable *table;
static struct ctrans *ct;
static char told[256];          /* "180 200", "-ETIMEDOUT" as "err 110" */
static void *keep;
static bool again, all_gone;

static void handler(int err, const struct sip_msg *msg, void *arg);

/* A request as if it had been sent to 192.0.2.1. */
static int begin(struct ctrans **cp, const char *met, enum sip_transp tp,
		 bool proxy)
{
	struct mbuf *mb = mbuf_alloc(512);
	const struct ctrans_conf conf = {
		.met = met, .branch = "z9hG4bKone", .mb = mb,
		.way = wire_way(tp, "192.0.2.1", 7), .proxy = proxy,
		.keep = keep, .h = handler, .arg = told,
	};
	int err;

	(void)mbuf_printf(mb, "%s sip:bob@192.0.2.1 SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKone\r\n"
			  "Route: <sip:proxy.example;lr>\r\n"
			  "From: <sip:alice@192.0.2.9>;tag=a\r\n"
			  "To: <sip:bob@192.0.2.1>\r\nCall-ID: c\r\n"
			  "CSeq: 5 %s\r\n\r\n", met, met);
	mb->pos = 0;
	err = ctrans_alloc(cp, table, &conf);
	mem_deref(mb);
	return err;
}

static void handler(int err, const struct sip_msg *msg, void *arg)
{
	const size_t n = strlen(told);

	const bool other = msg && !pl_strcmp(&msg->cseq.met, "OPTIONS");

	CU_ASSERT_PTR_EQUAL(arg, told);
	CU_ASSERT(mem_nrefs(keep) > 1);         /* arg may be within */
	CU_ASSERT(msg || err);
	if (!other && (!msg || msg->scode >= 200))
		CU_ASSERT_PTR_NULL(ct);
	(void)re_snprintf(told + n, sizeof told - n, "%s%s%d", n ? " " : "",
			  err ? "err " : "", err ? err : msg->scode);
	if (again) {
		again = false;
		CU_ASSERT_EQUAL(begin(&ct, "BYE", SIP_TRANSP_UDP, false), 0);
	}
	if (all_gone)
		table = mem_deref(table);
}

static void open_it(void)
{
	wire_open();
	told[0] = '\0';
	ct = NULL;
	again = all_gone = false;
	keep = mem_alloc(1, NULL);
	CU_ASSERT_EQUAL_FATAL(ctable_alloc(&table, timers, wire_send, NULL),
			      0);
}

static void open_with(const char *met, enum sip_transp tp, bool proxy)
{
	open_it();
	CU_ASSERT_EQUAL_FATAL(begin(&ct, met, tp, proxy), 0);
}

static void close_it(void)
{
	table = mem_deref(table);
	CU_ASSERT_EQUAL(mem_nrefs(keep), 1);
	keep = mem_deref(keep);
	wire_close();
}

/* A response to met: was it for somebody? */
static bool respond(const char *met, unsigned scode)
{
	struct sip_msg *msg;
	bool heard;

	msg = wire_msg("SIP/2.0 %u Word\r\n"
		       "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKone\r\n"
		       "From: <sip:alice@192.0.2.9>;tag=a\r\n"
		       "To: <sip:bob@192.0.2.1>;tag=b\r\nCall-ID: c\r\n"
		       "CSeq: 5 %s\r\n\r\n", scode, met);
	heard = ctable_recv(table, msg);
	mem_deref(msg);
	return heard;
}

/* Section 17.1.1.2: timers A and B. */
static void test_invite_silence(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, false);
	wire_run(31999);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "500 INVITE 1500 INVITE 3500 INVITE"
			       " 7500 INVITE 15500 INVITE 31500 INVITE");
	CU_ASSERT_STRING_EQUAL(told, "");
	wire_run(1);
	CU_ASSERT_STRING_EQUAL(told, "err 110");
	CU_ASSERT_EQUAL(ctable_count(table), 0);
	close_it();
}

/* Section 17.1.2.2: timers E and F; after a provisional response T2. */
static void test_other_silence(void)
{
	open_with("BYE", SIP_TRANSP_UDP, false);
	wire_run(31999);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "500 BYE 1500 BYE 3500 BYE"
			       " 7500 BYE 11500 BYE 15500 BYE 19500 BYE"
			       " 23500 BYE 27500 BYE 31500 BYE");
	wire_run(1);
	CU_ASSERT_STRING_EQUAL(told, "err 110");
	close_it();

	open_with("BYE", SIP_TRANSP_UDP, false);
	wire_run(600);
	CU_ASSERT(respond("BYE", 100));
	wire_run(31399);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "500 BYE 1500 BYE 5500 BYE"
			       " 9500 BYE 13500 BYE 17500 BYE 21500 BYE"
			       " 25500 BYE 29500 BYE");
	wire_run(1);
	CU_ASSERT_STRING_EQUAL(told, "100 err 110");
	close_it();
}

static void test_stream_silence(void)
{
	open_with("INVITE", SIP_TRANSP_TCP, false);
	wire_run(31999);
	CU_ASSERT_STRING_EQUAL(told, "");
	wire_run(1);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	CU_ASSERT_STRING_EQUAL(told, "err 110");
	close_it();
}

/* As long as it rings; then the ACK, again with each repetition, timer D. */
static void test_refused(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, false);
	wire_run(100);
	CU_ASSERT(respond("INVITE", 180));
	wire_run(299900);
	CU_ASSERT_EQUAL(ctable_waiting(table), 1);
	CU_ASSERT(respond("INVITE", 486));
	CU_ASSERT_STRING_EQUAL(told, "180 486");
	CU_ASSERT_EQUAL(ctable_waiting(table), 0);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "300000 ACK");
	CU_ASSERT_EQUAL(lastway.link, 7);
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, "ACK sip:bob@192.0.2.1 SIP"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, ";branch=z9hG4bKone\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, "Route: <sip:proxy.example"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, ";tag=b\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, "CSeq: 5 ACK\r\n"));
	wire_run(31999);
	CU_ASSERT(respond("INVITE", 486));
	CU_ASSERT_FALSE(respond("INVITE", 200));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "331999 ACK");
	wire_run(1);
	CU_ASSERT_FALSE(respond("INVITE", 486));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	CU_ASSERT_STRING_EQUAL(told, "180 486");
	close_it();
}

/* Timer K absorbs what comes again; on a stream nothing does. */
static void test_answered(void)
{
	open_with("BYE", SIP_TRANSP_UDP, false);
	CU_ASSERT(respond("BYE", 200));
	wire_run(4999);
	CU_ASSERT(respond("BYE", 200));
	wire_run(1);
	CU_ASSERT_FALSE(respond("BYE", 200));
	CU_ASSERT_STRING_EQUAL(told, "200");
	close_it();

	open_with("BYE", SIP_TRANSP_TLS, false);
	CU_ASSERT(respond("BYE", 200));
	CU_ASSERT_EQUAL(ctable_count(table), 0);
	close_it();

	open_with("INVITE", SIP_TRANSP_TCP, false);
	CU_ASSERT(respond("INVITE", 486));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 ACK");
	CU_ASSERT_EQUAL(ctable_count(table), 0);
	close_it();
}

/* A user agent's ends with the first 2xx; a proxy's hears each, timer M, and
 * keeps what it was given until then. */
static void test_accepted(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, false);
	CU_ASSERT(respond("INVITE", 200));
	CU_ASSERT_EQUAL(ctable_count(table), 0);
	CU_ASSERT_FALSE(respond("INVITE", 200));
	CU_ASSERT_STRING_EQUAL(told, "200");
	close_it();

	open_with("INVITE", SIP_TRANSP_TCP, true);
	CU_ASSERT(respond("INVITE", 200));
	wire_run(31999);
	CU_ASSERT(respond("INVITE", 200));
	CU_ASSERT(respond("INVITE", 486));
	CU_ASSERT_EQUAL(mem_nrefs(keep), 2);
	wire_run(1);
	CU_ASSERT_EQUAL(mem_nrefs(keep), 1);
	CU_ASSERT_FALSE(respond("INVITE", 200));
	CU_ASSERT_STRING_EQUAL(told, "200 200");
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	close_it();
}

/* Section 9.1: not before a provisional response. */
static void test_cancel(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, false);
	ctrans_cancel(ct, "Reason: SIP;cause=200\r\n");
	ctrans_cancel(ct, NULL);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	wire_run(100);
	CU_ASSERT(respond("INVITE", 100));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "100 CANCEL");
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, ";branch=z9hG4bKone\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, "\r\nReason: SIP;cause=200\r"));
	wire_run(500);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "600 CANCEL");
	CU_ASSERT(respond("CANCEL", 200));
	CU_ASSERT(respond("INVITE", 487));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "600 ACK");
	CU_ASSERT_STRING_EQUAL(told, "100 487");
	wire_run(32000);
	CU_ASSERT_EQUAL(ctable_count(table), 0);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	close_it();

	open_with("INVITE", SIP_TRANSP_UDP, false);
	CU_ASSERT(respond("INVITE", 180));
	ctrans_cancel(ct, NULL);
	CU_ASSERT(respond("CANCEL", 200));
	wire_run(31999);
	CU_ASSERT_STRING_EQUAL(told, "180");
	wire_run(1);
	CU_ASSERT_STRING_EQUAL(told, "180 err 110");
	close_it();
}

static void fail(uintptr_t link)
{
	const struct trans_way way = wire_way(SIP_TRANSP_UDP, "192.0.2.1",
					      link);

	ctable_fail(table, &way, ENOTCONN);
}

/* Who is told may begin another that way; who has an answer is not told. */
static void test_fail(void)
{
	struct ctrans *other = NULL;

	open_with("INVITE", SIP_TRANSP_UDP, false);
	CU_ASSERT_EQUAL(begin(&other, "OPTIONS", SIP_TRANSP_UDP, false), 0);
	CU_ASSERT(respond("OPTIONS", 200));
	fail(8);
	CU_ASSERT_STRING_EQUAL(told, "200");
	again = true;
	fail(7);
	CU_ASSERT_STRING_EQUAL(told, "200 err 107");
	CU_ASSERT_PTR_NOT_NULL(ct);
	CU_ASSERT_EQUAL(ctable_waiting(table), 1);
	send_err = EHOSTUNREACH;
	wire_run(500);
	CU_ASSERT_STRING_EQUAL(told, "200 err 107 err 113");
	CU_ASSERT_EQUAL(ctable_waiting(table), 0);
	close_it();
}

/* Nobody listens: a 2xx to INVITE is the account's. */
static void test_detached(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, false);
	ctrans_detach(ct);
	CU_ASSERT_PTR_NULL(ct);
	CU_ASSERT(respond("INVITE", 180));
	CU_ASSERT_FALSE(respond("INVITE", 200));
	CU_ASSERT_STRING_EQUAL(told, "");
	CU_ASSERT_EQUAL(ctable_count(table), 0);
	close_it();
}

static void test_not_ours(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, false);
	CU_ASSERT(respond("INVITE", 99));
	CU_ASSERT(respond("INVITE", 700));
	CU_ASSERT_FALSE(respond("BYE", 200));
	CU_ASSERT_STRING_EQUAL(told, "");
	close_it();
	CU_ASSERT_PTR_NULL(ct);
}

/* The last thing done is to tell: it may end everything. */
static void test_end_within(void)
{
	open_with("INVITE", SIP_TRANSP_UDP, true);
	all_gone = true;
	CU_ASSERT(respond("INVITE", 486));
	CU_ASSERT_PTR_NULL(table);
	close_it();

	open_with("INVITE", SIP_TRANSP_UDP, false);
	all_gone = true;
	wire_run(32000);
	CU_ASSERT_PTR_NULL(table);
	close_it();
}

UNIT_SUITE("sip/ctrans",
	   { "INVITE without an answer", test_invite_silence },
	   { "others without an answer", test_other_silence },
	   { "streams", test_stream_silence },
	   { "refused", test_refused },
	   { "answered", test_answered },
	   { "accepted", test_accepted },
	   { "CANCEL", test_cancel },
	   { "a way fails", test_fail },
	   { "nobody listens", test_detached },
	   { "none of ours", test_not_ours },
	   { "ended within a handler", test_end_within })
