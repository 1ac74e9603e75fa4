/*
 * request.c: several targets behind one name: which is asked, when the next,
 * and what is said in the end. The name is resolved by a scripted DNS server.
 */
#include "tests/unit/ua/raw.h"
#include "sipd/ua/ack.h"
#include "sipd/ua/request.h"

static struct stack *stack;
static struct udp_sock *dns;
static struct raw one, two;
static struct dialog *dlg;
static struct request *req;
static int result;
static uint16_t scode;
static bool done;
static char why[160];

/* Two SRV records, one.test and then two.test, both at 127.0.0.1. */
static void dns_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct mbuf *out = mbuf_alloc(512);
	struct dnshdr hdr;
	char *name = NULL;
	size_t start = mb->pos;
	uint16_t type;
	(void)arg;

	CU_ASSERT_EQUAL_FATAL(dns_hdr_decode(mb, &hdr), 0);
	CU_ASSERT_EQUAL_FATAL(dns_dname_decode(mb, &name, start), 0);
	type = ntohs(mbuf_read_u16(mb));
	(void)mbuf_read_u16(mb);
	hdr.qr = hdr.ra = true;
	hdr.nans = type == DNS_TYPE_SRV ? 2 : type == DNS_TYPE_A;
	dns_hdr_encode(out, &hdr);
	mbuf_write_mem(out, mb->buf + start + DNS_HEADER_SIZE,
		       mb->pos - start - DNS_HEADER_SIZE);
	for (unsigned i = 0; i < hdr.nans; i++) {
		struct dnsrr *rr = dns_rr_alloc();

		CU_ASSERT_PTR_NOT_NULL_FATAL(rr);
		str_dup(&rr->name, name);
		rr->type = type;
		rr->dnsclass = DNS_CLASS_IN;
		rr->ttl = 60;
		rr->rdata.a.addr = 0x7f000001;
		if (type == DNS_TYPE_SRV) {
			memset(&rr->rdata, 0, sizeof rr->rdata);
			rr->rdata.srv.pri = (uint16_t)i;
			rr->rdata.srv.port = sa_port(i ? &two.addr
						     : &one.addr);
			str_dup(&rr->rdata.srv.target, i ? "two.test"
				: "one.test");
		}
		dns_rr_encode(out, rr, 0, NULL, 0);
		mem_deref(rr);
	}
	out->pos = 0;
	(void)udp_send(dns, src, out);
	mem_deref(name);
	mem_deref(out);
}

static void ignore_msg(const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
}

static void ignore_stun(const struct sa *src, const struct mbuf *mb,
			void *arg)
{
	(void)src;
	(void)mb;
	(void)arg;
}

static void ignore_loss(const void *sock, const struct sa *dst, int err,
			void *arg)
{
	(void)sock;
	(void)dst;
	(void)err;
	(void)arg;
}

static void begin(void)
{
	const struct transp_conf tc = { .port = 0 };
	struct sa sa;

	pair_begin();
	raw_open(&one);
	raw_open(&two);
	sa_set_str(&sa, "127.0.0.1", 0);
	CU_ASSERT_EQUAL_FATAL(udp_listen(&dns, &sa, dns_handler, NULL), 0);
	udp_local_get(dns, &sa);
	CU_ASSERT_EQUAL_FATAL(stack_alloc(&stack, timers, &tc), 0);
	stack->reqh = stack->resph = ignore_msg;
	stack->stunh = ignore_stun;
	stack->lossh = ignore_loss;
	mem_deref(stack->resolver);
	CU_ASSERT_EQUAL(resolver_alloc(&stack->resolver, timers, &sa, 1), 0);
	str_dup(&stack->contact, "x");
	str_dup(&stack->user, "x");
	CU_ASSERT_EQUAL(dialog_alloc(&dlg, "sip:x@a", "sip:s.test", NULL,
				     "sip:s.test;transport=udp"), 0);
}

static void end(void)
{
	req = mem_deref(req);
	dlg = mem_deref(dlg);
	stack_flush(stack);
	stack = mem_deref(stack);
	dns = mem_deref(dns);
	raw_close(&one);
	raw_close(&two);
	pair_end();
}

static void result_handler(int err, const struct sip_msg *msg,
			   const struct request *r, void *arg)
{
	(void)arg;
	if (msg && msg->scode < 200)
		return;
	result = err;
	scode = msg ? msg->scode : 0;
	str_ncpy(why, request_why(r), sizeof why);
	done = true;
}

