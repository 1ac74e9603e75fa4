/*
 * talk.h: for fuzzers of a tunnel's whole state: a hostile peer that talks to
 * one end of it over a flow in memory, on a loop of its own as in sipd.
 *
 *   talk_begin(&t, kind) ; the tunnel is made, t.x is its end of the flow
 *   talk_script(&t, fn, arg)   on the loop: streams opened, bytes queued
 *   talk_end(&t)               what is queued is said; the tunnel is freed
 */
#ifndef DIALTONE_FUZZ_TALK_H
#define DIALTONE_FUZZ_TALK_H

#include <stdlib.h>
#include <time.h>
#include "sdp/base/recompat.h"
#include "tests/unit/fakeflow.h"
#include "tests/unit/media.h"
#include "tunnels/tunnel.h"

enum { TALK_STREAMS = 4, TALK_WAIT = 9 };       /* s: then it hangs */

struct talk_stream {
	struct stream *s;
	struct mbuf *mb;                /* not written yet, from pos on */
	bool fin, reset;                /* comes after it */
};

struct talk {
	struct loop *loop;
	struct flow *x, *y;             /* the tunnel's end, ours */
	struct tunnel *tunnel;
	struct talk_stream v[TALK_STREAMS];
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;                      /* the tunnel has said so */
	bool gone;                      /* so are all streams */
	int err;
};

/* What the fuzzer says, taken byte by byte; zeros at its end. */
struct talk_input {
	const uint8_t *p;
	size_t n;
};

static inline uint8_t talk_byte(struct talk_input *in)
{
	if (!in->n)
		return 0;
	--in->n;
	return *in->p++;
}

static inline void talk_progress(const struct tunnel_progress *p, void *arg)
{
	(void)p;
	(void)arg;
}

static inline void talk_done(int err, const char *why, void *arg)
{
	struct talk *t = arg;

	if (!why)
		abort();
	pthread_mutex_lock(&t->lock);
	if (t->done)
		abort();                /* once is enough */
	t->done = true;
	t->err = err;
	pthread_cond_signal(&t->cond);
	pthread_mutex_unlock(&t->lock);
}

static inline void talk_pump(struct talk_stream *ts)
{
	if (!ts->s)
		return;
	ts->mb->pos += stream_write(ts->s, mbuf_buf(ts->mb),
				    mbuf_get_left(ts->mb));
	if (mbuf_get_left(ts->mb))
		return;
	if (ts->reset) {
		stream_reset(ts->s, 7);
		ts->s = NULL;
	}
	else if (ts->fin) {
		stream_fin(ts->s);
	}
}

static inline void talk_write(struct stream *s, void *arg)
{
	(void)s;
	talk_pump(arg);
}

static inline void talk_read(struct stream *s, const uint8_t *p, size_t n,
			     void *arg)
{
	(void)p;
	(void)arg;
	stream_consumed(s, n);
}

static inline void talk_close(struct stream *s, int err, uint64_t code,
			      void *arg)
{
	struct talk_stream *ts = arg;

	(void)s;
	(void)err;
	(void)code;
	ts->s = NULL;
}

static const struct stream_handlers talk_handlers = {
	talk_read, NULL, talk_write, talk_close
};

/* Queue bytes; the first open the stream. */
static inline void talk_say(struct talk *t, unsigned i, const void *p,
			    size_t n)
{
	struct talk_stream *ts = &t->v[i];

	if (!ts->mb) {
		ts->mb = mbuf_alloc(4096);
		if (!ts->mb || stream_open(&ts->s, t->y, 0, &talk_handlers,
					   ts))
			ts->s = NULL;
	}
	if (ts->mb) {
		const size_t pos = ts->mb->pos;

		ts->mb->pos = ts->mb->end;
		(void)mbuf_write_mem(ts->mb, p, n);
		ts->mb->pos = pos;
	}
}

