/*
 * calls.c: calls between scripted clients through the proxy: both transports,
 * answers of each kind, forking, dialogs that go on.
 */
#include "tests/unit/registrar/proxy/parties.h"

static void check_call(bool atcp, bool btcp)
{
	struct dialog d = { .from = NULL };
	struct sip_msg *msg;

	open_all(atcp, btcp);
	establish(&d);
	client_within(&a, "ACK", "call1", 2, d.b_contact, d.from, d.to,
		      d.a_routes);
	msg = client_request(&b, "ACK");
	CU_ASSERT_PTR_NULL(sip_msg_hdr(msg, SIP_HDR_ROUTE));
	mem_deref(msg);

	client_within(&b, "INFO", "call1", 7, d.a_contact, d.to, d.from,
		      d.b_routes);
	msg = client_request(&a, "INFO");
	client_answer(&a, msg, 200, NULL, NULL);
	mem_deref(msg);
	client_expect(&b, 200);

	client_within(&a, "BYE", "call1", 3, d.b_contact, d.from, d.to,
		      d.a_routes);
	msg = client_request(&b, "BYE");
	CU_ASSERT_EQUAL(pl_strcmp(&msg->ruri, d.b_contact), 0);
	client_answer(&b, msg, 200, NULL, NULL);
	mem_deref(msg);
	client_expect(&a, 200);
	dialog_close(&d);
	close_all();
}

static void test_udp_udp(void)
{
	check_call(false, false);
}

static void test_udp_tcp(void)
{
	check_call(false, true);
}

static void test_tcp_udp(void)
{
	check_call(true, false);
}

/* Retransmissions: of the INVITE, and of the 2xx in place of the ACK. */
static void test_again(void)
{
	struct sip_msg *req;

	open_all(false, false);
	invite(&to_bob);
	req = client_request(&b, "INVITE");
	client_call(&a, "INVITE", &to_bob, 2);
	client_expect(&a, 100);
	CU_ASSERT(client_quiet(&b, 100));
	client_answer(&b, req, 200, NULL, NULL);
	client_expect(&a, 200);
	client_answer(&b, req, 200, NULL, NULL);
	client_expect(&a, 200);
	client_call(&a, "INVITE", &to_bob, 2);
	CU_ASSERT(client_quiet(&a, 100) && client_quiet(&b, 0));
	mem_deref(req);
	close_all();
}

static void test_busy(void)
{
	struct sip_msg *req, *rsp;

	open_all(false, false);
	invite(&to_bob);
	req = client_request(&b, "INVITE");
	client_answer(&b, req, 486, "Warning: 399 b \"no\"\r\n", NULL);
	mem_deref(req);
	mem_deref(client_request(&b, "ACK"));
	rsp = client_response(&a, 486);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_hdr(rsp, SIP_HDR_WARNING));
	/* repeated until the ACK, then not any more */
	mem_deref(rsp);
	client_expect(&a, 486);
	client_send(&a, "ACK sip:bob@example.org SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP %J;branch=z9hG4bKcall12;rport\r\n"
		    "From: <sip:alice@example.org>;tag=call1\r\n"
		    "To: <sip:bob@example.org>;tag=bob\r\nCall-ID: call1\r\n"
		    "CSeq: 2 ACK\r\nContent-Length: 0\r\n\r\n", &a.laddr);
	CU_ASSERT(client_quiet(&a, 1200) && client_quiet(&b, 0));
	close_all();
}

static void send_cancel(unsigned n)
{
	client_send(&a, "CANCEL sip:bob@example.org SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP %J;branch=z9hG4bKcall1%u;rport\r\n"
		    "From: <sip:alice@example.org>;tag=call1\r\n"
		    "To: <sip:bob@example.org>\r\nCall-ID: call1\r\n"
		    "CSeq: %u CANCEL\r\nContent-Length: 0\r\n\r\n", &a.laddr,
		    n, n);
}

static void test_cancel(void)
{
	struct sip_msg *req, *cancel;

	open_all(false, false);
	invite(&to_bob);
	req = client_request(&b, "INVITE");
	send_cancel(1);
	client_expect(&a, 481);
	send_cancel(2);                 /* before any provisional response */
	client_expect(&a, 200);
	CU_ASSERT(client_quiet(&b, 50));
	client_answer(&b, req, 180, NULL, NULL);
	client_expect(&a, 180);
	cancel = client_request(&b, "CANCEL");
	CU_ASSERT_EQUAL(pl_cmp(&cancel->via.branch, &req->via.branch), 0);
	client_answer(&b, cancel, 200, NULL, NULL);
	client_answer(&b, req, 487, NULL, NULL);
	mem_deref(client_request(&b, "ACK"));
	client_expect(&a, 487);
	mem_deref(req);
	mem_deref(cancel);
	close_all();
}