static void send_options(void)
{
	const struct request_conf conf = { .met = "OPTIONS", .dlg = dlg };

	done = false;
	CU_ASSERT_EQUAL(request_send(&req, stack, &conf, result_handler,
				     NULL), 0);
}

static bool is_done(void *arg)
{
	(void)arg;
	return done;
}

static void test_503(void)
{
	begin();
	send_options();
	CU_ASSERT(raw_wait(&one, "OPTIONS sip:s.test", 1000));
	raw_reply(&one, "503 Full", "x", "");
	CU_ASSERT(raw_wait(&two, "OPTIONS sip:s.test", 1000));
	raw_reply(&two, "200 OK", "x", "");
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(scode, 200);
	CU_ASSERT_PTR_NULL(req);
	end();
}

/* 100 speaks of the next hop alone. */
static void test_100_503(void)
{
	begin();
	send_options();
	CU_ASSERT(raw_wait(&one, "OPTIONS sip:s.test", 1000));
	raw_reply(&one, "100 Trying", "", "");
	raw_reply(&one, "503 Full", "x", "");
	CU_ASSERT(raw_wait(&two, "OPTIONS sip:s.test", 1000));
	raw_reply(&two, "200 OK", "x", "");
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(scode, 200);
	end();
}

static void test_both_503(void)
{
	begin();
	send_options();
	CU_ASSERT(raw_wait(&one, "OPTIONS", 1000));
	raw_reply(&one, "503 Full", "x", "");
	CU_ASSERT(raw_wait(&two, "OPTIONS", 1000));
	raw_reply(&two, "503 Full", "x", "");
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(result, 0);
	CU_ASSERT_EQUAL(scode, 503);
	end();
}

/* Who answers nothing for a while may have heard it nevertheless: to the next
 * it is another request. */
static void test_silent(void)
{
	uint32_t cseq;

	begin();
	send_options();
	cseq = request_cseq(req);
	CU_ASSERT(raw_wait(&one, "OPTIONS", 1000));
	CU_ASSERT(raw_wait(&two, "OPTIONS", 5000));
	CU_ASSERT(request_cseq(req) > cseq);
	raw_reply(&two, "200 OK", "x", "");
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(scode, 200);
	end();
}

static void test_refused(void)
{
	begin();
	one.us = mem_deref(one.us);
	send_options();
	CU_ASSERT(raw_wait(&two, "OPTIONS", 1000));
	raw_reply(&two, "404 No", "x", "");
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(scode, 404);
	end();
}

static void test_nobody(void)
{
	begin();
	one.us = mem_deref(one.us);
	two.us = mem_deref(two.us);
	send_options();
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(result, ECONNREFUSED);
	CU_ASSERT(why[0] != '\0');
	end();
}

static void test_forgotten(void)
{
	begin();
	send_options();
	CU_ASSERT(raw_wait(&one, "OPTIONS", 1000));
	req = mem_deref(req);
	raw_reply(&one, "200 OK", "x", "");
	run_for(20);
	CU_ASSERT(!done);
	send_options();                 /* while it is being resolved */
	req = mem_deref(req);
	run_for(20);
	CU_ASSERT(!done);
	end();
}

static void test_cancelled(void)
{
	const struct request_conf conf = { .met = "INVITE", .dlg = dlg };

	begin();
	send_options();
	request_cancel(req, NULL);      /* nothing was sent yet */
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(result, ECONNABORTED);
	(void)conf;
	end();
}

/* The flow comes first, and is left when it does not answer. */
static void test_flow(void)
{
	struct hop flow = { .tp = SIP_TRANSP_UDP };
	struct request_conf conf = { .met = "OPTIONS", .flow = &flow };

	begin();
	conf.dlg = dlg;
	flow.dst = two.addr;
	done = false;
	CU_ASSERT_EQUAL(request_send(&req, stack, &conf, result_handler,
				     NULL), 0);
	CU_ASSERT(raw_wait(&two, "OPTIONS", 1000));
	CU_ASSERT(raw_wait(&one, "OPTIONS", 5000));
	raw_reply(&one, "200 OK", "x", "");
	CU_ASSERT(run_until(is_done, NULL, 1000));
	CU_ASSERT_EQUAL(scode, 200);
	end();
}

/* --- ACK, which nobody answers ----------------------------------------- */

static struct ack *ack;
static struct tcp_sock *listener;
static struct tcp_conn *conn;
static char heard[64];

static void deaf(struct raw *r)
{
	r->us = mem_deref(r->us);
}

