/*
 * proxy.c: calls between scripted clients through the proxy: both transports,
 * forking, dialogs, and what it does not do for strangers.
 */
#include "tests/unit/registrar/client.h"

static const char dom[] = "example.org";

static struct house h;
static struct client a, b, b2;

static void open_all(bool atcp, bool btcp)
{
	house_open(&h, dom, true, 3600);
	client_open(&a, &h, "alice", "secret", atcp);
	client_open(&b, &h, "bob", "hush", btcp);
	client_open(&b2, &h, "bob", "hush", !btcp);
	client_online(&a, dom);
	client_online(&b, dom);
	a.digest.n = 0;
}

static void close_all(void)
{
	client_close(&a);
	client_close(&b);
	client_close(&b2);
	house_close(&h);
}

static const struct call to_bob = {
	"call1", "sip:alice@example.org", "sip:bob@example.org", NULL, "hello"
};

/* INVITE with credentials after the challenge; leaves 100 read. */
static void invite(const struct call *call)
{
	client_call(&a, "INVITE", call, 1);
	client_authorize(&a);
	client_call(&a, "INVITE", call, 2);
	client_expect(&a, 100);
}

static char *contact_of(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	char *s = NULL;

	CU_ASSERT_EQUAL_FATAL(sip_addr_decode(&addr, &hdr->val), 0);
	pl_strdup(&s, &addr.auri);
	return s;
}

static char *pl_copy(const struct pl *pl)
{
	char *s = NULL;

	pl_strdup(&s, pl);
	return s;
}

struct dialog {
	char *from, *to;                /* values with tags */
	char *a_routes, *b_routes;
	char *a_contact, *b_contact;
};

static void dialog_close(struct dialog *d)
{
	mem_deref(d->from);
	mem_deref(d->to);
	mem_deref(d->a_routes);
	mem_deref(d->b_routes);
	mem_deref(d->a_contact);
	mem_deref(d->b_contact);
}

/* Alice calls Bob, who rings and answers; all of it is looked at. */
static void establish(struct dialog *d)
{
	struct sip_msg *req, *rsp;

	invite(&to_bob);
	req = client_request(&b, "INVITE");
	if (!req)
		return;
	CU_ASSERT_EQUAL(mbuf_get_left(req->mb), 5);
	CU_ASSERT(!memcmp(mbuf_buf(req->mb), "hello", 5));
	CU_ASSERT_PTR_NULL(sip_msg_hdr(req, SIP_HDR_PROXY_AUTHORIZATION));
	CU_ASSERT_EQUAL(sip_msg_hdr_count(req, SIP_HDR_VIA), 2);
	CU_ASSERT_EQUAL(pl_u32(&req->maxfwd), 69);
	CU_ASSERT_EQUAL(sa_port(&req->via.addr),
			b.stream ? sa_port(&h.tcp) : sa_port(&h.udp));
	client_answer(&b, req, 180, "X-Ring: yes\r\n", NULL);
	rsp = client_response(&a, 180);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_xhdr(rsp, "X-Ring"));
	mem_deref(rsp);
	client_answer(&b, req, 200, NULL, "world");
	rsp = client_response(&a, 200);
	CU_ASSERT_EQUAL(sip_msg_hdr_count(rsp, SIP_HDR_VIA), 1);
	CU_ASSERT(!memcmp(mbuf_buf(rsp->mb), "world", 5));

	d->from = pl_copy(&rsp->from.val);
	d->to = pl_copy(&rsp->to.val);
	d->a_routes = client_routes(rsp, true);
	d->b_routes = client_routes(req, false);
	d->a_contact = contact_of(req);
	d->b_contact = contact_of(rsp);
	mem_deref(req);
	mem_deref(rsp);
}

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

