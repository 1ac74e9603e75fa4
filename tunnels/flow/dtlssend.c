/*
 * dtlssend.c: a DTLS association's datagrams on their way out.
 *
 *   dgram_put --seal--> [rec][rec]...[rec][short] --> one system call
 *
 * A packet is encrypted from where the tunnel has it into the batch: it is
 * never copied. The batch is of equal datagrams but for the last, as
 * UDP_SEGMENT wants it. What a full socket does not take waits, encrypted as
 * it is; until then the tunnel is told EAGAIN.
 */
#include <errno.h>
#include <string.h>
#include <openssl/err.h>
#include "tunnels/flow/dtlspool.h"
#include "tunnels/flow/dtlssend.h"

enum { ALONE_MAX = 2048 };

size_t dtlssend_overhead(const struct dconn *c)
{
	return c->tx && c->tx->rec.tx ? rec_overhead(&c->tx->rec)
				      : REC_OVERHEAD_MAX;
}

void dtlssend_mtu(struct dconn *c)
{
	atomic_store_explicit(&c->mtu, c->pmtu.size, memory_order_relaxed);
	dgram_set_mtu(&c->d, c->pmtu.size - dtlssend_overhead(c));
}

static void count(struct dconn *c, size_t bytes, size_t packets)
{
	atomic_fetch_add_explicit(&c->tx_bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->tx_packets, packets,
				  memory_order_relaxed);
	c->tx_at = loop_now(c->ctl.loop);
}

static void reset(struct batch *b)
{
	memset(b, 0, offsetof(struct batch, buf));
}

static size_t queued(const struct dconn *c)
{
	return worker_queued(c->w, &c->to);
}

/* EAGAIN: the socket is full, the rest stays. */
static int write_batch(struct dconn *c)
{
	struct batch *b = c->batch;
	const uint64_t now = clock_ns();
	const size_t before = queued(c);
	size_t done;
	int err;

	if (!flowctl_allowed(&c->ctl, now)) {
		reset(b);
		return 0;
	}
	err = worker_write(c->w, &c->to, b->buf + b->start, b->end - b->start,
			   b->seg, &done);
	outq_wrote(&c->outq, before, queued(c), now);
	count(c, done, (done + b->seg - 1) / b->seg);
	c->pmtu.used = true;
	b->start += done;
	if (err == EAGAIN && b->start < b->end)
		return EAGAIN;
	if (err == EMSGSIZE) {
		c->to.no_gso = false;   /* it was the size */
		pmtu_refused(&c->pmtu, b->seg, loop_now(c->ctl.loop));
		dtlssend_mtu(c);
	}
	reset(b);
	return 0;
}

static void room_handler(void *arg)
{
	struct dconn *c = arg;

	if (!c->batch)
		return;
	c->batch->waits = write_batch(c) == EAGAIN;
	if (c->batch->waits)
		worker_wait(c->w, &c->wait, &c->to, room_handler, c);
	else
		dgram_room(&c->d);
}

/* false: what is there waits for the socket. */
static bool flush(struct dconn *c)
{
	struct batch *b = c->batch;

	if (!b || b->start == b->end)
		return true;
	if (b->waits)
		return false;
	b->waits = write_batch(c) == EAGAIN;
	if (b->waits)
		worker_wait(c->w, &c->wait, &c->to, room_handler, c);
	return !b->waits;
}

/* At the end of the turn; an idle connection holds no batch. */
static void turn_handler(void *arg)
{
	struct dconn *c = arg;

	if (flush(c) && c->batch) {
		dpool_batch_back(c->pool, c->batch);
		c->batch = NULL;
	}
}

/* Room for a datagram of n bytes. */
static int reserve(struct dconn *c, size_t n)
{
	struct batch *b = c->batch;

	if (!b) {
		b = c->batch = dpool_batch(c->pool);
		if (!b)
			return ENOMEM;
	}
	if (b->waits)
		return EAGAIN;
	if (b->count && (n > b->seg || b->closed ||
			 b->count == UDP_SEGS_MAX ||
			 b->end + n > UDP_BATCH_MAX) && !flush(c))
		return EAGAIN;
	return 0;
}

