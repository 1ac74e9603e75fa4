/*
 * quicconn.c: a QUIC connection on its worker: the handshake, packets in,
 * timers.
 *
 *   WAITING --path (client), first packet (server)--> RUNNING
 *      ^ |                                             |
 *      | +--no packet in time----> OVER <--------------+ quicend.c
 *      +--the first packet was nonsense
 *
 * ngtcp2 is told one constant path: the agent moves the real one underneath,
 * and neither congestion window nor keys notice. Packets are accepted from
 * anywhere, for they are authenticated; they are sent to the agent's address
 * only.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/quicbuf.h"
#include "tunnels/flow/quicconn.h"
#include "tunnels/flow/quicend.h"
#include "tunnels/flow/quicorder.h"
#include "tunnels/flow/quicsend.h"
#include "tunnels/flow/quicsetup.h"
#include "tunnels/flow/quicstream.h"
#include "tunnels/flow/quictls.h"

enum {
	ACK_BULK = 16,                  /* packets */
	ACK_MAX = 256,
};

#define HANDSHAKE_TIME (15 * SEC)
#define STATS_TIME (100 * MSEC)
#define ACK_TIME (250000ULL)            /* ns; see acks_can_wait */
#define ACK_ONE_TIME (5 * MSEC)
#define PROBE_MAX (5 * SEC)
#define STALLED_TIME (50 * MSEC)        /* look again when nothing may go */

static void conn_destructor(void *arg)
{
	struct qconn *c = arg;

	list_unlink(&c->le);
	if (c->pool && list_isempty(&c->pool->connl))
		quicbuf_drop_chunks(c->pool);
	flow_reset(&c->f);
	flowctl_release(&c->ctl);
}

