/*
 * client.h: a registrar in this process and scripted SIP clients around it,
 * for one test file each. Clients write whole messages and look at what comes
 * back; nothing of the code under test is used for that but digest.
 */
#ifndef DIALTONE_TEST_REGISTRAR_CLIENT_H
#define DIALTONE_TEST_REGISTRAR_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "tests/unit/steady.h"
#include "sdp/base/clock.h"
#include "sipd/sip/digest.h"
#include "sipd/registrar/registrar.h"
#include "sipd/sip/quota.h"

enum { QUEUE = 16, WAIT = 30000 /* ms */ };

struct house {
	struct timers *timers;
	struct registrar *r;
	struct quota *quota;
	struct sa udp, tcp;
	char users[64];
};

struct client {
	struct house *h;
	const char *user;
	const char *password;
	bool stream;
	struct udp_sock *us;
	struct tcp_conn *tc;
	struct mbuf *mb;                /* of the stream */
	struct sa laddr;
	struct sip_msg *queuev[QUEUE];  /* received */
	unsigned queued;
	bool closed;
	unsigned raw;                   /* datagrams that are no SIP */
	unsigned pongs;
	unsigned seq;                   /* makes Call-IDs and branches */
	struct digest_client digest;
};

static inline void house_users(struct house *h, const char *text)
{
	FILE *f = fopen(h->users, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static inline void house_listen(struct house *h)
{
	char *s = NULL;
	struct pl udp, tcp;

	CU_ASSERT_EQUAL_FATAL(re_sdprintf(&s, "%H", registrar_status, h->r),
			      0);
	CU_ASSERT_EQUAL_FATAL(re_regex(s, strlen(s), "udp:127.0.0.1:[0-9]+",
				       &udp), 0);
	CU_ASSERT_EQUAL_FATAL(re_regex(s, strlen(s), "tcp:127.0.0.1:[0-9]+",
				       &tcp), 0);
	sa_set_str(&h->udp, "127.0.0.1", (uint16_t)pl_u32(&udp));
	sa_set_str(&h->tcp, "127.0.0.1", (uint16_t)pl_u32(&tcp));
	mem_deref(s);
}

static inline void house_open(struct house *h, const char *domain, bool stun,
			      uint32_t expires_max)
{
	struct registrar_conf conf = {
		.listen = "udp:127.0.0.1:0, tcp:127.0.0.1:0",
		.domain = domain, .users_file = h->users, .stun = stun,
		.expires_max = expires_max,
	};
	char why[256];

	memset(h, 0, sizeof *h);
	close(unit_file(h->users, sizeof h->users));
	house_users(h, "# users\nalice:secret\nbob:hush\ncarol:pst\n");
	steady_begin();
	CU_ASSERT_EQUAL_FATAL(timers_alloc(&h->timers), 0);
	CU_ASSERT_EQUAL_FATAL(timers_attach(h->timers), 0);
	CU_ASSERT_EQUAL_FATAL(quota_alloc(&h->quota, 0, NULL, NULL), 0);
	conf.quota = h->quota;
	CU_ASSERT_EQUAL_FATAL(registrar_alloc(&h->r, h->timers, &conf, why,
					      sizeof why), 0);
	house_listen(h);
}

static inline void house_close(struct house *h)
{
	h->r = mem_deref(h->r);
	h->quota = mem_deref(h->quota);
	h->timers = mem_deref(h->timers);
	unlink(h->users);
}

static inline void client_queue(struct client *cl, struct sip_msg *msg)
{
	if (cl->queued < QUEUE)
		cl->queuev[cl->queued++] = msg;
	else
		mem_deref(msg);
	re_cancel();
}

static inline void client_udp_handler(const struct sa *src, struct mbuf *mb,
				      void *arg)
{
	struct client *cl = arg;
	struct sip_msg *msg = NULL;
	(void)src;

	if (sip_msg_decode(&msg, mb)) {
		++cl->raw;
		re_cancel();
		return;
	}
	client_queue(cl, msg);
}

static inline bool client_take(struct client *cl)
{
	struct sip_msg *msg = NULL;
	struct mbuf *mb;
	size_t n;

	if (mbuf_get_left(cl->mb) >= 2 &&
	    !memcmp(mbuf_buf(cl->mb), "\r\n", 2)) {
		cl->mb->pos += 2;
		++cl->pongs;
		re_cancel();
		return true;
	}
	mb = mbuf_alloc(mbuf_get_left(cl->mb) + 1);
	mbuf_write_mem(mb, mbuf_buf(cl->mb), mbuf_get_left(cl->mb));
	mb->pos = 0;
	if (sip_msg_decode(&msg, mb)) {
		mem_deref(mb);
		return false;
	}
	n = pl_u32(&msg->clen);
	if (mbuf_get_left(mb) < n) {
		mem_deref(msg);
		mem_deref(mb);
		return false;
	}
	mb->end = mb->pos + n;
	cl->mb->pos += mb->end;
	client_queue(cl, msg);
	mem_deref(mb);
	return true;
}

static inline void client_tcp_handler(struct mbuf *mb, void *arg)
{
	struct client *cl = arg;
	const size_t pos = cl->mb->pos;

	cl->mb->pos = cl->mb->end;
	mbuf_write_mem(cl->mb, mbuf_buf(mb), mbuf_get_left(mb));
	cl->mb->pos = pos;
	while (mbuf_get_left(cl->mb) && client_take(cl))
		;
}

static inline void client_estab_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static inline void client_close_handler(int err, void *arg)
{
	struct client *cl = arg;
	(void)err;

	cl->closed = true;
	re_cancel();
}

static inline void client_timeout_handler(void *arg)
{
	bool *late = arg;

	*late = true;
	re_cancel();
}

/* Run the loop until something happens; false after ms. */
static inline bool client_run(uint64_t ms)
{
	bool late = false;
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, ms, client_timeout_handler, &late);
	re_main(NULL);
	tmr_cancel(&tmr);
	return !late;
}

static inline void client_open(struct client *cl, struct house *h,
			       const char *user, const char *password,
			       bool stream)
{
	memset(cl, 0, sizeof *cl);
	cl->h = h;
	cl->user = user;
	cl->password = password;
	cl->stream = stream;
	sa_set_str(&cl->laddr, "127.0.0.1", 0);
	if (!stream) {
		CU_ASSERT_EQUAL_FATAL(udp_listen(&cl->us, &cl->laddr,
						 client_udp_handler, cl), 0);
		udp_rxsz_set(cl->us, 65536);
		udp_local_get(cl->us, &cl->laddr);
		return;
	}
	cl->mb = mbuf_alloc(1024);
	CU_ASSERT_EQUAL_FATAL(tcp_connect(&cl->tc, &h->tcp,
					  client_estab_handler,
					  client_tcp_handler,
					  client_close_handler, cl), 0);
	CU_ASSERT(client_run(WAIT));
	tcp_conn_local_get(cl->tc, &cl->laddr);
}

static inline void client_close(struct client *cl)
{
	for (unsigned i = 0; i < cl->queued; i++)
		mem_deref(cl->queuev[i]);
	mem_deref(cl->us);
	mem_deref(cl->tc);
	mem_deref(cl->mb);
	cl->us = NULL;
	cl->tc = NULL;
	cl->mb = NULL;
	cl->queued = 0;
}

static inline void client_write(struct client *cl, const char *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n);

	mbuf_write_mem(mb, (const uint8_t *)p, n);
	mb->pos = 0;
	CU_ASSERT_EQUAL(cl->stream ? tcp_send(cl->tc, mb) :
			udp_send(cl->us, &cl->h->udp, mb), 0);
	mem_deref(mb);
}

