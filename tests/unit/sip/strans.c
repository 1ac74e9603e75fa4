/*
 * strans.c: server transactions without sockets, in fake time: what is
 * repeated, absorbed, told, and when they are gone.
 */
#include "tests/unit/sip/fakewire.h"
#include "sipd/sip/strans.h"

static struct stable *table;
static struct strans *st;
static unsigned cancels, losses;

static void cancel_handler(const struct sip_msg *cancel, void *arg)
{
	CU_ASSERT_PTR_EQUAL(arg, &table);
	CU_ASSERT_EQUAL(pl_strcmp(&cancel->met, "CANCEL"), 0);
	++cancels;
}

static void loss_handler(void *arg)
{
	CU_ASSERT_PTR_EQUAL(arg, &table);
	++losses;
}

static const struct strans_handlers handlers = {
	cancel_handler, loss_handler
};

static struct sip_msg *request_of(const char *met, const char *branch)
{
	struct sip_msg *msg;

	msg = wire_msg("%s sip:bob@192.0.2.1 SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 192.0.2.9;branch=%s;rport\r\n"
		       "From: <sip:alice@192.0.2.9>;tag=a\r\n"
		       "To: <sip:bob@192.0.2.1>\r\nCall-ID: c\r\n"
		       "CSeq: 5 %s\r\n\r\n", met, branch, met);
	CU_ASSERT_EQUAL(sa_set_str(&msg->src, "192.0.2.9", 5062), 0);
	msg->tp = SIP_TRANSP_UDP;
	return msg;
}

/* A request comes: was it dealt with? */
static bool comes(const char *met, const char *branch)
{
	struct sip_msg *msg = request_of(met, branch);
	const bool known = stable_recv(table, msg);

	mem_deref(msg);
	return known;
}

static void open_with(const char *met, enum sip_transp tp)
{
	struct strans_conf conf = {
		.way = wire_way(tp, "192.0.2.9", 3), .h = &handlers,
		.arg = &table,
	};
	struct sip_msg *msg;

	wire_open();
	cancels = losses = 0;
	CU_ASSERT_EQUAL_FATAL(stable_alloc(&table, timers, "test", wire_send,
					   NULL), 0);
	msg = request_of(met, "z9hG4bKone");
	CU_ASSERT_FALSE(stable_recv(table, msg));
	conf.msg = msg;
	CU_ASSERT_EQUAL_FATAL(strans_alloc(&st, table, &conf), 0);
	mem_deref(msg);
	CU_ASSERT_PTR_NOT_NULL(st);
	CU_ASSERT_EQUAL(stable_count(table), 1);
}

static void close_it(void)
{
	table = mem_deref(table);
	CU_ASSERT_PTR_NULL(st);
	wire_close();
}

static int reply(bool repeat, uint16_t scode)
{
	return strans_reply(st, repeat, scode, "Word", NULL);
}

/* Our tag in a response: 16 digits; NULL: none. From has one as well. */
static const char *to_tag(const char *text)
{
	const char *tag = strstr(text, "To: <sip:bob@192.0.2.1>;tag=");

	return tag ? strchr(tag, ';') + 5 : NULL;
}

/* Section 17.2.1: 100 after 200 ms, unless something was said. */
static void test_trying(void)
{
	open_with("INVITE", SIP_TRANSP_UDP);
	wire_run(100);
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	wire_run(100);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "200 100");
	CU_ASSERT_EQUAL(lastway.link, 3);
	CU_ASSERT_PTR_NULL(to_tag(lastmsg));
	CU_ASSERT_PTR_NOT_NULL(strstr(lastmsg, "Server: test\r\n"));
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "200 100");
	close_it();

	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(reply(false, 180), 0);
	wire_run(60000);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 180");
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "60000 180");
	strans_drop(st);
	CU_ASSERT_FALSE(comes("INVITE", "z9hG4bKone"));
	close_it();

	open_with("OPTIONS", SIP_TRANSP_UDP);
	wire_run(60000);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "");
	close_it();
}