static void test_absent(void)
{
	static const struct call to_carol = {
		"call2", "sip:alice@example.org", "sip:carol@example.org",
		NULL, NULL
	}, to_nobody = {
		"call3", "sip:alice@example.org", "sip:nobody@example.org",
		NULL, NULL
	};
	struct sip_msg *msg;
	const struct sip_hdr *hdr;

	open_all(false, true);
	client_call(&a, "INVITE", &to_carol, 1);
	client_authorize(&a);
	client_call(&a, "INVITE", &to_carol, 2);
	msg = client_response(&a, 480);
	hdr = sip_msg_hdr(msg, SIP_HDR_WARNING);
	CU_ASSERT_PTR_NOT_NULL_FATAL(hdr);
	CU_ASSERT_EQUAL(pl_strcmp(&hdr->val,
				  "399 dialtone \"carol is not online\""), 0);
	mem_deref(msg);
	client_call(&a, "INVITE", &to_nobody, 1);
	client_expect(&a, 404);

	/* a binding whose connection ended is none */
	client_close(&b);
	client_run(50);
	client_call(&a, "INVITE", &to_bob, 1);
	client_expect(&a, 480);
	close_all();
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

static void test_no_relay(void)
{
	static const struct call abroad = {
		"call4", "sip:alice@example.org", "sip:x@example.com", NULL,
		NULL
	}, stranger = {
		"call5", "sip:eve@example.net", "sip:eve@example.com", NULL,
		NULL
	}, inbound = {
		"call6", "sip:eve@example.net", "sip:bob@example.org", NULL,
		NULL
	}, spoofed = {
		"call7", "sip:bob@example.org", "sip:bob@example.org", NULL,
		NULL
	}, routed = {
		"call8", "sip:alice@example.org", "sip:bob@example.org",
		"Route: <sip:192.0.2.1;lr>\r\n", NULL
	};
	struct sip_msg *msg;

	open_all(false, false);
	client_call(&a, "INVITE", &abroad, 1);
	msg = client_response(&a, 403);
	CU_ASSERT_PTR_NOT_NULL(sip_msg_hdr(msg, SIP_HDR_WARNING));
	mem_deref(msg);
	client_call(&a, "OPTIONS", &stranger, 1);
	client_expect(&a, 403);
	client_call(&a, "MESSAGE", &routed, 1);
	client_expect(&a, 403);

	client_call(&a, "OPTIONS", &spoofed, 1);
	client_authorize(&a);
	client_call(&a, "OPTIONS", &spoofed, 2);
	client_expect(&a, 403);

	/* anybody may call our users */
	a.digest.n = 0;
	client_call(&a, "MESSAGE", &inbound, 1);
	msg = client_request(&b, "MESSAGE");
	client_answer(&b, msg, 200, NULL, NULL);
	mem_deref(msg);
	client_expect(&a, 200);
	close_all();
}

/* Routes that were made up, or changed. */
static void test_forged(void)
{
	struct dialog d = { .from = NULL };
	char routes[256];

	open_all(false, false);
	establish(&d);
	d.a_routes[strlen("Route: <sip:") + 20] ^= 1;
	re_snprintf(routes, sizeof routes, "Route: <sip:"
		    "00000000000013c47f0000010123456789abcdef@%J;lr>\r\n",
		    &h.udp);
	client_within(&a, "BYE", "call1", 3, d.b_contact, d.from, d.to,
		      routes);
	client_expect(&a, 430);
	client_within(&a, "ACK", "call1", 2, d.b_contact, d.from, d.to,
		      routes);
	CU_ASSERT(client_quiet(&a, 50) && client_quiet(&b, 0));
	dialog_close(&d);
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

static void expect_code(struct client *cl, const char *ruri,
			const char *lines, uint16_t scode)
{
	static unsigned n;

	client_send(cl, "OPTIONS %s SIP/2.0\r\n"
		    "Via: SIP/2.0/%s %J;branch=z9hG4bKx%u;rport\r\n"
		    "From: <sip:eve@example.net>;tag=1\r\n"
		    "To: <%s>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n%s"
		    "Content-Length: 0\r\n\r\n", ruri, client_tp(cl),
		    &cl->laddr, ++n, ruri, lines);
	client_expect(cl, scode);
}

static void test_rules(void)
{
	open_all(false, false);
	expect_code(&a, "sip:example.org", "", 200);
	expect_code(&a, "sip:EXAMPLE.org", "", 200);
	expect_code(&a, "tel:+4930", "", 416);
	expect_code(&a, "sips:bob@example.org", "", 416);
	expect_code(&a, "sip:bob@example.org", "Max-Forwards: 0\r\n", 483);
	expect_code(&a, "sip:bob@example.org", "Max-Forwards: x\r\n", 400);
	expect_code(&a, "sip:bob@example.org", "Proxy-Require: foo\r\n",
		    420);
	expect_code(&a, "sip:bob@example.org", "CSeq: 2 INVITE\r\n", 400);
	close_all();
}

/* What comes back to us as it left is not sent round again. */
static void test_loop(void)
{
	static const struct call call = {
		"loop", "sip:eve@example.net", "sip:bob@example.org", NULL,
		NULL
	};
	struct sip_msg *req;
	struct mbuf *mb;

	open_all(false, false);
	/* bob's Contact is his own address of record */
	client_register(&b, dom, "Contact: <sip:bob@example.org>\r\n"
			"Contact: *;expires=0\r\n");
	client_expect(&b, 400);
	client_register(&b, dom, "Contact: *\r\nExpires: 0\r\n");
	client_expect(&b, 200);
	client_register(&b, dom, "Contact: <sip:bob@example.org>\r\n");
	client_expect(&b, 200);
	client_call(&a, "OPTIONS", &call, 1);
	req = client_request(&b, "OPTIONS");
	mb = req->mb;
	client_write(&b, (char *)mb->buf, mb->end);
	client_expect(&b, 482);
	mem_deref(req);
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

/* Without configured domains the own addresses are. */
static void test_no_domain(void)
{
	char uri[64], foreign[64];
	struct call call = { "nodom", "sip:eve@192.0.2.1", uri, NULL, NULL };
	struct sip_msg *msg;

	house_open(&h, "", true, 3600);
	client_open(&a, &h, "alice", "secret", false);
	client_open(&b, &h, "bob", "hush", false);
	client_online(&b, "127.0.0.1");
	re_snprintf(uri, sizeof uri, "sip:bob@%J", &h.udp);
	client_call(&a, "MESSAGE", &call, 1);
	msg = client_request(&b, "MESSAGE");
	client_answer(&b, msg, 200, NULL, NULL);
	mem_deref(msg);
	client_expect(&a, 200);
	re_snprintf(foreign, sizeof foreign, "sip:bob@%J", &a.laddr);
	call.uri = foreign;
	call.id = "nodom2";
	client_call(&a, "MESSAGE", &call, 1);
	client_expect(&a, 403);
	client_close(&a);
	client_close(&b);
	house_close(&h);
}

UNIT_SUITE("registrar/proxy",
	   { "udp to udp", test_udp_udp },
	   { "udp to tcp", test_udp_tcp },
	   { "tcp to udp", test_tcp_udp },
	   { "retransmissions", test_again },
	   { "busy", test_busy },
	   { "cancel", test_cancel },
	   { "fork", test_fork },
	   { "best response", test_best },
	   { "absent", test_absent },
	   { "vanish", test_vanish },
	   { "no relay", test_no_relay },
	   { "forged route", test_forged },
	   { "moved", test_moved },
	   { "rules", test_rules },
	   { "loop", test_loop },
	   { "large", test_large },
	   { "no domain", test_no_domain })
