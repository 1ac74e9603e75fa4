/*
 * end.h: one end of a stream of QUIC, on its worker: what it writes is a
 * pattern that the other end knows.
 */
#ifndef DIALTONE_QUIC_END_H
#define DIALTONE_QUIC_END_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/tunnels/quic/side.h"

enum { PATTERN = 65521 };

#define MB (1ULL << 20)

static uint8_t pattern[2 * PATTERN];

/* One end of a stream, on a worker; the counters are looked at from here. */
struct end {
	struct loop *l;
	struct flow *f;
	struct stream *s;
	uint64_t total;                 /* to write, then fin */
	uint64_t skew;                  /* where its pattern starts */
	bool echo_fin;                  /* fin when the peer has */
	bool hold;                      /* do not consume */
	bool by_copy;
	uint64_t reset_at;              /* bytes read, 0: never */
	int prio;
	_Atomic uint64_t tx, rx, held;
	_Atomic int fins, closes, err, bad;
	_Atomic uint64_t code;
	_Atomic uint64_t fin_at;
	struct end *ends;               /* of a listener: who is next */
	_Atomic int accepted;
};

static inline void check(struct end *e, const uint8_t *p, size_t n)
{
	uint64_t off = atomic_load(&e->rx) + e->skew;

	while (n) {
		size_t at = off % PATTERN, len = 2 * PATTERN - at;

		if (len > n)
			len = n;
		if (memcmp(p, pattern + at, len))
			atomic_store(&e->bad, 1);
		p += len;
		n -= len;
		off += len;
	}
}

static inline size_t put(struct end *e, size_t n)
{
	const size_t at = (atomic_load(&e->tx) + e->skew) % PATTERN;
	uint8_t *room;
	size_t len;

	if (n > PATTERN)
		n = PATTERN;
	if (e->by_copy)
		return stream_write(e->s, pattern + at, n > 1000 ? 1000 : n);
	len = stream_reserve(e->s, &room);
	if (len > n)
		len = n;
	memcpy(room, pattern + at, len);
	stream_commit(e->s, len);
	return len;
}

static inline void pump(struct end *e)
{
	uint64_t left;

	while ((left = e->total - atomic_load(&e->tx))) {
		size_t n = put(e, left > PATTERN ? PATTERN : (size_t)left);

		if (!n)
			return;
		atomic_fetch_add(&e->tx, n);
	}
	if (!e->echo_fin)
		stream_fin(e->s);
}

static inline void readh(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	struct end *e = arg;

	check(e, p, n);
	atomic_fetch_add(&e->rx, n);
	if (e->hold)
		atomic_fetch_add(&e->held, n);
	else
		stream_consumed(s, n);
	if (e->reset_at && atomic_load(&e->rx) >= e->reset_at) {
		stream_reset(s, 99);
		e->s = NULL;
		atomic_store(&e->closes, 1);
	}
}

static inline void finh(struct stream *s, void *arg)
{
	struct end *e = arg;

	atomic_fetch_add(&e->fins, 1);
	atomic_store(&e->fin_at, clock_ns());
	if (e->echo_fin)
		stream_fin(s);
}

static inline void writeh(struct stream *s, void *arg)
{
	(void)s;
	pump(arg);
}

static inline void closeh(struct stream *s, int err, uint64_t code, void *arg)
{
	struct end *e = arg;

	if (s != e->s)
		atomic_store(&e->bad, 1);
	e->s = NULL;
	atomic_store(&e->err, err);
	atomic_store(&e->code, code);
	atomic_fetch_add(&e->closes, 1);
}

static const struct stream_handlers handlers = {
	.readh = readh, .finh = finh, .writeh = writeh, .closeh = closeh,
};

static inline void accepth(struct stream *s, void *arg)
{
	struct end *e = arg;
	struct end *in = &e->ends[atomic_fetch_add(&e->accepted, 1)];

	in->s = s;
	stream_handle(s, &handlers, in);
	stream_priority(s, in->prio);
	pump(in);
}

