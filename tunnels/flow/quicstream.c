/*
 * quicstream.c: the streams of a QUIC connection.
 *
 * What a tunnel writes waits in a quicbuf until it is acknowledged; what the
 * peer sends goes from ngtcp2's packet to readh without a copy. Whose turn it
 * is to send: quicorder.c.
 *
 * Two references keep a stream: flow.c's, until the tunnel is done with it,
 * and that of allstreaml, until ngtcp2 is.
 */
#include <errno.h>
#include "tunnels/flow/quicdgram.h"
#include "tunnels/flow/quicorder.h"
#include "tunnels/flow/quicstream.h"

enum {
	STREAM_MIN = 1 << 20,           /* bytes a stream may have unacked */
	STREAM_MAX = 64 << 20,
	SHARE_MIN = 64 << 10,           /* when the connection has too many */
	BUDGET_MIN = 8 << 20,
	BUDGET_MAX = 128 << 20,
	AHEAD_MIN = 256 << 10,          /* not sent yet: still in the cache */
	AHEAD_MAX = 512 << 10,
	LOST_SCAN = 64,                 /* more streams are not counted live */
};

static struct qstream *qstream(struct stream *s)
{
	return (struct qstream *)(void *)s;
}

static void qstream_destructor(void *arg)
{
	struct qstream *q = arg;

	if (!q->c)
		return;
	stream_close(&q->s);
	list_unlink(&q->all);
	list_unlink(&q->send);
	list_unlink(&q->want);
	quicbuf_end(&q->buf, q->c->pool);
	q->c->unacked -= q->buf.written - q->buf.acked;
	q->c->in_flight -= q->buf.sent - q->buf.acked;
}

static int qstream_alloc(struct qstream **qp, struct qconn *c, int64_t id)
{
	struct qstream *q = mem_zalloc(sizeof *q, qstream_destructor);
	int err;

	if (!q)
		return ENOMEM;
	err = stream_init(&q->s, &c->f, id >= 0);
	if (err) {
		mem_deref(q);
		return err;
	}
	q->c = c;
	q->id = id;
	list_append(&c->allstreaml, &q->all, mem_ref(q));
	*qp = q;
	return 0;
}

static uint64_t unsent(const struct qstream *q)
{
	return q->buf.written - q->buf.sent;
}

static uint64_t rest_of(uint64_t max, uint64_t used)
{
	return used < max ? max - used : 0;
}

/* Unsent bytes of a stream at which its writer is woken. */
static uint64_t ahead_low(const struct qconn *c)
{
	return c->ahead_max / 2;
}

/* Bytes that may be added to q's buffer. What is written long before it is
 * sent has left the processor's cache by then: to bring it back costs a
 * tenth of all that a sender does. */
static uint64_t room_of(const struct qstream *q, uint64_t *max)
{
	const uint64_t ahead = rest_of(q->c->ahead_max, unsent(q));
	uint64_t room;

	*max = q->c->unacked < q->c->budget &&
		quicmem_room(&q->c->pool->mem) ? q->c->stream_max : SHARE_MIN;
	room = rest_of(*max, q->buf.written - q->buf.acked);
	return room < ahead ? room : ahead;
}

static int op_open(struct stream **sp, struct flow *f)
{
	struct qconn *c = (struct qconn *)(void *)f;
	struct qstream *q;
	int err = qstream_alloc(&q, c, -1);

	if (err)
		return err;
	list_append(&c->queuel, &q->send, q);
	quic_kick(c);
	*sp = &q->s;
	return 0;
}

static size_t op_reserve(struct stream *s, uint8_t **pp, size_t min)
{
	struct qstream *q = qstream(s);
	uint64_t max, room = room_of(q, &max);
	size_t n = 0;

	if (room >= min) {
		n = quicbuf_reserve(&q->buf, q->c->pool, pp, min);
		if (!n)
			q->c->room = true;      /* no memory: ask again */
	}
	if (!n && !q->want.list)
		list_append(&q->c->wantl, &q->want, q);
	return n < room ? n : room;
}

static void op_commit(struct stream *s, size_t n)
{
	struct qstream *q = qstream(s);

	q->c->unacked -= q->buf.written;
	quicbuf_commit(&q->buf, n);
	q->c->unacked += q->buf.written;
	quicorder_ready(q);
}

static void op_fin(struct stream *s)
{
	quicorder_ready(qstream(s));
}

static void op_consumed(struct stream *s, size_t n)
{
	struct qstream *q = qstream(s);

	if (!q->c->conn || q->id < 0)
		return;
	/* the stream's fails only if it is gone: nothing to extend then */
	(void)ngtcp2_conn_extend_max_stream_offset(q->c->conn, q->id, n);
	ngtcp2_conn_extend_max_offset(q->c->conn, n);
	quic_kick(q->c);
}

