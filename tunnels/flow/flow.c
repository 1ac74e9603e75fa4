/*
 * flow.c: streams as tunnels see them, whatever carries them.
 *
 * Each stream begins with the number of its tunnel as a QUIC varint
 * (RFC 9000, 16), written by its opener. On the other side it is read here,
 * and the stream goes to that tunnel's listener or waits for one.
 *
 *   HEADER -> WAITING -> TAKEN -> GONE
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/flowimpl.h"

enum { RESERVE_MIN = 2048 };            /* less room is not worth a read(2) */

struct listener {
	struct le le;
	unsigned tunnel;
	stream_accept_h *h;
	void *arg;
	flow_datagram_h *datagramh;
	void *datagram_arg;
};

static void listener_destructor(void *arg)
{
	struct listener *ln = arg;

	list_unlink(&ln->le);
}

static struct listener *listener_find(const struct flow *f, unsigned tunnel)
{
	struct le *le;

	for (le = list_head(&f->listenl); le; le = le->next) {
		struct listener *ln = le->data;

		if (ln->tunnel == tunnel)
			return ln;
	}
	return NULL;
}

void flow_init(struct flow *f, const struct flow_ops *ops, struct loop *l)
{
	f->ops = ops;
	f->loop = l;
	list_init(&f->streaml);
	list_init(&f->listenl);
}

void flow_down(struct flow *f, int err)
{
	struct le *le;

	if (!f->err)
		f->err = err;
	while ((le = list_head(&f->streaml)))
		stream_over(le->data, err, 0);
}

void flow_reset(struct flow *f)
{
	list_flush(&f->listenl);
}

struct loop *flow_loop(const struct flow *f)
{
	return f ? f->loop : NULL;
}

int stream_init(struct stream *s, struct flow *f, bool remote)
{
	if (remote && f->waiting >= FLOW_WAITING_MAX)
		return EBUSY;
	s->flow = f;
	s->phase = remote ? STREAM_HEADER : STREAM_TAKEN;
	list_append(&f->streaml, &s->le, s);
	if (remote)
		++f->waiting;
	return 0;
}

/* It stops waiting: what was kept for it is its taker's or nobody's. */
static struct mbuf *unwait(struct stream *s)
{
	struct mbuf *held = s->held;

	if (s->phase == STREAM_HEADER || s->phase == STREAM_WAITING)
		--s->flow->waiting;
	s->held = NULL;
	return held;
}

/* No handler is called from here on. */
static void gone(struct stream *s)
{
	struct mbuf *held = unwait(s);

	mem_deref(held);
	/* what the reader had not passed on yet is nobody's any more */
	if (s->unread)
		s->flow->ops->consumed(s, s->unread);
	s->unread = 0;
	s->phase = STREAM_GONE;
	list_unlink(&s->le);
}

void stream_close(struct stream *s)
{
	if (s->flow && s->phase != STREAM_GONE)
		gone(s);
}

void stream_over(struct stream *s, int err, uint64_t code)
{
	const struct stream_handlers h = s->h;
	void *arg = s->arg;

	if (s->phase == STREAM_GONE)
		return;
	gone(s);
	if (h.closeh)
		h.closeh(s, err, code, arg);
	mem_deref(s);
}

void stream_reset(struct stream *s, uint64_t code)
{
	if (!s || s->phase == STREAM_GONE)
		return;
	gone(s);
	s->flow->ops->reset(s, code);
	mem_deref(s);
}

static void consumed(struct stream *s, size_t n)
{
	if (n > s->unread)
		n = s->unread;
	s->unread -= n;
	if (n)
		s->flow->ops->consumed(s, n);
}

static void deliver(struct stream *s, const uint8_t *p, size_t n)
{
	if (!n || s->phase != STREAM_TAKEN)
		return;
	if (s->h.readh)
		s->h.readh(s, p, n, s->arg);
	else
		consumed(s, n);
}

static void deliver_fin(struct stream *s)
{
	if (s->h.finh && s->phase == STREAM_TAKEN)
		s->h.finh(s, s->arg);
}