static inline void client_send(struct client *cl, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	CU_ASSERT_EQUAL_FATAL(re_vsdprintf(&s, fmt, ap), 0);
	va_end(ap);
	client_write(cl, s, strlen(s));
	mem_deref(s);
}

/* The next message, or NULL after WAIT ms; mem_deref it. */
static inline struct sip_msg *client_recv(struct client *cl)
{
	const uint64_t end = tmr_jiffies() + WAIT;
	struct sip_msg *msg;

	while (!cl->queued && tmr_jiffies() < end)
		client_run(end - tmr_jiffies());
	if (!cl->queued)
		return NULL;
	msg = cl->queuev[0];
	memmove(cl->queuev, cl->queuev + 1,
		--cl->queued * sizeof *cl->queuev);
	return msg;
}

/* Nothing comes within ms. */
static inline bool client_quiet(struct client *cl, uint64_t ms)
{
	const uint64_t end = tmr_jiffies() + ms;

	while (!cl->queued && tmr_jiffies() < end)
		client_run(end - tmr_jiffies());
	return !cl->queued;
}

/* The next message is a response of that code; returns it or NULL. */
static inline struct sip_msg *client_response(struct client *cl,
					      uint16_t scode)
{
	struct sip_msg *msg = client_recv(cl);

	if (msg && !msg->req && msg->scode == scode)
		return msg;
	printf("%s: expected %u, got %u\n", cl->user, scode,
	       msg ? msg->req ? 1 : msg->scode : 0);
	CU_FAIL("not that response");
	return mem_deref(msg);
}

