/*
 * rig.h: both ends of one tunnel over a flow in memory, on one loop.
 *
 *   rig_open(&r, "file") ... rig_call(&r, &caller, &callee)
 *   rig_wait(&r) ... rig_close(&r)
 */
#ifndef DIALTONE_RIG_H
#define DIALTONE_RIG_H

#include <stdlib.h>
#include <unistd.h>
#include "sdp/desc.h"
#include "tests/unit/fakeflow.h"
#include "tests/unit/media.h"
#include "tests/unit/unit.h"
#include "tunnels/tunnel.h"

struct rig_side {
	struct tunnel *t;
	struct flow *flow;
	bool done;
	int err;
	char why[512];
	char notes[2048];               /* all of them, a line each */
	uint64_t bytes, total, files, files_total;
	unsigned reports;
	/* what its handshake has shown: all 'a' and all 'b' unless set */
	uint8_t local_fp[DESC_FP_SIZE], remote_fp[DESC_FP_SIZE];
	void (*doneh)(void);            /* on the loop; may be NULL */
};

struct rig {
	const struct tunnel_kind *kind;
	struct loop *loop;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct rig_side a, b;           /* caller, callee */
	struct desc *offer, *answer;
	size_t piece;
	uint64_t cut;                   /* bytes of the caller's, then lost */
	bool by_event;                  /* as sockets have them, see fakeflow */
	void (*commith)(void);          /* the callee writes; may be NULL */
	int err;
};

struct rig_conf {
	const char *key[4], *value[4];
};

/* One rig at a time. */
static struct rig *rig_now;

static inline const char *rig_confh(const char *key, void *arg)
{
	const struct rig_conf *c = arg;

	for (int i = 0; c && i < 4 && c->key[i]; i++)
		if (!strcmp(c->key[i], key))
			return c->value[i];
	return NULL;
}

static inline void rig_lock(void)
{
	pthread_mutex_lock(&rig_now->lock);
}

static inline void rig_unlock(void)
{
	pthread_cond_broadcast(&rig_now->cond);
	pthread_mutex_unlock(&rig_now->lock);
}

static inline void rig_progress(const struct tunnel_progress *p, void *arg)
{
	struct rig_side *s = arg;
	size_t n;

	rig_lock();
	if (p->note) {
		n = strlen(s->notes);
		snprintf(s->notes + n, sizeof s->notes - n, "%s\n", p->note);
	}
	else {
		s->bytes = p->bytes;
		s->total = p->total;
		s->files = p->files;
		s->files_total = p->files_total;
	}
	s->reports++;
	rig_unlock();
}

static inline void rig_done(int err, const char *why, void *arg)
{
	struct rig_side *s = arg;

	if (s->doneh)
		s->doneh();
	rig_lock();
	CU_ASSERT_FALSE(s->done);
	s->done = true;
	s->err = err;
	snprintf(s->why, sizeof s->why, "%s", why);
	rig_unlock();
}

static inline void rig_open(struct rig *r, const char *kind)
{
	memset(r, 0, sizeof *r);
	rig_now = r;
	r->kind = tunnel_find(kind);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->kind);
	memset(r->a.local_fp, 'a', DESC_FP_SIZE);
	memset(r->b.remote_fp, 'a', DESC_FP_SIZE);
	memset(r->b.local_fp, 'b', DESC_FP_SIZE);
	memset(r->a.remote_fp, 'b', DESC_FP_SIZE);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->cond, NULL);
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&r->loop, "rig"), 0);
}

static inline int rig_offer(struct rig *r, const struct tunnel_ask *ask)
{
	struct desc_media *m;
	int err = desc_alloc(&r->offer);

	if (!err)
		err = media_add(r->offer, &m, DESC_QUIC, r->kind->name);
	return err ? err : r->kind->offer(&r->a.t, ask, m);
}

static inline int rig_answer(struct rig *r, const struct tunnel_ask *ask)
{
	int err = desc_answer_init(&r->answer, r->offer);

	return err ? err : r->kind->answer(&r->b.t, ask, r->offer->mediav,
					   r->answer->mediav);
}