static inline void listen_on(void *arg)
{
	struct end *e = arg;

	CU_ASSERT_EQUAL(flow_listen(e->f, 3, accepth, e), 0);
}

static inline void open_on(void *arg)
{
	struct end *e = arg;

	CU_ASSERT_EQUAL(stream_open(&e->s, e->f, 3, &handlers, e), 0);
	stream_priority(e->s, e->prio);
	pump(e);
}

static inline void listen_side(struct side *s, struct end *l, struct end *ends)
{
	memset(l, 0, sizeof *l);
	l->f = s->f;
	l->ends = ends;
	fake_call(worker_loop(s->w), listen_on, l);
}

static inline void open_side(struct side *s, struct end *e)
{
	e->f = s->f;
	e->l = worker_loop(s->w);
	fake_call(e->l, open_on, e);
}

/* Both ends of one stream done, every byte as sent. */
static inline void check_done(const struct end *out, const struct end *in)
{
	CU_ASSERT_EQUAL(atomic_load(&in->rx), out->total);
	CU_ASSERT_EQUAL(atomic_load(&out->rx), in->total);
	CU_ASSERT_EQUAL(atomic_load(&in->err), 0);
	CU_ASSERT_EQUAL(atomic_load(&out->err), 0);
	CU_ASSERT_EQUAL(atomic_load(&in->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&out->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&in->fins), 1);
	CU_ASSERT_EQUAL(atomic_load(&out->fins), 1);
}

static inline void random_sizes(struct end *e, unsigned n, bool both,
				unsigned seed)
{
	static const uint64_t max[] = { 10, 2000, 70000, 700000 };

	for (unsigned i = 0; i < n; i++) {
		e[i].total = (uint64_t)rand_r(&seed) % max[i % 4];
		if (!both)
			e[i].total = i % 2 ? e[i].total : 0;
		e[i].by_copy = i % 3 == 0;
		e[i].prio = (int)(i % 5 == 0);
	}
}

/* Streams both ways at once. No order is promised between streams, so an
 * accepted one may be the other end of any: totals are compared. */
static inline void many_streams(struct side *a, struct side *b, unsigned n,
				unsigned seed)
{
	struct end *out = calloc(2 * n, sizeof *out), *in = out + n;
	uint64_t out_tx = 0, out_rx = 0, in_tx = 0, in_rx = 0;
	struct end l;

	random_sizes(out, n, true, seed);
	random_sizes(in, n, true, seed + 1);
	listen_side(b, &l, in);
	for (unsigned i = 0; i < n; i++)
		open_side(a, &out[i]);
	for (unsigned i = 0; i < n; i++) {
		WAIT_FOR(atomic_load(&out[i].closes));
		WAIT_FOR(atomic_load(&in[i].closes));
		CU_ASSERT_EQUAL(atomic_load(&out[i].err), 0);
		CU_ASSERT_EQUAL(atomic_load(&in[i].err), 0);
		CU_ASSERT_EQUAL(atomic_load(&out[i].bad), 0);
		CU_ASSERT_EQUAL(atomic_load(&in[i].bad), 0);
		out_tx += out[i].total;
		out_rx += atomic_load(&out[i].rx);
		in_tx += in[i].total;
		in_rx += atomic_load(&in[i].rx);
	}
	CU_ASSERT_EQUAL(out_tx, in_rx);
	CU_ASSERT_EQUAL(in_tx, out_rx);
	CU_ASSERT_EQUAL(atomic_load(&l.accepted), (int)n);
	free(out);
}

static inline void set_up_streams(void)
{
	unsigned seed = 4711;

	for (size_t i = 0; i < PATTERN; i++)
		pattern[i] = pattern[i + PATTERN] = (uint8_t)rand_r(&seed);
	set_up_keys();
}

#endif
