/*
 * dtlsrx.c: whose a DTLS datagram is.
 *
 *   epoch 0: by the tag in its sequence number, from a known address
 *   epoch 1: by its source; of several sessions there, whose key opens it,
 *            the one that spoke last being tried first
 *
 * A first ClientHello that is faster than the agents is kept until its
 * session has a path, and then must have come from there.
 */
#include <string.h>
#include "tunnels/flow/dtlsassoc.h"
#include "tunnels/flow/dtlsend.h"
#include "tunnels/flow/dtlsin.h"
#include "tunnels/flow/dtlspool.h"
#include "tunnels/flow/dtlsrx.h"

enum { SEQ = 5 };                       /* of a record's header */

static uint32_t get_tag(const uint8_t *rec)
{
	uint32_t tag;

	memcpy(&tag, rec + SEQ, sizeof tag);
	return ntohl(tag);
}

/* SSL counts records from 0. */
static void strip_tags(uint8_t *p, size_t n)
{
	size_t len;

	for (; (len = rec_length(p, n)) && rec_epoch(p) == 0;
	     p += len, n -= len)
		memset(p + SEQ, 0, 4);
}

static void keep_early(struct dconn *c, const uint8_t *p, size_t n,
		       const struct sa *src)
{
	if (c->conf.client || c->early || n > DTLS_EARLY_MAX)
		return;
	c->early = mem_alloc(n, NULL);
	if (!c->early)
		return;
	memcpy(c->early, p, n);
	c->early_len = n;
	sa_cpy(&c->early_src, src);
}

/* A peer without tags is the one that is waited for. */
static struct dconn *waiting_at(const struct dpool *pool,
				const struct sa *src)
{
	struct le *le = dpool_addr_first(pool, src);

	for (; le; le = le->next) {
		const struct daddr *a = le->data;

		if (!sa_cmp(&a->sa, src, SA_ALL) || a->c->tagged)
			continue;
		if (!a->c->is_secured || !a->c->conf.client)
			return a->c;
	}
	return NULL;
}

static void handshake_rx(struct dpool *pool, const struct udp_rx *rx,
			 struct rxbatch *b)
{
	uint8_t *p = (uint8_t *)(uintptr_t)rx->buf;
	const uint32_t tag = get_tag(p);
	struct dconn *c;

	c = tag ? dpool_tag_find(pool, tag & ~(uint32_t)DTLS_TAG_MASK,
				 &rx->src)
		: waiting_at(pool, &rx->src);
	if (!c)
		return;
	strip_tags(p, rx->len);
	c->tagged = tag != 0;
	(void)mem_ref(c);
	if (c->has_path)
		dtlsin_handshake(c, tag & DTLS_TAG_MASK, p, rx->len, b,
				 rx->now);
	else
		keep_early(c, p, rx->len, &rx->src);
	mem_deref(c);
}

/* Nobody's keys: perhaps a flight whose start took another way. */
static void unopened(struct dconn *c, uint8_t *p, size_t n)
{
	if (c->next && p[0] == REC_HANDSHAKE)
		dtlsassoc_feed(c->next, p, n);
	else
		atomic_fetch_add_explicit(&c->bad, 1, memory_order_relaxed);
}

static void data_rx(struct dpool *pool, const struct udp_rx *rx,
		    struct rxbatch *b)
{
	uint8_t *p = (uint8_t *)(uintptr_t)rx->buf;
	struct le *le = dpool_addr_first(pool, &rx->src), *next;
	struct dconn *first = NULL;

	for (; le; le = next) {
		struct daddr *a = le->data;
		struct dconn *c = mem_ref(a->c);
		bool mine = false;

		next = le->next;
		if (sa_cmp(&a->sa, &rx->src, SA_ALL)) {
			mine = dtlsin_data(c, p, rx->len, b, rx->now);
			if (!first)
				first = c;
		}
		if (mine) {
			atomic_fetch_add_explicit(&c->rx_bytes, rx->len,
						  memory_order_relaxed);
			atomic_fetch_add_explicit(&c->rx_packets, 1,
						  memory_order_relaxed);
			dpool_addr_front(a);
		}
		mem_deref(c);
		if (mine)
			return;
	}
	if (first)
		unopened(first, p, rx->len);
}

/* Datagrams of one source, all of them 20..63 in front. Their packets go on
 * together with those of the next, or a kernel without GRO would have each
 * handed on alone. */
static void rx_handler(const struct udp_rx *run, void *arg)
{
	struct dpool *pool = arg;
	struct udp_rx rx;
	size_t left;

	if (!run) {
		rxbatch_flush(pool->rx);
		return;
	}
	rx = *run;
	left = run->len;
	for (; left; rx.buf += rx.len, left -= rx.len) {
		rx.len = left < run->seg ? left : run->seg;
		if (!rec_length(rx.buf, rx.len))
			continue;
		if (rec_epoch(rx.buf) == 0)
			handshake_rx(pool, &rx, pool->rx);
		else
			data_rx(pool, &rx, pool->rx);
	}
}

static void close_handler(struct dconn *c)
{
	c->dropped = true;
	dtlsend_over(c);
}

struct dpool *dtlsrx_open(struct worker *w)
{
	struct dpool *p = dpool_get(w, close_handler);

	if (p && !p->rx)
		p->rx = mem_zalloc(sizeof *p->rx, NULL);
	if (!p || !p->rx)
		return NULL;
	worker_dtls_handler(w, rx_handler, p);
	return p;
}