/* Give a stream to its listener, with all that came before. */
static void take(struct stream *s, const struct listener *ln)
{
	struct mbuf *held = unwait(s);

	mem_ref(s);
	s->phase = STREAM_TAKEN;
	ln->h(s, ln->arg);
	if (s->phase == STREAM_TAKEN && !s->h.closeh)
		stream_reset(s, STREAM_CODE_NONE);
	if (held)
		deliver(s, held->buf, held->end);
	if (s->fin_rx)
		deliver_fin(s);
	mem_deref(held);
	mem_deref(s);
}

/* What is kept is not consumed: it ends where the window does that the peer
 * was granted. No bound of its own could be less, for all of the window may be
 * on its way before a tunnel of ours, on a machine that is busy, has begun. */
static int hold(struct stream *s, const uint8_t *p, size_t n)
{
	if (!n)
		return 0;
	if (!s->held)
		s->held = mbuf_alloc(n);
	return s->held ? mbuf_write_mem(s->held, p, n) : ENOMEM;
}

/* RFC 9000, 16: two bits of length, big-endian. */
static uint64_t varint(const uint8_t *p, size_t len)
{
	uint64_t v = p[0] & 0x3f;

	for (size_t i = 1; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

/* Take the header's bytes off the front; how many these were. */
static size_t header_rx(struct stream *s, const uint8_t *p, size_t n)
{
	size_t used = 0, len;

	if (!s->hdr_len)
		s->hdr[s->hdr_len++] = p[used++];
	len = (size_t)1 << (s->hdr[0] >> 6);
	while (s->hdr_len < len && used < n)
		s->hdr[s->hdr_len++] = p[used++];
	if (s->hdr_len == len) {
		const uint64_t v = varint(s->hdr, len);

		s->tunnel = v > FLOW_TUNNEL_MAX ? UINT32_MAX : (unsigned)v;
		s->phase = STREAM_WAITING;
	}
	return used;
}

static void waiting_rx(struct stream *s, const uint8_t *p, size_t n)
{
	const struct listener *ln = listener_find(s->flow, s->tunnel);

	if (ln) {
		take(s, ln);
		deliver(s, p, n);
	}
	else if (s->tunnel > FLOW_TUNNEL_MAX || hold(s, p, n))
		stream_reset(s, STREAM_CODE_TUNNEL);
}

void stream_rx(struct stream *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	s->unread += n;
	if (s->phase == STREAM_HEADER && n) {
		used = header_rx(s, p, n);
		consumed(s, used);
	}
	if (s->phase == STREAM_TAKEN)
		deliver(s, p + used, n - used);
	else if (s->phase == STREAM_WAITING)
		waiting_rx(s, p + used, n - used);
}

void stream_rx_fin(struct stream *s)
{
	if (s->fin_rx || s->phase == STREAM_GONE)
		return;
	s->fin_rx = true;
	deliver_fin(s);
	if (s->phase == STREAM_HEADER)
		stream_reset(s, STREAM_CODE_TUNNEL);    /* cut short */
}

void stream_room(struct stream *s)
{
	if (!s->want || s->phase != STREAM_TAKEN)
		return;
	s->want = false;
	if (s->h.writeh)
		s->h.writeh(s, s->arg);
}

static struct stream *waiting_find(const struct flow *f, unsigned tunnel)
{
	struct le *le;

	for (le = list_head(&f->streaml); le; le = le->next) {
		struct stream *s = le->data;

		if (s->phase == STREAM_WAITING && s->tunnel == tunnel)
			return s;
	}
	return NULL;
}

int flow_listen(struct flow *f, unsigned tunnel, stream_accept_h *h,
		void *arg)
{
	struct listener *ln;
	struct stream *s;

	if (!f || tunnel > FLOW_TUNNEL_MAX)
		return EINVAL;
	ln = listener_find(f, tunnel);
	if (!h) {
		mem_deref(ln);
		return 0;
	}
	if (!ln) {
		ln = mem_zalloc(sizeof *ln, listener_destructor);
		if (!ln)
			return ENOMEM;
		ln->tunnel = tunnel;
		list_append(&f->listenl, &ln->le, ln);
	}
	ln->h = h;
	ln->arg = arg;
	/* looked up anew each time: the handler may stop listening */
	while (f->waiting && (ln = listener_find(f, tunnel)) &&
	       (s = waiting_find(f, tunnel)))
		take(s, ln);
	return 0;
}

void stream_handle(struct stream *s, const struct stream_handlers *h,
		   void *arg)
{
	if (!s || !h)
		return;
	s->h = *h;
	s->arg = arg;
}

static size_t header_encode(uint8_t *p, unsigned tunnel)
{
	if (tunnel < 0x40) {
		p[0] = (uint8_t)tunnel;
		return 1;
	}
	p[0] = (uint8_t)(0x40 | tunnel >> 8);
	p[1] = (uint8_t)tunnel;
	return 2;
}

int stream_open(struct stream **sp, struct flow *f, unsigned tunnel,
		const struct stream_handlers *h, void *arg)
{
	uint8_t hdr[STREAM_HEADER_MAX];
	struct stream *s;
	size_t n;
	int err;

	if (!sp || !f || !h || !h->closeh || tunnel > FLOW_TUNNEL_MAX)
		return EINVAL;
	if (f->err)
		return f->err;
	err = f->ops->open(&s, f);
	if (err)
		return err;
	s->tunnel = tunnel;
	n = header_encode(hdr, tunnel);
	if (stream_write(s, hdr, n) != n) {
		stream_reset(s, STREAM_CODE_NONE);
		return ENOMEM;
	}
	stream_handle(s, h, arg);
	*sp = s;
	return 0;
}

static bool writable(const struct stream *s)
{
	return s && s->phase == STREAM_TAKEN && !s->fin_tx;
}

size_t stream_write(struct stream *s, const void *p, size_t n)
{
	size_t done = 0;

	if (!writable(s))
		return 0;
	while (done < n) {
		uint8_t *room;
		size_t len = s->flow->ops->reserve(s, &room, 1);

		if (!len) {
			s->want = true;
			break;
		}
		if (len > n - done)
			len = n - done;
		memcpy(room, (const uint8_t *)p + done, len);
		s->flow->ops->commit(s, len);
		done += len;
	}
	return done;
}

size_t stream_reserve(struct stream *s, uint8_t **pp)
{
	size_t n;

	if (!pp || !writable(s))
		return 0;
	n = s->flow->ops->reserve(s, pp, RESERVE_MIN);
	if (!n)
		s->want = true;
	return n;
}

void stream_commit(struct stream *s, size_t n)
{
	if (n && writable(s))
		s->flow->ops->commit(s, n);
}

void stream_patient(struct stream *s, bool on)
{
	if (s)
		s->patient = on;
}

void stream_fin(struct stream *s)
{
	if (!writable(s))
		return;
	s->fin_tx = true;
	s->want = false;
	s->flow->ops->fin(s);
}

void stream_consumed(struct stream *s, size_t n)
{
	if (s && s->phase != STREAM_GONE)
		consumed(s, n);
}

uint64_t stream_unacked(const struct stream *s)
{
	return s && s->phase == STREAM_TAKEN ? s->flow->ops->unacked(s) : 0;
}

void stream_priority(struct stream *s, int prio)
{
	if (s && s->phase != STREAM_GONE)
		s->flow->ops->priority(s, prio);
}

void flow_datagrams(struct flow *f, unsigned tunnel, flow_datagram_h *h,
		    void *arg)
{
	struct listener *ln = listener_find(f, tunnel);

	if (!ln)
		return;
	ln->datagramh = h;
	ln->datagram_arg = arg;
}

int flow_datagram(struct flow *f, unsigned tunnel, const void *p, size_t n)
{
	uint8_t hdr[STREAM_HEADER_MAX];

	if (f->err)
		return f->err;
	if (!f->ops->datagram)
		return ENOTSUP;
	return f->ops->datagram(f, hdr, header_encode(hdr, tunnel), p, n);
}

void flow_rx_datagram(struct flow *f, const uint8_t *p, size_t n)
{
	const size_t len = n ? (size_t)1 << (p[0] >> 6) : 1;
	const struct listener *ln;
	uint64_t tunnel;

	if (n < len)
		return;
	tunnel = varint(p, len);
	ln = tunnel > FLOW_TUNNEL_MAX ? NULL :
		listener_find(f, (unsigned)tunnel);
	if (ln && ln->datagramh)
		ln->datagramh(p + len, n - len, ln->datagram_arg);
}