/* Two bindings ring: one answers, the other is cancelled. */
static void test_fork(void)
{
	struct sip_msg *r1, *r2, *msg;

	open_all(false, false);
	client_online(&b2, dom);
	invite(&to_bob);
	r1 = client_request(&b, "INVITE");
	r2 = client_request(&b2, "INVITE");
	CU_ASSERT_NOT_EQUAL(pl_cmp(&r1->via.branch, &r2->via.branch), 0);
	client_answer(&b, r1, 180, NULL, NULL);
	client_expect(&a, 180);
	client_answer(&b2, r2, 180, NULL, NULL);
	client_expect(&a, 180);
	client_answer(&b2, r2, 200, NULL, NULL);
	client_expect(&a, 200);
	msg = client_request(&b, "CANCEL");
	client_answer(&b, msg, 200, NULL, NULL);
	client_answer(&b, r1, 487, NULL, NULL);
	mem_deref(client_request(&b, "ACK"));
	CU_ASSERT(client_quiet(&a, 50));
	mem_deref(msg);
	mem_deref(r1);
	mem_deref(r2);
	close_all();
}

/* The best of several failures; a 6xx ends the others' ringing. */
static void check_best(uint16_t s1, uint16_t s2, uint16_t want)
{
	struct sip_msg *r1, *r2, *msg;
	const char *auth = "WWW-Authenticate: Digest realm=\"x\",nonce=y\r\n";

	open_all(false, false);
	client_online(&b2, dom);
	invite(&to_bob);
	r1 = client_request(&b, "INVITE");
	r2 = client_request(&b2, "INVITE");
	client_answer(&b2, r2, 180, NULL, NULL);
	client_expect(&a, 180);
	client_answer(&b, r1, s1, s1 == 401 ? auth : NULL, NULL);
	mem_deref(client_request(&b, "ACK"));
	if (s1 >= 600) {
		msg = client_request(&b2, "CANCEL");
		client_answer(&b2, msg, 200, NULL, NULL);
		mem_deref(msg);
	}
	CU_ASSERT(client_quiet(&a, 30));
	client_answer(&b2, r2, s2, s2 == 401 ? auth : NULL, NULL);
	mem_deref(client_request(&b2, "ACK"));
	msg = client_response(&a, want);
	if (msg && want == 401)
		CU_ASSERT_EQUAL(sip_msg_hdr_count(msg,
						  SIP_HDR_WWW_AUTHENTICATE),
				s1 == s2 ? 2 : 1);
	mem_deref(msg);
	mem_deref(r1);
	mem_deref(r2);
	close_all();
}

static void test_best(void)
{
	check_best(480, 486, 486);
	check_best(500, 404, 404);
	check_best(486, 302, 302);
	check_best(603, 487, 603);
	check_best(401, 486, 401);
	check_best(401, 401, 401);
}

/* A callee that vanishes while it rings. */
static void test_vanish(void)
{
	struct sip_msg *req;

	open_all(false, true);
	invite(&to_bob);
	req = client_request(&b, "INVITE");
	client_answer(&b, req, 180, NULL, NULL);
	client_expect(&a, 180);
	mem_deref(req);
	client_close(&b);
	client_expect(&a, 480);
	close_all();
}

/* Bob's connection breaks, he comes back: the dialog finds him. */
static void test_moved(void)
{
	struct dialog d = { .from = NULL };
	struct sip_msg *msg;

	open_all(false, true);
	establish(&d);
	client_close(&b);
	client_run(50);
	client_within(&a, "INFO", "call1", 3, d.b_contact, d.from, d.to,
		      d.a_routes);
	client_expect(&a, 430);
	client_online(&b2, dom);
	client_within(&a, "INFO", "call1", 4, d.b_contact, d.from, d.to,
		      d.a_routes);
	msg = client_request(&b2, "INFO");
	client_answer(&b2, msg, 200, NULL, NULL);
	mem_deref(msg);
	client_expect(&a, 200);
	dialog_close(&d);
	close_all();
}

/* 16 KB of body, unchanged, on every way. */
static void check_large(bool atcp, bool btcp)
{
	static char body[16384 + 1];
	static const struct call call = {
		"large", "sip:eve@example.net", "sip:bob@example.org", NULL,
		body
	};
	struct sip_msg *msg;

	for (size_t i = 0; i < sizeof body - 1; i++)
		body[i] = (char)('a' + i % 23);
	open_all(atcp, btcp);
	client_call(&a, "MESSAGE", &call, 1);
	msg = client_request(&b, "MESSAGE");
	if (msg) {
		CU_ASSERT_EQUAL_FATAL(mbuf_get_left(msg->mb), 16384);
		CU_ASSERT(!memcmp(mbuf_buf(msg->mb), body, 16384));
		client_answer(&b, msg, 200, NULL, body);
	}
	mem_deref(msg);
	msg = client_response(&a, 200);
	if (msg)
		CU_ASSERT_EQUAL(mbuf_get_left(msg->mb), 16384);
	mem_deref(msg);
	close_all();
}

static void test_large(void)
{
	check_large(false, false);
	check_large(true, false);
	check_large(false, true);
	check_large(true, true);
}

UNIT_SUITE("registrar/proxy/calls",
	{ "udp to udp", test_udp_udp },
	{ "udp to tcp", test_udp_tcp },
	{ "tcp to udp", test_tcp_udp },
	{ "retransmissions", test_again },
	{ "busy", test_busy },
	{ "cancel", test_cancel },
	{ "fork", test_fork },
	{ "best response", test_best },
	{ "vanish", test_vanish },
	{ "moved", test_moved },
	{ "large", test_large })