static void commit(struct dconn *c, size_t n)
{
	struct batch *b = c->batch;

	if (!b->count)
		b->seg = n;
	b->closed = n < b->seg;
	b->end += n;
	++b->count;
	loop_defer(c->ctl.loop, &c->defer, turn_handler, c);
}

int dtlssend_append(struct dconn *c, const uint8_t *p, size_t n)
{
	int err = n > UDP_BATCH_MAX ? EMSGSIZE : reserve(c, n);

	if (err)
		return err;
	memcpy(c->batch->buf + c->batch->end, p, n);
	commit(c, n);
	return 0;
}

/* By the SSL object, whose BIO comes back to dtlssend_append. */
static int put_by_ssl(struct dconn *c, const void *p, size_t n)
{
	int err = reserve(c, n + REC_OVERHEAD_MAX);

	if (err)
		return err;
	ERR_clear_error();
	return SSL_write(c->tx->ssl, p, (int)n) > 0 ? 0 : ENOTCONN;
}

static int put(struct dgram *d, const void *p, size_t n)
{
	struct dconn *c = (struct dconn *)(void *)d;
	struct dassoc *a = c->tx;
	size_t len;
	int err;

	if (!a)
		return ENOTCONN;
	if (a->ssl)
		return put_by_ssl(c, p, n);
	err = reserve(c, n + rec_overhead(&a->rec));
	if (err)
		return err;
	len = rec_seal(&a->rec, c->batch->buf + c->batch->end, REC_DATA, p,
		       n);
	if (!len)
		return ENOTCONN;
	commit(c, len);
	return 0;
}

static bool is_full(const struct dconn *c)
{
	return outq_full(&c->outq, c->batch ? c->batch->end : 0);
}

static void look_handler(void *arg)
{
	struct dconn *c = arg;

	outq_look(&c->outq, queued(c), clock_ns());
	if (is_full(c))
		(void)timer_start(loop_timers(c->ctl.loop), &c->room,
				  outq_wait(&c->outq), look_handler, c);
	else
		dgram_room(&c->d);
}

static bool full(struct dgram *d)
{
	struct dconn *c = (struct dconn *)(void *)d;

	if (!is_full(c))
		return false;
	if (c->room.heap)
		return true;
	outq_look(&c->outq, queued(c), clock_ns());
	return is_full(c) && !timer_start(loop_timers(c->ctl.loop), &c->room,
					  outq_wait(&c->outq), look_handler,
					  c);
}

const struct dgram_ops dtlssend_ops = { put, full };

int dtlssend_now(struct dconn *c, const uint8_t *p, size_t n)
{
	size_t done;
	int err;

	if (!c->has_path || !flowctl_allowed(&c->ctl, clock_ns()))
		return EAGAIN;
	err = worker_write(c->w, &c->to, p, n, n, &done);
	if (!err)
		count(c, n, 1);
	return err;
}

int dtlssend_record(struct dconn *c, enum rec_type type, const void *p,
		    size_t n)
{
	uint8_t buf[ALONE_MAX];
	size_t len;

	if (!c->tx || n + REC_OVERHEAD_MAX > sizeof buf)
		return EINVAL;
	len = rec_seal(&c->tx->rec, buf, type, p, n);
	return len ? dtlssend_now(c, buf, len) : ENOTCONN;
}

void dtlssend_path(struct dconn *c, int proto, const struct sa *local,
		   const struct sa *remote)
{
	list_unlink(&c->wait.le);
	worker_route(c->w, &c->to, proto, local, remote);
	memset(&c->outq, 0, sizeof c->outq);
	if (c->batch && c->batch->waits)
		room_handler(c);
}

void dtlssend_end(struct dconn *c)
{
	list_unlink(&c->wait.le);
	timer_stop(&c->room);
	worker_unroute(&c->to);
	loop_defer_cancel(c->ctl.loop, &c->defer);
	dpool_batch_back(c->pool, c->batch);
	c->batch = NULL;
}
