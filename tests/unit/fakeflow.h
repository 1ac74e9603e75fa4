/*
 * fakeflow.h: two flows joined in memory on one loop, for tunnels' tests.
 *
 *   a's stream --[send buffer]--> deferred, in pieces --> b's stream
 *
 * The same flow.c is above it as above QUIC: headers, listeners, closing and
 * back-pressure are the real ones. All but fake_call is on the loop's thread:
 *
 *   loop_alloc(&l, "test");
 *   fake_call(l, setup, &t);      in it: fakeflow_alloc(&t->a, &t->b, l)
 *   ... wait until the tunnels have reported ...
 *   fake_call(l, teardown, &t);   in it: mem_deref(t->a); mem_deref(t->b)
 *   mem_deref(l);
 */
#ifndef DIALTONE_FAKEFLOW_H
#define DIALTONE_FAKEFLOW_H

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "tunnels/flow/flowimpl.h"
#include "tunnels/flow/loop.h"

enum {
	FAKE_BUF = 64 * 1024,           /* send buffer of a stream */
	FAKE_WINDOW = 64 * 1024,        /* bytes delivered and not consumed */
	FAKE_PIECE = 16 * 1024,         /* of one readh */
};

struct fakeflow {
	struct flow f;
	struct fakeflow *peer;
	size_t piece;                   /* set it lower to cut data finer */
	uint64_t carried;               /* bytes delivered to the peer */
	uint64_t cut;                   /* lost after so many, 0: never */
	bool by_event;                  /* as a socket has it, not deferred */
	void (*commith)(void);          /* something is written; may be NULL */
};

struct fakestream {
	struct stream s;
	struct fakestream *peer;
	struct loop_defer defer;
	bool linked;                    /* had a peer */
	bool fin_sent;
	int over;                       /* what the peer's reset means here */
	uint64_t code;
	size_t window;                  /* bytes the peer still takes */
	size_t start, end;              /* of what is in buf */
	uint8_t buf[FAKE_BUF];
};

static const struct flow_ops fake_ops;

static void fake_run(void *arg);

/* What is under way keeps both ends of it. */
struct fake_mail {
	struct fakestream *fs;
	struct fakeflow *ff;
};

static inline void fake_mail_destructor(void *arg)
{
	struct fake_mail *m = arg;

	mem_deref(m->fs);
	mem_deref(m->ff);
}

static inline void fake_mail_handler(void *data)
{
	struct fake_mail *m = data;

	fake_run(m->fs);
	mem_deref(m);
}

static inline void fake_post(struct fakestream *fs)
{
	struct fake_mail *m = mem_alloc(sizeof *m, fake_mail_destructor);

	if (!m)
		return;
	m->fs = mem_ref(fs);
	m->ff = mem_ref((void *)fs->s.flow);
	if (loop_post(m->ff->f.loop, fake_mail_handler, m))
		mem_deref(m);
}

static inline void fake_kick(struct fakestream *fs)
{
	const struct fakeflow *ff = (void *)fs->s.flow;

	if (ff->by_event)
		fake_post(fs);
	else
		loop_defer(ff->f.loop, &fs->defer, fake_run, fs);
}

static inline void fakestream_destructor(void *arg)
{
	struct fakestream *fs = arg;

	if (!fs->s.flow)
		return;
	loop_defer_cancel(fs->s.flow->loop, &fs->defer);
	stream_close(&fs->s);
	if (fs->peer) {
		fs->peer->peer = NULL;
		fake_kick(fs->peer);
	}
}

static inline struct fakestream *fakestream_alloc(struct flow *f, bool remote)
{
	struct fakestream *fs = mem_zalloc(sizeof *fs, fakestream_destructor);

	if (!fs || stream_init(&fs->s, f, remote))
		return mem_deref(fs);
	fs->window = FAKE_WINDOW;
	return fs;
}

/* The peer's end of a stream is made when the first bytes get there. */
static inline bool fake_join(struct fakestream *fs)
{
	struct fakeflow *ff = (struct fakeflow *)(void *)fs->s.flow;

	if (fs->linked)
		return fs->peer != NULL;
	if (ff->peer && !ff->peer->f.err)
		fs->peer = fakestream_alloc(&ff->peer->f, true);
	if (!fs->peer)
		return false;
	fs->linked = fs->peer->linked = true;
	fs->peer->peer = fs;
	return true;
}

/* The connection is lost: every stream of this side is over with err now,
 * its peer's with ENOTCONN in the next turn. */
static inline void fakeflow_down(struct flow *f, int err)
{
	struct fakeflow *ff = (struct fakeflow *)(void *)f;

	flow_down(f, err);
	if (ff->peer)
		ff->peer->f.err = ENOTCONN;
}

/* Lost at exactly that byte. */
static inline bool fake_cut(struct fakeflow *ff, size_t *n)
{
	if (!ff->cut || ff->carried + *n < ff->cut)
		return false;
	*n = (size_t)(ff->cut - ff->carried);
	return true;
}