int quicconn_alloc(struct qconn **cp, struct worker *w,
		   const struct quic_conf *conf, orders_h *h)
{
	struct qconn *c = mem_zalloc(sizeof *c, conn_destructor);
	int err;

	if (!c)
		return ENOMEM;
	flowctl_init(&c->ctl, worker_loop(w), worker_reports(w), h, c);
	flow_init(&c->f, &quicstream_ops, worker_loop(w));
	quicstream_init(c);
	c->w = w;
	c->conf = *conf;
	if (!c->conf.keepalive)
		c->conf.keepalive = 5 * SEC;
	if (!c->conf.idle)
		c->conf.idle = 20 * SEC;
	err = quictls_odcid(c->odcid, sizeof c->odcid, conf->seed);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

static void pool_destructor(void *arg)
{
	struct quicpool *pool = arg;
	struct le *le;

	while ((le = list_head(&pool->connl))) {
		struct qconn *c = le->data;

		quicend_down(c);
		quicend_release(c);
		mem_deref(c);
	}
	quicbuf_drop_chunks(pool);
	mem_deref(pool->tls);
}

static struct quicpool *pool_get(struct worker *w)
{
	void **slot = worker_quic(w);
	struct quicpool *pool = *slot;

	if (pool)
		return pool;
	pool = mem_zalloc(sizeof *pool, pool_destructor);
	if (pool && quictls_alloc(&pool->tls))
		pool = mem_deref(pool);
	if (pool)
		quicmem_init(&pool->mem);
	*slot = pool;
	return pool;
}

static void secured(struct qconn *c)
{
	c->is_secured = true;
	timer_stop(&c->deadline);
	/* nothing more to say in TLS: no tickets, no later authentication */
	ngtcp2_conn_set_tls_native_handle(c->conn, NULL);
	if (c->conf.chain)
		quictls_chain(c);
	quictls_end(c);
	ngtcp2_conn_set_keep_alive_timeout(c->conn, c->conf.keepalive);
	flowctl_secured(&c->ctl);
}

static void timer_handler(void *arg)
{
	struct qconn *c = arg;
	const int e = ngtcp2_conn_handle_expiry(c->conn,
						clock_ns() + c->ahead);

	if (e)
		quicend_failed(c, e);
	else
		c->flushh(c);
}

static void update_stats(struct qconn *c, uint64_t now)
{
	uint64_t cwnd, rtt;

	if (now < c->stats_at)
		return;
	c->stats_at = now + STATS_TIME;
	qc_info(c->conn, &cwnd, &rtt);
	atomic_store_explicit(&c->rtt, rtt, memory_order_relaxed);
	atomic_store_explicit(&c->lost, quicstream_lost(c),
			      memory_order_relaxed);
}

/* ngtcp2 asks to be called at once as long as something could be sent: where
 * nothing may be, that must wait. */
static void set_timer(struct qconn *c, uint64_t now, bool stalled)
{
	uint64_t when = ngtcp2_conn_get_expiry(c->conn);

	if (when != UINT64_MAX)
		when = when > c->ahead ? when - c->ahead : 0;
	if (stalled && when < now + STALLED_TIME)
		when = now + STALLED_TIME;
	if (when == UINT64_MAX)
		timer_stop(&c->timer);
	else
		(void)timer_start_at(loop_timers(c->f.loop), &c->timer, when,
				     timer_handler, c);
}

/* Until when, or 0. In a bulk transfer to us nothing but acknowledgements is
 * due after each batch: one for several batches will do, as a network card
 * collects packets before it interrupts. Not at the start, where the peer's
 * window is a few packets and it waits for each.
 *
 * A single packet is most often a question, and the answer to it carries the
 * acknowledgement (RFC 9000, 13.2.1 lets it wait 25 ms). ngtcp2 itself does
 * not wait: it takes the number of a packet that held nothing but an
 * acknowledgement for a lost one, and answers that with another. */
static uint64_t acks_can_wait(const struct qconn *c, uint64_t now)
{
	uint64_t until = 0;

	if (c->rest || !list_isempty(&c->sendl) ||
	    !list_isempty(&c->queuel) || backlog_left(&c->dgrams))
		return 0;
	if (c->rx_new >= ACK_BULK && c->rx_new < ACK_MAX)
		until = c->flushed + ACK_TIME;
	else if (c->rx_new == 1 && c->is_secured)
		until = c->rx_at + ACK_ONE_TIME;
	return now < until ? until : 0;
}

static void flush(void *arg)
{
	struct qconn *c = arg;
	const uint64_t now = clock_ns();
	bool again = false;
	uint64_t until;
	int e = 0;

	if (c->state != CONN_RUNNING)
		return;
	quicstream_turn(c);
	until = acks_can_wait(c, now);
	if (until) {
		(void)timer_start_at(loop_timers(c->f.loop), &c->timer, until,
				     timer_handler, c);
		return;
	}
	if (c->rx_new || !list_isempty(&c->sendl))
		quicorder_hurry(c);
	c->rx_new = 0;
	c->flushed = now;
	if (!quicsend_allowed(c, now)) {
		set_timer(c, now, true);
		return;
	}
	e = quicsend_flush(c, now, &again);
	if (e) {
		quicend_failed(c, e);
		return;
	}
	update_stats(c, now);
	set_timer(c, now, c->rest != NULL);
	if (again)
		quic_kick(c);
}

/* The client's first packet; anything else is dropped. */
static bool accept_first(struct qconn *c, const struct udp_rx *rx)
{
	ngtcp2_pkt_hd hd;

	if (ngtcp2_accept(&hd, rx->buf, rx->len) ||
	    hd.dcid.datalen != sizeof c->odcid ||
	    memcmp(hd.dcid.data, c->odcid, sizeof c->odcid))
		return false;
	c->state = CONN_RUNNING;
	if (!quicsetup_conn(c, &hd))
		return true;
	quicend_restart(c);
	return false;
}

static void running_rx(struct qconn *c, const struct udp_rx *rx)
{
	const ngtcp2_pkt_info pi = { .ecn = 0 };
	int e;

	c->rx_data = false;
	e = ngtcp2_conn_read_pkt(c->conn, quicsetup_path(), &pi, rx->buf,
				 rx->len, rx->now + c->ahead);
	if (e) {
		quicend_failed(c, e);
		return;
	}
	if (c->rx_data && !c->rx_new++)
		c->rx_at = rx->now;
	if (c->agreed && !c->is_secured)
		secured(c);
	quic_kick(c);
}

/* Came before the agent knew where to answer to. */
static void keep_early(struct qconn *c, const struct udp_rx *rx)
{
	struct early *e;

	if (rx->len > sizeof e->buf ||
	    list_count(&c->earlyl) >= QUIC_EARLY_MAX)
		return;
	e = mem_zalloc(sizeof *e, NULL);
	if (!e)
		return;
	memcpy(e->buf, rx->buf, rx->len);
	e->len = rx->len;
	list_append(&c->earlyl, &e->le, e);
}

static void count_rx(struct qconn *c, const struct udp_rx *rx)
{
	atomic_fetch_add_explicit(&c->rx_bytes, rx->len,
				  memory_order_relaxed);
	if (c->has_path && !sa_cmp(&rx->src, &c->to.remote, SA_ALL))
		atomic_fetch_add_explicit(&c->strays, 1,
					  memory_order_relaxed);
}

static void rx_handler(const struct udp_rx *rx, void *arg)
{
	struct qconn *c = arg;

	count_rx(c, rx);
	switch (c->state) {
	case CONN_WAITING:
		if (!c->has_path)
			keep_early(c, rx);
		else if (accept_first(c, rx))
			running_rx(c, rx);
		break;
	case CONN_RUNNING:
		running_rx(c, rx);
		break;
	case CONN_CLOSING:
		quicend_rx(c);
		break;
	case CONN_OVER:
		break;
	}
}

void quicconn_start(struct qconn *c)
{
	c->rxh = rx_handler;
	c->flushh = flush;
	c->pool = pool_get(c->w);
	if (!c->pool) {
		c->state = CONN_OVER;
		flowctl_ended(&c->ctl, FLOW_END_PROTOCOL, 0, "out of memory");
		return;
	}
	list_append(&c->pool->connl, &c->le, c);
	quictls_warm(c->pool->tls, c->conf.identity);
	if (!c->conf.client &&
	    worker_cid_add(c->w, &c->first, c->odcid, sizeof c->odcid,
			   c->rxh, c))
		quicend_silent(c, FLOW_END_PROTOCOL, 0,
			       "two sessions with one seed");
}

static void handshake_timeout(void *arg)
{
	quicend_silent(arg, FLOW_END_HANDSHAKE, 0, "not secured in time");
}

static void first_path(struct qconn *c)
{
	struct udp_rx rx = { .buf = NULL };
	struct le *le;

	(void)timer_start(loop_timers(c->f.loop), &c->deadline,
			  HANDSHAKE_TIME, handshake_timeout, c);
	if (c->conf.client) {
		c->state = CONN_RUNNING;
		if (quicsetup_conn(c, NULL))
			quicend_silent(c, FLOW_END_PROTOCOL, 0,
				       "out of memory");
	}
	while ((le = list_head(&c->earlyl))) {
		struct early *e = le->data;

		list_unlink(le);
		rx.buf = e->buf;
		rx.len = rx.seg = e->len;
		rx.src = c->to.remote;
		rx.now = clock_ns();
		rx_handler(&rx, c);
		mem_deref(e);
	}
}

/* What is in flight was sent the old way and most likely is lost. ngtcp2 has
 * one path and probes when its timer says so, which has doubled with each
 * probe that was lost as well: its time is put forward to that. */
static void probe_now(struct qconn *c)
{
	uint64_t now = clock_ns() + c->ahead, when;

	if (!c->is_secured || !c->in_flight)
		return;
	when = ngtcp2_conn_get_expiry(c->conn);
	if (when == UINT64_MAX || when <= now || when > now + PROBE_MAX)
		return;
	c->ahead += when - now;
	(void)timer_start(loop_timers(c->f.loop), &c->timer, 0,
			  timer_handler, c);
}

void quicconn_path(struct qconn *c, int proto, const struct sa *local,
		   const struct sa *remote)
{
	const bool first = !c->has_path;

	if (c->state == CONN_CLOSING || c->state == CONN_OVER)
		return;
	quicsend_path(c, proto, local, remote);
	if (first)
		first_path(c);
	else if (c->state == CONN_RUNNING)
		probe_now(c);
	quic_kick(c);
}

void quicconn_drop(struct qconn *c)
{
	c->dropped = true;
	if (c->state == CONN_OVER || c->state == CONN_WAITING) {
		quicend_down(c);
		quicend_over(c);
	}
}
