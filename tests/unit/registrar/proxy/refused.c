/*
 * refused.c: what the proxy does not do: for strangers, for those who make up
 * routes, against the rules, or because nobody is there.
 */
#include "tests/unit/registrar/proxy/parties.h"

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

UNIT_SUITE("registrar/proxy/refused",
	{ "absent", test_absent },
	{ "no relay", test_no_relay },
	{ "forged route", test_forged },
	{ "rules", test_rules },
	{ "loop", test_loop },
	{ "no domain", test_no_domain })