static inline void client_expect(struct client *cl, uint16_t scode)
{
	mem_deref(client_response(cl, scode));
}

static inline struct sip_msg *client_request(struct client *cl,
					     const char *met)
{
	struct sip_msg *msg = client_recv(cl);

	if (msg && msg->req && !pl_strcmp(&msg->met, met))
		return msg;
	printf("%s: expected %s, got %u\n", cl->user, met,
	       msg ? msg->req ? 1 : msg->scode : 0);
	CU_FAIL("not that request");
	return mem_deref(msg);
}

static inline const char *client_tp(const struct client *cl)
{
	return cl->stream ? "TCP" : "UDP";
}

/* One REGISTER; contact: the Contact header's lines with Expires etc. */
static inline void client_register(struct client *cl, const char *domain,
				   const char *lines)
{
	struct mbuf *mb = mbuf_alloc(512);
	char uri[128];

	++cl->seq;
	re_snprintf(uri, sizeof uri, "sip:%s", domain);
	digest_client_encode(mb, &cl->digest, cl->user, cl->password,
			     "REGISTER", uri);
	client_send(cl, "REGISTER %s SIP/2.0\r\n"
		    "Via: SIP/2.0/%s %J;branch=z9hG4bK%s%u;rport\r\n"
		    "From: <sip:%s@%s>;tag=f\r\nTo: <sip:%s@%s>\r\n"
		    "Call-ID: reg-%s-%J\r\nCSeq: %u REGISTER\r\n"
		    "Max-Forwards: 70\r\n%s%b"
		    "Content-Length: 0\r\n\r\n", uri, client_tp(cl),
		    &cl->laddr, cl->user, cl->seq, cl->user, domain,
		    cl->user, domain, cl->user, &cl->laddr, cl->seq, lines,
		    mb->buf, mb->end);
	mem_deref(mb);
}

/* Register for good: 401, then 200. */
static inline void client_online(struct client *cl, const char *domain)
{
	char lines[256];
	struct sip_msg *msg;

	re_snprintf(lines, sizeof lines, "Contact: <sip:%s@%J%s>\r\n",
		    cl->user, &cl->laddr,
		    cl->stream ? ";transport=tcp" : "");
	client_register(cl, domain, lines);
	msg = client_response(cl, 401);
	if (!msg)
		return;
	CU_ASSERT_EQUAL(digest_client_response(&cl->digest, msg), 0);
	mem_deref(msg);
	client_register(cl, domain, lines);
	client_expect(cl, 200);
}

struct call {
	const char *id;         /* Call-ID and tag */
	const char *from;       /* "sip:alice@example.org" */
	const char *uri;        /* Request-URI and To */
	const char *lines;      /* more header lines, or NULL */
	const char *body;
};

/* A request outside a dialog. The branch is id, method and n: the same n is a
 * retransmission. */