struct rig_asks {
	struct rig *r;
	const struct tunnel_ask *a, *b;
};

/* For FAIL_EACH, words only: the description, made and answered, and
 * forgotten. */
static inline int rig_words(void *arg)
{
	const struct rig_asks *w = arg;
	struct rig *r = w->r;
	int err = rig_offer(r, w->a);

	if (!err)
		err = rig_answer(r, w->b);
	r->a.t = mem_deref(r->a.t);
	r->b.t = mem_deref(r->b.t);
	r->offer = mem_deref(r->offer);
	r->answer = mem_deref(r->answer);
	return err;
}

static inline void rig_flows(const struct rig *r, struct fakeflow *a,
			     struct fakeflow *b)
{
	if (r->piece)
		a->piece = b->piece = r->piece;
	a->by_event = b->by_event = r->by_event;
	a->cut = r->cut;
	b->commith = r->commith;
}

static inline void rig_start_handler(void *arg)
{
	struct rig *r = arg;
	const struct tunnel_events ea = { rig_progress, rig_done, &r->a };
	const struct tunnel_events eb = { rig_progress, rig_done, &r->b };
	struct tunnel_way wa = { .loop = r->loop, .local_fp = r->a.local_fp,
				 .remote_fp = r->a.remote_fp };
	struct tunnel_way wb = { .loop = r->loop, .local_fp = r->b.local_fp,
				 .remote_fp = r->b.remote_fp };

	r->err = fakeflow_alloc(&r->a.flow, &r->b.flow, r->loop);
	if (!r->err)
		rig_flows(r, (void *)r->a.flow, (void *)r->b.flow);
	wa.flow = r->a.flow;
	wb.flow = r->b.flow;
	if (!r->err && r->b.t)
		r->err = r->kind->start(r->b.t, r->offer->mediav, &wb, &eb);
	if (!r->err && r->a.t)
		r->err = r->kind->start(r->a.t, r->answer->mediav, &wa, &ea);
}

static inline void rig_start(struct rig *r)
{
	fake_call(r->loop, rig_start_handler, r);
	CU_ASSERT_EQUAL(r->err, 0);
}

static inline void rig_call(struct rig *r, const struct tunnel_ask *a,
			    const struct tunnel_ask *b)
{
	CU_ASSERT_EQUAL(rig_offer(r, a), 0);
	CU_ASSERT_EQUAL(rig_answer(r, b), 0);
	rig_start(r);
}

/* Until cond, at most ten seconds; false: it did not come true. */
static inline bool rig_until(struct rig *r, bool (*cond)(struct rig *r))
{
	struct timespec ts;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 20;
	pthread_mutex_lock(&r->lock);
	while (!(ok = cond(r)))
		if (pthread_cond_timedwait(&r->cond, &r->lock, &ts))
			break;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

/* Bytes that went from the caller to the callee. */
static inline uint64_t rig_carried(const struct rig *r)
{
	return ((const struct fakeflow *)(const void *)r->a.flow)->carried;
}

static inline bool rig_both_done(struct rig *r)
{
	return r->a.done && r->b.done;
}

static inline bool rig_a_done(struct rig *r)
{
	return r->a.done;
}

static inline bool rig_b_done(struct rig *r)
{
	return r->b.done;
}

static inline void rig_wait(struct rig *r)
{
	CU_ASSERT(rig_until(r, rig_both_done));
}

static inline void rig_stop_handler(void *arg)
{
	struct rig *r = arg;

	r->a.t = mem_deref(r->a.t);
	r->b.t = mem_deref(r->b.t);
	r->a.flow = mem_deref(r->a.flow);
	r->b.flow = mem_deref(r->b.flow);
}

static inline void rig_close(struct rig *r)
{
	fake_call(r->loop, rig_stop_handler, r);
	mem_deref(r->loop);
	mem_deref(r->offer);
	mem_deref(r->answer);
	pthread_cond_destroy(&r->cond);
	pthread_mutex_destroy(&r->lock);
}

#endif
