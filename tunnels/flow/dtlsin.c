/*
 * dtlsin.c: datagrams that came for a DTLS association.
 *
 *   epoch 0  -> the handshake under way, or a new one (dtlsassoc.c)
 *   epoch 1  -> opened in place by cur, then by old
 *                 application data  -> the tunnel, 64 at a time
 *                 heartbeat         -> answered, or an answer
 *                 alert             -> the end
 *                 handshake         -> our last flight did not arrive
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/dtlsassoc.h"
#include "tunnels/flow/dtlsend.h"
#include "tunnels/flow/dtlsin.h"
#include "tunnels/flow/dtlspool.h"
#include "tunnels/flow/dtlssend.h"

enum {
	CLIENT_HELLO = 1,
	TEXT_MAX = 16384,               /* RFC 5246, 6.2.1 */
};

#define OLD_TIME (5 * SEC)

void rxbatch_flush(struct rxbatch *b)
{
	struct dconn *c = b->c;
	const size_t n = b->n;

	b->n = 0;
	b->c = NULL;
	if (n && c->state == DCONN_RUNNING)
		dgram_rx(&c->d, b->v, n);
	mem_deref(c);
}

static void deliver(struct dconn *c, struct rxbatch *b, uint8_t *p, size_t n)
{
	if (b->n && (b->c != c || b->n == DGRAM_BATCH))
		rxbatch_flush(b);
	if (!b->n)
		b->c = mem_ref(c);
	b->v[b->n].iov_base = p;
	b->v[b->n].iov_len = n;
	++b->n;
}

/* RFC 6520, 4: the answer repeats the payload, not the padding. */
static void heartbeat(struct dconn *c, const uint8_t *p, size_t n,
		      uint64_t now)
{
	uint8_t buf[HEARTBEAT_HEAD + HEARTBEAT_BODY + HEARTBEAT_PAD] = {
		HEARTBEAT_RESPONSE, 0, HEARTBEAT_BODY
	};
	const size_t min = HEARTBEAT_HEAD + HEARTBEAT_BODY + HEARTBEAT_PAD;

	/* 4: what is shorter than it says is dropped */
	if (n < min || p[1] || p[2] != HEARTBEAT_BODY)
		return;
	if (p[0] == HEARTBEAT_REQUEST) {
		memcpy(buf + HEARTBEAT_HEAD, p + HEARTBEAT_HEAD,
		       HEARTBEAT_BODY);
		(void)dtlssend_record(c, REC_HEARTBEAT, buf, sizeof buf);
	}
	else if (p[0] == HEARTBEAT_RESPONSE) {
		pmtu_answer(&c->pmtu, (size_t)p[HEARTBEAT_HEAD] << 8 |
			    p[HEARTBEAT_HEAD + 1], now);
		dtlssend_mtu(c);
	}
}

/* The server answers by what the client is known to have. */
static void heard(struct dassoc *a, uint64_t now)
{
	struct dconn *c = a->c;

	c->rx_at = now;
	if (a != c->cur || a->heard)
		return;
	a->heard = true;
	c->tx = a;
	c->old_until = now + OLD_TIME;
}

static void record(struct dassoc *a, unsigned type, uint8_t *p, size_t n,
		   struct rxbatch *b, uint64_t now)
{
	struct dconn *c = a->c;

	switch (type) {
	case REC_DATA:
		if (n)
			deliver(c, b, p, n);
		break;
	case REC_HEARTBEAT:
		if (c->heartbeat && c->state == DCONN_RUNNING)
			heartbeat(c, p, n, now);
		break;
	case REC_ALERT:
		rxbatch_flush(b);
		if (n == 2)
			dtlsend_alert(c, p[0], p[1]);
		break;
	case REC_HANDSHAKE:
		dtlsassoc_again(a, now);
		break;
	default:
		break;
	}
}

/* The record at p by the keys of a; 0, or rec_open's error. */
static int open_by(struct dassoc *a, uint8_t *p, size_t len,
		   struct rxbatch *b, uint64_t now)
{
	uint8_t *text;
	size_t n;
	int err;

	if (!a || a->ssl)
		return EBADMSG;
	err = rec_open(&a->rec, p, len, &text, &n);
	if (err)
		return err;
	heard(a, now);
	record(a, p[0], text, n, b, now);
	return 0;
}

static bool data_by_ssl(struct dconn *c, const uint8_t *p, size_t n,
			struct rxbatch *b, uint64_t now)
{
	uint8_t *text = c->pool->text + DGRAM_ROOM;
	bool closed = false, any = false;
	size_t len;

	rxbatch_flush(b);
	while (c->state == DCONN_RUNNING &&
	       (len = dtlsassoc_read(c->cur, any ? NULL : p, n, text,
				     TEXT_MAX, &closed))) {
		any = true;
		c->rx_at = now;
		deliver(c, b, text, len);
		rxbatch_flush(b);
	}
	if (closed && c->state == DCONN_RUNNING)
		dtlsend_silent(c, FLOW_END_CLOSED, 0, "");
	return any || closed;
}

bool dtlsin_data(struct dconn *c, uint8_t *p, size_t n, struct rxbatch *b,
		 uint64_t now)
{
	bool any = false;
	size_t len;

	if (c->cur && c->cur->ssl)
		return data_by_ssl(c, p, n, b, now);
	for (; (len = rec_length(p, n)) && c->cur; p += len, n -= len) {
		if (open_by(c->cur, p, len, b, now) &&
		    open_by(c->old, p, len, b, now))
			break;
		any = true;
	}
	return any;
}

/* May this begin a handshake? The client alone begins one. */
static bool begins(const struct dconn *c, unsigned gen, const uint8_t *p,
		   size_t n)
{
	return !c->conf.client && c->state == DCONN_RUNNING && c->has_path &&
	       n > REC_HEADER && p[0] == REC_HANDSHAKE &&
	       p[REC_HEADER] == CLIENT_HELLO &&
	       (!c->cur || (c->cur->gen != gen && !c->cur->ssl)) &&
	       (!c->next || c->next->gen != gen);
}

/* What follows the records of epoch 0. */
static void protected_rest(struct dconn *c, uint8_t *p, size_t n,
			   struct rxbatch *b, uint64_t now)
{
	size_t len;

	while ((len = rec_length(p, n)) && rec_epoch(p) == 0) {
		p += len;
		n -= len;
	}
	if (n)
		(void)dtlsin_data(c, p, n, b, now);
}

void dtlsin_handshake(struct dconn *c, unsigned gen, uint8_t *p, size_t n,
		      struct rxbatch *b, uint64_t now)
{
	if (begins(c, gen, p, n)) {
		c->next = mem_deref(c->next);
		if (dtlsassoc_begin(c, gen))
			return;
	}
	if (c->next && c->next->gen == gen)
		dtlsassoc_feed(c->next, p, n);
	else if (c->cur && c->cur->gen == gen)
		protected_rest(c, p, n, b, now);
}