static inline void fake_send(struct fakestream *fs)
{
	struct fakeflow *ff = (void *)fs->s.flow;
	struct stream *to = &fs->peer->s;
	size_t n = fs->end - fs->start;
	bool cut;

	if (n > fs->window)
		n = fs->window;
	if (n > ff->piece)
		n = ff->piece;
	cut = fake_cut(ff, &n);
	ff->carried += n;
	if (n && to->phase != STREAM_GONE) {
		const uint8_t *p = fs->buf + fs->start;

		fs->start += n;
		fs->window -= n;
		stream_rx(to, p, n);
	}
	if (cut) {
		struct flow *peer = &ff->peer->f;

		fakeflow_down(&ff->f, ENOTCONN);
		flow_down(peer, ENOTCONN);
		return;
	}
	if (fs->start == fs->end && fs->s.fin_tx && !fs->fin_sent &&
	    to->phase != STREAM_GONE) {
		fs->fin_sent = true;
		stream_rx_fin(to);
		fake_kick(fs->peer);
		fake_kick(fs);
	}
	if (fs->end > fs->start && fs->window)
		fake_kick(fs);
}

static inline void fake_turn(struct fakestream *fs)
{
	struct fakestream *peer;

	if (fs->over)
		stream_over(&fs->s, fs->over, fs->code);
	else if (fs->fin_sent && fs->s.fin_rx)
		stream_over(&fs->s, 0, 0);
	else if (!fake_join(fs))
		stream_over(&fs->s, ENOTCONN, 0);
	else {
		peer = mem_ref(fs->peer);
		fake_send(fs);
		mem_deref(peer);
		stream_room(&fs->s);
	}
}

static void fake_run(void *arg)
{
	struct fakestream *fs = mem_ref(arg);

	if (fs->s.phase != STREAM_GONE)
		fake_turn(fs);
	mem_deref(fs);
}

static inline int fake_open(struct stream **sp, struct flow *f)
{
	struct fakestream *fs = fakestream_alloc(f, false);

	if (!fs)
		return ENOMEM;
	*sp = &fs->s;
	return 0;
}

static inline size_t fake_reserve(struct stream *s, uint8_t **pp, size_t min)
{
	struct fakestream *fs = (struct fakestream *)(void *)s;

	if (fs->start) {
		memmove(fs->buf, fs->buf + fs->start, fs->end - fs->start);
		fs->end -= fs->start;
		fs->start = 0;
	}
	if (FAKE_BUF - fs->end < min)
		return 0;
	*pp = fs->buf + fs->end;
	return FAKE_BUF - fs->end;
}

static inline void fake_commit(struct stream *s, size_t n)
{
	struct fakestream *fs = (struct fakestream *)(void *)s;
	const struct fakeflow *ff = (void *)s->flow;

	fs->end += n;
	fake_kick(fs);
	if (ff->commith)
		ff->commith();
}

static inline void fake_fin(struct stream *s)
{
	fake_kick((struct fakestream *)(void *)s);
}

static inline void fake_consumed(struct stream *s, size_t n)
{
	struct fakestream *fs = (struct fakestream *)(void *)s;

	if (fs->peer) {
		fs->peer->window += n;
		fake_kick(fs->peer);
	}
}

static inline void fake_reset(struct stream *s, uint64_t code)
{
	struct fakestream *fs = (struct fakestream *)(void *)s;

	if (fs->peer) {
		fs->peer->over = ECONNRESET;
		fs->peer->code = code;
	}
}

static inline uint64_t fake_unacked(const struct stream *s)
{
	const struct fakestream *fs = (const struct fakestream *)(const void *)s;

	return fs->end - fs->start;
}

static inline void fake_priority(struct stream *s, int prio)
{
	(void)s;
	(void)prio;
}

static const struct flow_ops fake_ops = {
	.open = fake_open,
	.reserve = fake_reserve,
	.commit = fake_commit,
	.fin = fake_fin,
	.consumed = fake_consumed,
	.reset = fake_reset,
	.unacked = fake_unacked,
	.priority = fake_priority,
};

static inline void fakeflow_destructor(void *arg)
{
	struct fakeflow *ff = arg;

	fakeflow_down(&ff->f, ENOTCONN);
	flow_reset(&ff->f);
	if (ff->peer)
		ff->peer->peer = NULL;
}

static inline int fakeflow_alloc(struct flow **ap, struct flow **bp,
				 struct loop *l)
{
	struct fakeflow *a = mem_zalloc(sizeof *a, fakeflow_destructor);
	struct fakeflow *b = mem_zalloc(sizeof *b, fakeflow_destructor);

	if (!a || !b) {
		mem_deref(a);
		mem_deref(b);
		return ENOMEM;
	}
	flow_init(&a->f, &fake_ops, l);
	flow_init(&b->f, &fake_ops, l);
	a->peer = b;
	b->peer = a;
	a->piece = b->piece = FAKE_PIECE;
	*ap = &a->f;
	*bp = &b->f;
	return 0;
}

/* Deliver at most `piece` bytes at a time. */
static inline void fakeflow_piece(struct flow *f, size_t piece)
{
	((struct fakeflow *)(void *)f)->piece = piece;
}

struct fake_call {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	void (*h)(void *arg);
	void *arg;
};

static inline void fake_call_handler(void *data)
{
	struct fake_call *c = data;

	c->h(c->arg);
	pthread_mutex_lock(&c->lock);
	c->done = true;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->lock);
}

/* Run h(arg) on the loop's thread and wait until it has returned. */
static inline void fake_call(struct loop *l, void (*h)(void *arg), void *arg)
{
	struct fake_call c = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER, .h = h, .arg = arg,
	};

	while (loop_post(l, fake_call_handler, &c))
		;                       /* there will be memory again */
	pthread_mutex_lock(&c.lock);
	while (!c.done)
		pthread_cond_wait(&c.cond, &c.lock);
	pthread_mutex_unlock(&c.lock);
}

#endif