/* Timers G and H; the ACK, and timer I. */
static void test_refused(void)
{
	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(reply(false, 486), 0);
	CU_ASSERT_PTR_NULL(strans_msg(st));
	CU_ASSERT_EQUAL(reply(false, 486), EALREADY);
	wire_run(31999);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 486 500 486 1500 486 3500 486"
			       " 7500 486 11500 486 15500 486 19500 486"
			       " 23500 486 27500 486 31500 486");
	CU_ASSERT_EQUAL(stable_count(table), 1);
	wire_run(1);
	CU_ASSERT_EQUAL(stable_count(table), 0);
	CU_ASSERT_EQUAL(losses, 0);
	close_it();

	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(reply(false, 486), 0);
	wire_run(600);
	CU_ASSERT(comes("ACK", "z9hG4bKone"));
	wire_run(4999);
	CU_ASSERT(comes("ACK", "z9hG4bKone"));
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 486 500 486");
	wire_run(1);
	CU_ASSERT_FALSE(comes("ACK", "z9hG4bKone"));
	close_it();

	open_with("INVITE", SIP_TRANSP_TLS);
	CU_ASSERT_EQUAL(reply(false, 486), 0);
	wire_run(10000);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 486");
	CU_ASSERT(comes("ACK", "z9hG4bKone"));
	CU_ASSERT_EQUAL(stable_count(table), 0);
	close_it();
}