/* Nobody is at the first target, as ICMP says; nor is it tried again. */
static void test_ack(void)
{
	begin();
	deaf(&one);
	CU_ASSERT_EQUAL(ack_send(&ack, stack, dlg, 1, NULL, NULL), 0);
	CU_ASSERT(raw_wait(&two, "ACK sip:s.test", 1000));
	CU_ASSERT_STRING_EQUAL(raw_hdr(&two, "CSeq"), "CSeq: 1 ACK\r\n");
	ack_again(ack);
	CU_ASSERT(raw_wait(&two, "ACK sip:s.test", 1000));
	CU_ASSERT_EQUAL(two.n, 2);
	ack = mem_deref(ack);
	end();
}

static void test_ack_nobody(void)
{
	begin();
	deaf(&one);
	deaf(&two);
	CU_ASSERT_EQUAL(ack_send(&ack, stack, dlg, 1, NULL, NULL), 0);
	run_for(100);
	ack_again(ack);
	run_for(100);
	ack = mem_deref(ack);
	CU_ASSERT_PTR_NULL(stack->earl.head);
	end();
}

/* The way that the call went by is no more: the name tells others. */
static void test_ack_flow(void)
{
	struct hop flow = { .tp = SIP_TRANSP_UDP };

	begin();
	flow.dst = two.addr;
	deaf(&two);
	CU_ASSERT_EQUAL(ack_send(&ack, stack, dlg, 1, NULL, &flow), 0);
	CU_ASSERT(raw_wait(&one, "ACK sip:s.test", 1000));
	CU_ASSERT_EQUAL(one.n, 1);
	ack = mem_deref(ack);
	end();
}

/* It cannot even be sent that way, from the first or when it comes again. */
static void test_ack_flow_closed(void)
{
	struct hop flow = { .tp = SIP_TRANSP_UDP };

	begin();
	CU_ASSERT_EQUAL(sa_set_str(&flow.dst, "255.255.255.255", 9), 0);
	CU_ASSERT_EQUAL(ack_send(&ack, stack, dlg, 1, NULL, &flow), 0);
	CU_ASSERT(raw_wait(&one, "ACK sip:s.test", 1000));
	ack_again(ack);
	CU_ASSERT(raw_wait(&one, "ACK sip:s.test", 1000));
	ack = mem_deref(ack);
	end();
}

static void on_data(struct mbuf *mb, void *arg)
{
	(void)arg;
	(void)re_snprintf(heard, sizeof heard, "%b", mbuf_buf(mb),
			  min(mbuf_get_left(mb), sizeof heard - 1));
}

static void on_conn(const struct sa *peer, void *arg)
{
	(void)peer;
	(void)arg;
	CU_ASSERT_EQUAL(tcp_accept(&conn, listener, NULL, on_data, NULL,
				   NULL), 0);
}

static bool is_heard(void *arg)
{
	(void)arg;
	return *heard != '\0';
}

/* By TCP only the second takes connections. */
static void test_ack_tcp(void)
{
	begin();
	*heard = '\0';
	dlg = mem_deref(dlg);
	CU_ASSERT_EQUAL(dialog_alloc(&dlg, "sip:x@a", "sip:s.test", NULL,
				     "sip:s.test;transport=tcp"), 0);
	CU_ASSERT_EQUAL_FATAL(tcp_listen(&listener, &two.addr, on_conn, NULL),
			      0);
	CU_ASSERT_EQUAL(ack_send(&ack, stack, dlg, 1, NULL, NULL), 0);
	CU_ASSERT(run_until(is_heard, NULL, 2000));
	CU_ASSERT_PTR_NOT_NULL(strstr(heard, "ACK sip:s.test SIP/2.0\r\n"
				      "Via: SIP/2.0/TCP"));
	ack = mem_deref(ack);
	conn = mem_deref(conn);
	listener = mem_deref(listener);
	end();
}

UNIT_SUITE("request",
	   { "503", test_503 },
	   { "100, then 503", test_100_503 },
	   { "both 503", test_both_503 },
	   { "silent", test_silent },
	   { "refused", test_refused },
	   { "nobody there", test_nobody },
	   { "forgotten", test_forgotten },
	   { "cancelled", test_cancelled },
	   { "flow", test_flow },
	   { "ACK", test_ack },
	   { "ACK, nobody there", test_ack_nobody },
	   { "ACK, flow gone", test_ack_flow },
	   { "ACK, flow that takes nothing", test_ack_flow_closed },
	   { "ACK by TCP", test_ack_tcp })