static inline void client_call(struct client *cl, const char *met,
			       const struct call *call, unsigned n)
{
	struct mbuf *mb = mbuf_alloc(512);

	digest_client_encode(mb, &cl->digest, cl->user, cl->password, met,
			     call->uri);
	client_send(cl, "%s %s SIP/2.0\r\n"
		    "Via: SIP/2.0/%s %J;branch=z9hG4bK%s%u;rport\r\n"
		    "From: <%s>;tag=%s\r\nTo: <%s>\r\nCall-ID: %s\r\n"
		    "CSeq: %u %s\r\nMax-Forwards: 70\r\n"
		    "Contact: <sip:%s@%J%s>\r\n%s%b"
		    "Content-Type: text/plain\r\n"
		    "Content-Length: %zu\r\n\r\n%s", met, call->uri,
		    client_tp(cl), &cl->laddr, call->id, n, call->from,
		    call->id, call->uri, call->id, n, met, cl->user,
		    &cl->laddr, cl->stream ? ";transport=tcp" : "",
		    call->lines ? call->lines : "", mb->buf, mb->end,
		    str_len(call->body), call->body ? call->body : "");
	mem_deref(mb);
}

/* The challenged one again, with credentials. */
static inline void client_authorize(struct client *cl)
{
	struct sip_msg *msg = client_response(cl, 407);

	if (msg)
		CU_ASSERT_EQUAL(digest_client_response(&cl->digest, msg), 0);
	mem_deref(msg);
}

static inline bool client_vias_handler(const struct sip_hdr *hdr,
				       const struct sip_msg *msg, void *arg)
{
	(void)msg;
	mbuf_printf(arg, "%r: %r\r\n", &hdr->name, &hdr->val);
	return false;
}

/* Answer a request as its callee: tag and Contact are the client's. */
static inline void client_answer(struct client *cl, const struct sip_msg *req,
				 uint16_t scode, const char *lines,
				 const char *body)
{
	struct mbuf *mb = mbuf_alloc(512);

	sip_msg_hdr_apply(req, true, SIP_HDR_VIA, client_vias_handler, mb);
	for (struct le *le = req->hdrl.head; le; le = le->next) {
		const struct sip_hdr *hdr = le->data;

		if (hdr->id == SIP_HDR_RECORD_ROUTE)
			mbuf_printf(mb, "%r: %r\r\n", &hdr->name, &hdr->val);
	}
	client_send(cl, "SIP/2.0 %u Answer\r\n%bFrom: %r\r\nTo: %r%s%s\r\n"
		    "Call-ID: %r\r\nCSeq: %u %r\r\n"
		    "Contact: <sip:%s@%J%s>\r\n%s"
		    "Content-Length: %zu\r\n\r\n%s", scode, mb->buf, mb->end,
		    &req->from.val, &req->to.val,
		    pl_isset(&req->to.tag) || scode == 100 ? "" : ";tag=",
		    pl_isset(&req->to.tag) || scode == 100 ? "" : cl->user,
		    &req->callid, req->cseq.num, &req->cseq.met, cl->user,
		    &cl->laddr, cl->stream ? ";transport=tcp" : "",
		    lines ? lines : "", str_len(body), body ? body : "");
	mem_deref(mb);
}

/* The Record-Routes of a message as a Route header, upside down for the
 * caller. */
static inline char *client_routes(const struct sip_msg *msg, bool caller)
{
	struct mbuf *mb = mbuf_alloc(512);
	char *s = NULL;
	struct le *le = caller ? msg->hdrl.tail : msg->hdrl.head;

	for (; le; le = caller ? le->prev : le->next) {
		const struct sip_hdr *hdr = le->data;

		if (hdr->id == SIP_HDR_RECORD_ROUTE)
			mbuf_printf(mb, "Route: %r\r\n", &hdr->val);
	}
	re_sdprintf(&s, "%b", mb->buf, mb->end);
	mem_deref(mb);
	return s;
}

/* A request within a dialog: uri is the peer's Contact. from and to are
 * complete values with tags. */
static inline void client_within(struct client *cl, const char *met,
				 const char *id, unsigned n, const char *uri,
				 const char *from, const char *to,
				 const char *routes)
{
	client_send(cl, "%s %s SIP/2.0\r\n"
		    "Via: SIP/2.0/%s %J;branch=z9hG4bKin%s%s%u;rport\r\n"
		    "%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n", met, uri,
		    client_tp(cl), &cl->laddr, cl->user, met, n, routes, from,
		    to, id, n, met);
}

#endif
