/*
 * fakedgram.h: two dgrams joined in memory on one loop, for tunnels' tests.
 *
 *   a: dgram_put -> queue --deferred, up to DGRAM_BATCH--> b: recvh
 *
 * The same dgram.c is above it as above DTLS. All but fake_call (fakeflow.h)
 * is on the loop's thread:
 *
 *   fakedgram_alloc(&a, &b, l);     in fake_call; mem_deref both in another
 *   fakedgram_mtu(a, 1232);         what a may put from now on; mtuh is told
 *   fakedgram_drop(a, 3);           of what a puts, every third is lost
 *   fakedgram_swap(a, 5);           every fifth comes after its successor
 *   fakedgram_block(a, true);       a is full, its dgram_put says EAGAIN
 *   fakedgram_block(a, false);      no more: writeh is told
 */
#ifndef DIALTONE_FAKEDGRAM_H
#define DIALTONE_FAKEDGRAM_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "tunnels/flow/dgramimpl.h"
#include "tunnels/flow/loop.h"

enum {
	FAKEDGRAM_QUEUE = 1024,         /* packets under way, then EAGAIN */
	FAKEDGRAM_MTU = 1435,
	FAKEDGRAM_SIZE = 2048,
};

struct fakedgram {
	struct dgram d;                 /* first */
	struct fakedgram *peer;
	struct loop *loop;
	struct loop_defer defer;
	bool blocked;
	unsigned drop, swap;
	uint64_t put, lost;             /* packets */
	size_t count;
	size_t len[FAKEDGRAM_QUEUE];
	uint8_t (*buf)[DGRAM_ROOM + FAKEDGRAM_SIZE];
};

static inline void fakedgram_deliver(void *arg)
{
	struct fakedgram *f = arg;
	struct fakedgram *ref = mem_ref(f);
	const size_t total = f->count;
	size_t pos = 0;

	while (pos < total && f->peer) {
		struct fakedgram *peer = mem_ref(f->peer);
		struct iovec v[DGRAM_BATCH];
		size_t n;

		for (n = 0; n < DGRAM_BATCH && pos + n < total; n++) {
			v[n].iov_base = f->buf[pos + n] + DGRAM_ROOM;
			v[n].iov_len = f->len[pos + n];
		}
		pos += n;
		dgram_rx(&peer->d, v, n);
		mem_deref(peer);
	}
	/* what was put by the receiver meanwhile waits for the next turn */
	f->count -= total;
	memmove(f->buf, f->buf + total, f->count * sizeof *f->buf);
	memmove(f->len, f->len + total, f->count * sizeof *f->len);
	if (!f->blocked)
		dgram_room(&f->d);
	if (f->count)
		loop_defer(f->loop, &f->defer, fakedgram_deliver, f);
	mem_deref(ref);
}

static inline void fakedgram_exchange(struct fakedgram *f, size_t i, size_t k)
{
	uint8_t tmp[FAKEDGRAM_SIZE];
	const size_t n = f->len[i];

	memcpy(tmp, f->buf[i] + DGRAM_ROOM, sizeof tmp);
	memcpy(f->buf[i] + DGRAM_ROOM, f->buf[k] + DGRAM_ROOM, sizeof tmp);
	memcpy(f->buf[k] + DGRAM_ROOM, tmp, sizeof tmp);
	f->len[i] = f->len[k];
	f->len[k] = n;
}

static inline int fakedgram_put(struct dgram *d, const void *p, size_t n)
{
	struct fakedgram *f = (struct fakedgram *)(void *)d;

	if (f->blocked || f->count == FAKEDGRAM_QUEUE)
		return EAGAIN;
	++f->put;
	if (f->drop && f->put % f->drop == 0) {
		++f->lost;
		return 0;
	}
	memcpy(f->buf[f->count] + DGRAM_ROOM, p, n);
	f->len[f->count++] = n;
	if (f->swap && f->count > 1 && f->put % f->swap == 0)
		fakedgram_exchange(f, f->count - 1, f->count - 2);
	loop_defer(f->loop, &f->defer, fakedgram_deliver, f);
	return 0;
}

static inline bool fakedgram_full(struct dgram *d)
{
	const struct fakedgram *f = (struct fakedgram *)(void *)d;

	return f->blocked || f->count == FAKEDGRAM_QUEUE;
}

static inline void fakedgram_destructor(void *arg)
{
	struct fakedgram *f = arg;

	loop_defer_cancel(f->loop, &f->defer);
	if (f->peer)
		f->peer->peer = NULL;
	free(f->buf);
}

static inline struct fakedgram *fakedgram_new(struct loop *l)
{
	static const struct dgram_ops ops = {
		fakedgram_put, fakedgram_full
	};
	struct fakedgram *f = mem_zalloc(sizeof *f, fakedgram_destructor);

	if (!f)
		return NULL;
	f->d.ops = &ops;
	f->d.mtu = FAKEDGRAM_MTU;
	f->loop = l;
	f->buf = calloc(FAKEDGRAM_QUEUE, sizeof *f->buf);
	return f->buf ? f : mem_deref(f);
}

static inline int fakedgram_alloc(struct dgram **ap, struct dgram **bp,
				  struct loop *l)
{
	struct fakedgram *a = fakedgram_new(l), *b = fakedgram_new(l);

	if (!a || !b) {
		mem_deref(a);
		mem_deref(b);
		return ENOMEM;
	}
	a->peer = b;
	b->peer = a;
	*ap = &a->d;
	*bp = &b->d;
	return 0;
}

static inline struct fakedgram *fakedgram_of(struct dgram *d)
{
	return (struct fakedgram *)(void *)d;
}

static inline void fakedgram_mtu(struct dgram *d, size_t mtu)
{
	dgram_set_mtu(d, mtu < FAKEDGRAM_SIZE ? mtu : FAKEDGRAM_SIZE);
}

static inline void fakedgram_drop(struct dgram *d, unsigned every)
{
	fakedgram_of(d)->drop = every;
}

static inline void fakedgram_swap(struct dgram *d, unsigned every)
{
	fakedgram_of(d)->swap = every;
}

static inline void fakedgram_block(struct dgram *d, bool blocked)
{
	fakedgram_of(d)->blocked = blocked;
	if (!blocked)
		dgram_room(d);
}

#endif
