/*
 * parties.h: for the tests of the proxy (sipd/registrar/proxy.c and its
 * parts): alice, and bob with two telephones, are registered; she calls him.
 */
#ifndef DIALTONE_PROXY_PARTIES_H
#define DIALTONE_PROXY_PARTIES_H

#include "tests/unit/registrar/client.h"

static const char dom[] = "example.org";

static struct house h;
static struct client a, b, b2;

static inline void open_all(bool atcp, bool btcp)
{
	house_open(&h, dom, true, 3600);
	client_open(&a, &h, "alice", "secret", atcp);
	client_open(&b, &h, "bob", "hush", btcp);
	client_open(&b2, &h, "bob", "hush", !btcp);
	client_online(&a, dom);
	client_online(&b, dom);
	a.digest.n = 0;
}

static inline void close_all(void)
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
static inline void invite(const struct call *call)
{
	client_call(&a, "INVITE", call, 1);
	client_authorize(&a);
	client_call(&a, "INVITE", call, 2);
	client_expect(&a, 100);
}

static inline char *contact_of(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	char *s = NULL;

	CU_ASSERT_EQUAL_FATAL(sip_addr_decode(&addr, &hdr->val), 0);
	pl_strdup(&s, &addr.auri);
	return s;
}

static inline char *pl_copy(const struct pl *pl)
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

static inline void dialog_close(struct dialog *d)
{
	mem_deref(d->from);
	mem_deref(d->to);
	mem_deref(d->a_routes);
	mem_deref(d->b_routes);
	mem_deref(d->a_contact);
	mem_deref(d->b_contact);
}

/* Alice calls Bob, who rings and answers; all of it is looked at. */
static inline void establish(struct dialog *d)
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

#endif
