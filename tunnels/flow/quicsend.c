/*
 * quicsend.c: a QUIC connection's packets on their way out.
 *
 *   streams --> ngtcp2 --> [seg][seg]...[seg][short] --> one system call
 *
 * ngtcp2 says how much goes at once (its send quantum) and when the next may
 * follow; the batch must be of equal packets but for the last, as
 * UDP_SEGMENT wants it. What a full socket does not take is kept, encrypted
 * as it is, until it does: a packet number cannot be used twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/flow/quicdgram.h"
#include "tunnels/flow/quicsend.h"
#include "tunnels/flow/quicstream.h"

enum {
	BATCHES = 4,                    /* of one connection in a turn */
	UNPACED_MAX = 10 * QUIC_PAYLOAD_MAX,    /* RFC 9002, 7.7 */
};

#define STALL_MIN (1500 * MSEC)         /* nothing acknowledged for so long */

/* A batch being built in the worker's buffer. */
struct batch {
	uint8_t *buf;
	size_t start;           /* of what has not been sent */
	size_t end;
	size_t seg, count;
};

bool quicsend_allowed(struct qconn *c, uint64_t now)
{
	return c->has_path && flowctl_allowed(&c->ctl, now);
}

static void keep_rest(struct qconn *c, const uint8_t *p, size_t len,
		      size_t seg)
{
	c->rest = malloc(len);
	if (!c->rest)
		return;         /* lost */
	memcpy(c->rest, p, len);
	c->rest_len = len;
	c->rest_seg = seg;
}

/* A packet of the size that the path is known to carry did not even leave:
 * the interface's MTU is smaller. Probes of larger ones go alone. */
static void too_big(struct qconn *c, size_t seg)
{
	if (seg <= ngtcp2_conn_get_path_max_tx_udp_payload_size(c->conn))
		c->small = true;
}

static void room_handler(void *arg)
{
	quic_kick(arg);
}

/* false: the socket is full, and the rest is kept. */
static bool send_range(struct qconn *c, const uint8_t *p, size_t len,
		       size_t seg)
{
	size_t done;
	int err;

	err = worker_write(c->w, &c->to, p, len, seg, &done);
	atomic_fetch_add_explicit(&c->tx_bytes, done, memory_order_relaxed);
	if (err == EMSGSIZE)
		too_big(c, seg);
	if (err != EAGAIN || done >= len)
		return true;
	keep_rest(c, p + done, len - done, seg);
	worker_wait(c->w, &c->wait, &c->to, room_handler, c);
	return false;
}

static bool send_rest(struct qconn *c)
{
	uint8_t *p = c->rest;
	bool all;

	if (!p)
		return true;
	c->rest = NULL;
	all = send_range(c, p, c->rest_len, c->rest_seg);
	free(p);
	return all;
}

static bool send_batch(struct qconn *c, struct batch *b)
{
	const uint8_t *p = b->buf + b->start;
	const size_t len = b->end - b->start;

	b->start = b->end;
	b->count = 0;
	return !len || send_range(c, p, len, b->seg);
}

/* The connection's window is used up: nobody's data may go. */
static bool window_closed(const struct qconn *c)
{
	return !ngtcp2_conn_get_max_data_left(c->conn);
}

/* One packet of whatever is due: acknowledgements, data of as many streams
 * as fit. 0: nothing may go now. */
static ngtcp2_ssize write_packet(struct qconn *c, uint8_t *p, size_t size,
				 uint64_t now)
{
	ngtcp2_pkt_info pi = { .ecn = 0 };      /* of one packet, whole */
	bool closed = false;
	ngtcp2_ssize whole;

	if (!quicdgram_write(c, &pi, p, size, now, &whole))
		return whole;
	for (;;) {
		struct qstream *s = closed ? NULL : quicstream_next(c);
		ngtcp2_vec v[QUICSTREAM_VECS];
		ngtcp2_ssize len = -1, n;
		uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_NONE;
		size_t nv = 0;
		bool fin = false;

		if (s) {
			nv = quicstream_vec(s, v, &fin);
			flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
			if (fin)
				flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
		}
		n = ngtcp2_conn_writev_stream(c->conn, NULL, &pi, p, size,
					      &len, flags,
					      s ? quicstream_id(s) : -1, v,
					      nv, now + c->ahead);
		if (s && len >= 0)
			quicstream_sent(s, (size_t)len, fin);
		switch (n) {
		case NGTCP2_ERR_WRITE_MORE:
			break;
		case NGTCP2_ERR_STREAM_DATA_BLOCKED:
			closed = window_closed(c);
			if (!closed)
				quicstream_block(s);
			break;
		case NGTCP2_ERR_STREAM_SHUT_WR:
		case NGTCP2_ERR_STREAM_NOT_FOUND:
			quicstream_block(s);
			break;
		default:
			return n;
		}
	}
}