static inline void talk_fin(struct talk *t, unsigned i, bool reset)
{
	talk_say(t, i, "", 0);
	t->v[i].reset = reset;
	t->v[i].fin = true;
}

/* The stream that the tunnel opens is number i: what is queued for it goes
 * there. From a handler on the loop, before it is opened. */
static inline void talk_accept(struct stream *s, void *arg)
{
	struct talk_stream *ts = arg;

	if (ts->s)
		return;                         /* reset */
	ts->s = s;
	stream_handle(s, &talk_handlers, ts);
	talk_pump(ts);
}

static inline void talk_hear(struct talk *t, unsigned i)
{
	t->v[i].mb = mbuf_alloc(4096);
	if (!t->v[i].mb ||
	    flow_listen(t->y, 0, talk_accept, &t->v[i]))
		abort();
}

/* All that is queued goes out from here on. */
static inline void talk_flush(struct talk *t)
{
	for (unsigned i = 0; i < TALK_STREAMS; i++)
		if (t->v[i].mb)
			talk_pump(&t->v[i]);
}

/* Some steps in one turn of the loop, so that answers come between them.
 * False: nothing is left. */
static inline bool talk_some(struct talk *t, struct talk_input *in,
			     void (*step)(uint8_t b))
{
	unsigned n = 1 + talk_byte(in) % 8;

	while (n-- && in->n)
		step(talk_byte(in));
	talk_flush(t);
	return in->n > 0;
}

static inline void talk_open(void *arg)
{
	struct talk *t = arg;

	if (fakeflow_alloc(&t->x, &t->y, t->loop))
		abort();
}

static inline void talk_begin(struct talk *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->cond, NULL);
	if (loop_alloc(&t->loop, "fuzz"))
		abort();
	fake_call(t->loop, talk_open, t);
}

/* From a handler on the loop. */
static inline void talk_start(struct talk *t, const struct tunnel_kind *kind,
			      struct tunnel *tunnel,
			      const struct desc_media *remote)
{
	static const uint8_t fp[DESC_FP_SIZE];
	const struct tunnel_events ev = { talk_progress, talk_done, t };
	const struct tunnel_way way = { .flow = t->x, .loop = t->loop,
					.local_fp = fp, .remote_fp = fp };

	t->tunnel = tunnel;
	if (kind->start(tunnel, remote, &way, &ev))
		abort();
}

static inline void talk_look(void *arg)
{
	struct talk *t = arg;

	t->gone = true;
	for (unsigned i = 0; i < TALK_STREAMS; i++)
		t->gone &= !t->v[i].s;
}

/* Until the tunnel has ended, or all streams have: one that was lost before
 * its first byte is one that the tunnel does not know of. */
static inline void talk_wait(struct talk *t)
{
	const uint64_t late = clock_ns() + TALK_WAIT * SEC;
	struct timespec ts;
	bool done = false;

	while (!done && !t->gone) {
		if (clock_ns() > late)
			abort();
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec = (ts.tv_nsec + 2000000) % 1000000000;
		pthread_mutex_lock(&t->lock);
		if (!t->done)
			(void)pthread_cond_timedwait(&t->cond, &t->lock, &ts);
		done = t->done;
		pthread_mutex_unlock(&t->lock);
		fake_call(t->loop, talk_look, t);
	}
}

static inline void talk_shut(void *arg)
{
	struct talk *t = arg;

	t->tunnel = mem_deref(t->tunnel);
	t->y = mem_deref(t->y);
	t->x = mem_deref(t->x);
	for (unsigned i = 0; i < TALK_STREAMS; i++)
		t->v[i].mb = mem_deref(t->v[i].mb);
}

static inline void talk_end(struct talk *t)
{
	fake_call(t->loop, talk_shut, t);
	mem_deref(t->loop);
	pthread_cond_destroy(&t->cond);
	pthread_mutex_destroy(&t->lock);
}

#endif