static void op_reset(struct stream *s, uint64_t code)
{
	struct qstream *q = qstream(s);

	list_unlink(&q->send);
	list_unlink(&q->want);
	q->blocked = true;
	if (q->id < 0)
		mem_deref(q);
	else if (q->c->conn)
		(void)qc_shutdown_stream(q->c->conn, q->id, code);
	quic_kick(q->c);
}

static uint64_t op_unacked(const struct stream *s)
{
	const struct qstream *q = (const struct qstream *)(const void *)s;

	return q->buf.written - q->buf.acked;
}

static void op_priority(struct stream *s, int prio)
{
	struct qstream *q = qstream(s);

	q->prio = prio;
	quicorder_again(q);
}

const struct flow_ops quicstream_ops = {
	.open = op_open,
	.reserve = op_reserve,
	.commit = op_commit,
	.fin = op_fin,
	.consumed = op_consumed,
	.reset = op_reset,
	.unacked = op_unacked,
	.priority = op_priority,
	.datagram = quicdgram_put,
};

/* The peer has opened one; refused if too many are nobody's yet. */
static int open_cb(ngtcp2_conn *conn, int64_t id, void *arg)
{
	struct qstream *q;

	if (qstream_alloc(&q, arg, id))
		(void)qc_shutdown_stream(conn, id, STREAM_CODE_TUNNEL);
	else
		(void)ngtcp2_conn_set_stream_user_data(conn, id, q);
	return 0;
}

static int recv_cb(ngtcp2_conn *conn, uint32_t flags, int64_t id,
		   uint64_t offset, const uint8_t *p, size_t n, void *arg,
		   void *stream_arg)
{
	struct qstream *q = stream_arg;
	struct qconn *c = arg;
	(void)offset;

	c->rx_data = true;
	if (!q || q->s.phase == STREAM_GONE) {
		(void)ngtcp2_conn_extend_max_stream_offset(conn, id, n);
		ngtcp2_conn_extend_max_offset(conn, n);
		return 0;
	}
	mem_ref(q);
	stream_rx(&q->s, p, n);
	if (flags & NGTCP2_STREAM_DATA_FLAG_FIN)
		stream_rx_fin(&q->s);
	mem_deref(q);
	return 0;
}

static int acked_cb(ngtcp2_conn *conn, int64_t id, uint64_t offset,
		    uint64_t n, void *arg, void *stream_arg)
{
	struct qstream *q = stream_arg;
	struct qconn *c = arg;
	(void)conn;
	(void)id;

	c->progress = loop_now(c->f.loop);
	if (!q)
		return 0;
	n = quicbuf_acked(&q->buf, c->pool, offset + n);
	c->unacked -= n;
	c->in_flight -= n;
	c->room = true;
	return 0;
}

/* Over in both directions for ngtcp2: it refers to us no more. */
static int close_cb(ngtcp2_conn *conn, uint32_t flags, int64_t id,
		    uint64_t code, void *arg, void *stream_arg)
{
	struct qstream *q = stream_arg;
	struct qconn *c = arg;

	c->lost_closed += ngtcp2_conn_get_stream_loss_count(conn, id);
	c->stats_at = 0;
	if (!ngtcp2_conn_is_local_stream(conn, id))
		ngtcp2_conn_extend_max_streams_bidi(conn, 1);
	if (!q)
		return 0;
	list_unlink(&q->send);
	q->blocked = true;
	if (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET)
		stream_over(&q->s, ECONNRESET, code);
	else
		stream_over(&q->s, 0, 0);
	list_unlink(&q->all);
	mem_deref(q);
	return 0;
}

/* RESET_STREAM or STOP_SENDING: with us a reset is of both directions. */
static int reset_by_peer(ngtcp2_conn *conn, int64_t id, uint64_t code,
			 struct qstream *q)
{
	if (!q || q->s.phase == STREAM_GONE)
		return 0;
	list_unlink(&q->send);
	q->blocked = true;
	mem_ref(q);
	stream_over(&q->s, ECONNRESET, code);
	(void)qc_shutdown_stream(conn, id, code);
	mem_deref(q);
	return 0;
}

static int reset_cb(ngtcp2_conn *conn, int64_t id, uint64_t final_size,
		    uint64_t code, void *arg, void *stream_arg)
{
	(void)final_size;
	(void)arg;
	return reset_by_peer(conn, id, code, stream_arg);
}

static int stop_cb(ngtcp2_conn *conn, int64_t id, uint64_t code, void *arg,
		   void *stream_arg)
{
	(void)arg;
	return reset_by_peer(conn, id, code, stream_arg);
}

static int window_cb(ngtcp2_conn *conn, int64_t id, uint64_t max_data,
		     void *arg, void *stream_arg)
{
	struct qstream *q = stream_arg;
	(void)conn;
	(void)id;
	(void)max_data;
	(void)arg;

	if (q && q->s.phase != STREAM_GONE) {
		q->blocked = false;
		quicorder_ready(q);
	}
	return 0;
}