/* Add a packet that was written at b->end. false: the socket is full. */
static bool add_packet(struct qconn *c, struct batch *b, size_t n)
{
	if (b->count && n > b->seg && !send_batch(c, b))
		return false;   /* a probe that will be repeated */
	if (!b->count)
		b->seg = n;
	++b->count;
	b->end += n;
	if (n < b->seg || b->count == UDP_SEGS_MAX)
		return send_batch(c, b);
	return true;
}

/* What leaves in a millisecond, as BBR has it: its window is that of two
 * round trips. ngtcp2 0.12 itself says ten packets whatever the rate, and the
 * kernel needs as long for a batch of ten as for half of one of forty-four. */
static size_t send_quantum(const struct qconn *c)
{
	const size_t least = ngtcp2_conn_get_send_quantum(c->conn);
	uint64_t cwnd, rtt, n;

	qc_info(c->conn, &cwnd, &rtt);
	n = rtt > 2 * MSEC ? cwnd / (rtt / (MSEC / 2)) : cwnd / 4;
	if (n > UDP_BATCH_MAX)
		n = UDP_BATCH_MAX;
	return n > least ? (size_t)n : least;
}

/* ngtcp2 counts the bytes by itself and wants to know when they went: from
 * then on it says when the next may. After a few packets with nothing behind
 * them that would be one wake-up more for each, for nothing. */
static void pace(struct qconn *c, size_t n, bool more, uint64_t now)
{
	c->unpaced += n;
	if (!more && c->unpaced < UNPACED_MAX)
		return;
	c->unpaced = 0;
	ngtcp2_conn_update_pkt_tx_time(c->conn, now + c->ahead);
}

/* One send quantum. *more: it was used up. */
static int write_batch(struct qconn *c, uint64_t now, bool *more)
{
	const size_t size = c->small ? QUIC_PAYLOAD_MIN : QUIC_PAYLOAD_MAX;
	struct batch b = { .buf = worker_buf(c->w) };
	size_t quantum = send_quantum(c);

	*more = false;
	if (quantum > UDP_BATCH_MAX - size)
		quantum = UDP_BATCH_MAX - size;
	while (b.end < quantum) {
		ngtcp2_ssize n = write_packet(c, b.buf + b.end, size, now);

		if (n < 0)
			return (int)n;
		if (!n)
			break;
		if (!add_packet(c, &b, (size_t)n))
			return 0;
	}
	*more = b.end >= quantum;
	pace(c, b.end, *more, now);
	if (!send_batch(c, &b))
		*more = false;
	return 0;
}

/* Large packets vanish while small ones arrive where a path's MTU is less
 * than the one before: ngtcp2 does not know that there are paths. */
static void watch_stall(struct qconn *c, uint64_t now)
{
	uint64_t cwnd, rtt;

	if (c->small || !c->in_flight)
		return;
	qc_info(c->conn, &cwnd, &rtt);
	if (now > c->progress + STALL_MIN && now > c->progress + 8 * rtt)
		c->small = true;
}

int quicsend_flush(struct qconn *c, uint64_t now, bool *again)
{
	bool more = true;
	int err = 0;

	*again = false;
	watch_stall(c, now);
	if (!send_rest(c))
		return 0;
	for (unsigned i = 0; i < BATCHES && more && !err; i++) {
		err = write_batch(c, now, &more);
		quicstream_refill(c);
		now = clock_ns();
	}
	*again = more && !err;
	return err;
}

void quicsend_one(struct qconn *c, const uint8_t *pkt, size_t len)
{
	size_t done;

	if (len && quicsend_allowed(c, clock_ns()))
		(void)worker_write(c->w, &c->to, pkt, len, len, &done);
	else
		return;
	atomic_fetch_add_explicit(&c->tx_bytes, done, memory_order_relaxed);
}

void quicsend_path(struct qconn *c, int proto, const struct sa *local,
		   const struct sa *remote)
{
	list_unlink(&c->wait.le);       /* the new way may have room */
	worker_route(c->w, &c->to, proto, local, remote);
	c->small = false;
	c->has_path = true;
	c->progress = clock_ns();
}

void quicsend_end(struct qconn *c)
{
	free(c->rest);
	c->rest = NULL;
	quicdgram_end(c);
	list_unlink(&c->wait.le);
}