/* Timer J; on a stream nothing comes again. */
static void test_answered(void)
{
	open_with("BYE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(reply(false, 200), 0);
	wire_run(31999);
	CU_ASSERT(comes("BYE", "z9hG4bKone"));
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 200 31999 200");
	wire_run(1);
	CU_ASSERT_FALSE(comes("BYE", "z9hG4bKone"));
	close_it();

	open_with("BYE", SIP_TRANSP_TCP);
	CU_ASSERT_EQUAL(reply(false, 200), 0);
	CU_ASSERT_EQUAL(stable_count(table), 0);
	close_it();
}

/* A user agent's 2xx: until the ACK, which is the dialog's; timer L. */
static void test_accepted(void)
{
	open_with("INVITE", SIP_TRANSP_TCP);
	CU_ASSERT_EQUAL(reply(true, 200), 0);
	wire_run(1000);
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_FALSE(comes("ACK", "z9hG4bKone"));
	wire_run(1000);
	strans_acked(st);
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	wire_run(29999);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 200 500 200 1000 200 1500 200");
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	wire_run(1);
	CU_ASSERT_FALSE(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_EQUAL(losses, 0);
	close_it();

	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(reply(true, 200), 0);
	wire_run(32000);
	CU_ASSERT_EQUAL(losses, 1);
	CU_ASSERT_EQUAL(stable_count(table), 0);
	wire_sent();
	close_it();
}

/* A proxy's: not repeated, and others may follow. */
static void test_passed_on(void)
{
	struct mbuf *mb = mbuf_alloc(64);

	(void)mbuf_write_str(mb, "SIP/2.0 200 OK\r\n\r\n");
	mb->pos = 0;
	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(strans_send(st, false, 200, mb), 0);
	wire_run(10000);
	CU_ASSERT(comes("INVITE", "z9hG4bKone"));
	CU_ASSERT_EQUAL(strans_send(st, false, 200, mb), 0);
	CU_ASSERT_EQUAL(strans_send(st, false, 486, mb), EALREADY);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 200 10000 200");
	wire_run(22000);
	CU_ASSERT_EQUAL(strans_send(st, false, 200, mb), EALREADY);
	CU_ASSERT_EQUAL(losses, 0);
	close_it();
	mem_deref(mb);
}

/* RFC 3262 section 3. */
static void test_reliable(void)
{
	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_EQUAL(reply(true, 183), 0);
	wire_run(2000);
	strans_acked(st);
	wire_run(60000);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 183 500 183 1500 183");
	CU_ASSERT_EQUAL(losses, 0);
	CU_ASSERT_EQUAL(reply(true, 183), 0);
	wire_run(32000);
	CU_ASSERT_EQUAL(losses, 1);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "62000 183 62500 183 63500 183"
			       " 65500 183 69500 183 77500 183 93500 183");
	CU_ASSERT_EQUAL(reply(false, 504), 0);
	CU_ASSERT_EQUAL(stable_count(table), 1);
	close_it();
}

/* Answered each time with the INVITE's tag, told once. */
static void test_cancel(void)
{
	char first[sizeof lastmsg];

	open_with("INVITE", SIP_TRANSP_UDP);
	CU_ASSERT_FALSE(comes("CANCEL", "z9hG4bKother"));
	CU_ASSERT(comes("CANCEL", "z9hG4bKone"));
	memcpy(first, lastmsg, sizeof first);
	CU_ASSERT_EQUAL(sa_port(&lastway.dst), 5062);
	CU_ASSERT(comes("CANCEL", "z9hG4bKone"));
	CU_ASSERT_STRING_EQUAL(first, lastmsg);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 200 0 200");
	CU_ASSERT_EQUAL(cancels, 1);
	CU_ASSERT_EQUAL(reply(false, 487), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to_tag(first));
	CU_ASSERT_PTR_NOT_NULL_FATAL(to_tag(lastmsg));
	CU_ASSERT(!strncmp(to_tag(first), to_tag(lastmsg), 16));
	CU_ASSERT(comes("CANCEL", "z9hG4bKone"));
	CU_ASSERT_EQUAL(cancels, 1);
	close_it();
}

/* What an answer without a transaction reads like. */
static void answer_to(const char *branch, char *text)
{
	const struct trans_way way = wire_way(SIP_TRANSP_UDP, "192.0.2.9", 4);
	struct sip_msg *msg = request_of("OPTIONS", branch);

	CU_ASSERT_EQUAL(stable_answer(table, msg, &way, 405, "Word",
				      "Allow: %s\r\n\r\n", "ACK"), 0);
	memcpy(text, lastmsg, sizeof lastmsg);
	mem_deref(msg);
}

/* Section 8.2.7: always the same, under a tag of that request alone. */
static void test_stateless(void)
{
	char first[sizeof lastmsg], again[sizeof lastmsg];
	char other[sizeof lastmsg];

	open_with("BYE", SIP_TRANSP_UDP);
	answer_to("z9hG4bKtwo", first);
	answer_to("z9hG4bKtwo", again);
	answer_to("z9hG4bKthree", other);
	CU_ASSERT_EQUAL(lastway.link, 4);
	CU_ASSERT_STRING_EQUAL(wire_sent(), "0 405 0 405 0 405");
	CU_ASSERT_STRING_EQUAL(first, again);
	CU_ASSERT_PTR_NOT_NULL(strstr(first, "Server: test\r\n"
				      "Allow: ACK\r\n\r\n"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(to_tag(first));
	CU_ASSERT_PTR_NOT_NULL_FATAL(to_tag(other));
	CU_ASSERT(strncmp(to_tag(first), to_tag(other), 16) != 0);
	CU_ASSERT_EQUAL(stable_count(table), 1);
	close_it();
}

static void test_detached(void)
{
	struct strans *other;

	open_with("INVITE", SIP_TRANSP_UDP);
	strans_move(st, &other);
	CU_ASSERT_PTR_NULL(st);
	strans_detach(other);
	CU_ASSERT_PTR_NULL(other);
	CU_ASSERT(comes("CANCEL", "z9hG4bKone"));
	CU_ASSERT_EQUAL(cancels, 0);
	CU_ASSERT_EQUAL(strans_reply(st, false, 487, "x", NULL), EALREADY);
	CU_ASSERT_PTR_NULL(strans_msg(st));
	close_it();
}

UNIT_SUITE("sip/strans",
	   { "100 after a while", test_trying },
	   { "refused", test_refused },
	   { "answered", test_answered },
	   { "a 2xx and its ACK", test_accepted },
	   { "a 2xx passed on", test_passed_on },
	   { "reliable responses", test_reliable },
	   { "CANCEL", test_cancel },
	   { "without a transaction", test_stateless },
	   { "nobody listens", test_detached })