void quicstream_init(struct qconn *c)
{
	c->stream_max = STREAM_MIN;
	c->budget = BUDGET_MIN;
	c->ahead_max = AHEAD_MIN;
}

void quicstream_callbacks(ngtcp2_callbacks *cb)
{
	cb->stream_open = open_cb;
	cb->recv_stream_data = recv_cb;
	cb->acked_stream_data_offset = acked_cb;
	cb->stream_close = close_cb;
	cb->stream_reset = reset_cb;
	cb->stream_stop_sending = stop_cb;
	cb->extend_max_stream_data = window_cb;
}

/* What the peer did not allow before. */
static void open_queued(struct qconn *c)
{
	struct le *le;

	while ((le = list_head(&c->queuel))) {
		struct qstream *q = le->data;

		if (ngtcp2_conn_open_bidi_stream(c->conn, &q->id, q)) {
			q->id = -1;
			return;
		}
		list_unlink(le);
		quicorder_ready(q);
	}
}

/* What leaves in four milliseconds, for BBR's window is twice what the path
 * holds: on a fast path a writer gives more at once and is woken less often,
 * on a slow one nobody's bytes wait longer for it. */
static void set_ahead(struct qconn *c, uint64_t cwnd, uint64_t rtt)
{
	const uint64_t n = rtt ? 2 * cwnd * MSEC / rtt : 0;

	c->ahead_max = n < AHEAD_MIN ? AHEAD_MIN : n < AHEAD_MAX ? n
		: AHEAD_MAX;
}

/* As much as the path holds twice over, so that a sender never waits for
 * its own buffer; less for each if there are many. It does not shrink: the
 * congestion window does for a moment after each loss, when what was sent
 * behind the lost packet still fills the buffer, and the path would run
 * dry. */
static void set_limits(struct qconn *c)
{
	uint64_t cwnd, rtt;

	qc_info(c->conn, &cwnd, &rtt);
	if (c->stream_max < 2 * cwnd)
		c->stream_max = 2 * cwnd;
	if (c->stream_max > STREAM_MAX)
		c->stream_max = STREAM_MAX;
	c->budget = 4 * c->stream_max;
	if (c->budget < BUDGET_MIN)
		c->budget = BUDGET_MIN;
	if (c->budget > BUDGET_MAX)
		c->budget = BUDGET_MAX;
	set_ahead(c, cwnd, rtt);
}

static void wake_writers(struct qconn *c)
{
	uint32_t left = list_count(&c->wantl);
	struct le *le;

	while (left-- && (le = list_head(&c->wantl))) {
		struct qstream *q = le->data;
		uint64_t max, room = room_of(q, &max);

		list_unlink(le);
		if (room < max / 4 && room < ahead_low(c)) {
			list_append(&c->wantl, le, q);
			continue;
		}
		mem_ref(q);
		stream_room(&q->s);
		mem_deref(q);
	}
}

void quicstream_refill(struct qconn *c)
{
	if (!c->room)
		return;
	c->room = false;
	wake_writers(c);
}

void quicstream_turn(struct qconn *c)
{
	set_limits(c);
	open_queued(c);
	quicstream_refill(c);
}

struct qstream *quicstream_next(const struct qconn *c)
{
	return list_ledata(list_head(&c->sendl));
}

int64_t quicstream_id(const struct qstream *q)
{
	return q->id;
}

size_t quicstream_vec(const struct qstream *q, ngtcp2_vec *v, bool *fin)
{
	uint64_t len;
	const size_t n = quicbuf_vec(&q->buf, v, QUICSTREAM_VECS, &len);

	*fin = q->s.fin_tx && len == q->buf.written - q->buf.sent;
	return n;
}

void quicstream_sent(struct qstream *q, size_t n, bool fin)
{
	if (!q->c->in_flight)
		q->c->progress = loop_now(q->c->f.loop);
	q->c->in_flight += n;
	quicbuf_sent(&q->buf, n);
	if (q->want.list && unsent(q) <= ahead_low(q->c))
		q->c->room = true;
	if (fin && q->buf.sent == q->buf.written)
		q->fin_sent = true;
	quicorder_sent(q, n);
}

void quicstream_block(struct qstream *q)
{
	list_unlink(&q->send);
	q->blocked = true;
}

uint64_t quicstream_lost(const struct qconn *c)
{
	uint64_t lost = c->lost_closed;
	struct le *le = list_head(&c->allstreaml);
	unsigned n = 0;

	for (; le && n < LOST_SCAN; le = le->next, n++) {
		const struct qstream *q = le->data;

		if (q->id >= 0)
			lost += ngtcp2_conn_get_stream_loss_count(c->conn,
								  q->id);
	}
	return lost;
}

void quicstream_end(struct qconn *c)
{
	list_clear(&c->queuel);
	quicorder_end(c);
	list_flush(&c->allstreaml);
}
