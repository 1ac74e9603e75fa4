/*
 * fq.c: flows take turns by bytes (deficit round robin), new ones first.
 *
 *   newl: [ping] [dns]            oldl: [download] [upload]
 *           |                              |
 *         block -> block               block -> block -> ...
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "sdp/base/clock.h"
#include "tunnels/vpn/fq.h"
#include "tunnels/vpn/inner.h"

enum {
	FLOWS = 64,
	QUANTUM = 1514,                 /* bytes of a turn */
	BLOCK = 2048,
};

/* CoDel: who waits longer than TARGET for an INTERVAL is told. */
#define TARGET (5 * MSEC)
#define INTERVAL (100 * MSEC)

/* A packet is a chain of blocks; the first one has its header. */
struct block {
	struct block *more;             /* of the same packet */
	struct block *next;             /* packet of the flow */
	uint64_t at;
	size_t len;
	struct fqinfo info;
	uint8_t data[];
};

enum { ROOM = BLOCK - sizeof(struct block) };

/* What was in use at once is kept for the next burst, and the less of it, the
 * smaller those that come are: packets take no memory of their own. */
struct fqpool {
	struct block *free;
	size_t used, held, max;         /* blocks */
	size_t peak;                    /* used, since it was none */
	size_t keep;
};

struct flow {
	struct le le;                   /* of newl, oldl */
	struct block *head, **tail;
	size_t bytes;
	int deficit;
	/* CoDel's */
	bool dropping;
	uint64_t above, next;
	uint32_t count, last;
};

struct fq {
	struct fqpool *pool;
	struct list newl, oldl;
	uint32_t seed;
	struct flow flowv[FLOWS];
};

static void pool_destructor(void *arg)
{
	struct fqpool *p = arg;

	while (p->free) {
		struct block *b = p->free;

		p->free = b->more;
		free(b);
	}
}

int fqpool_alloc(struct fqpool **pp, size_t bytes)
{
	struct fqpool *p = mem_zalloc(sizeof *p, pool_destructor);

	if (!p)
		return ENOMEM;
	p->max = bytes / BLOCK;
	*pp = p;
	return 0;
}

static struct block *block_get(struct fqpool *p)
{
	struct block *b = p->free;

	if (b)
		p->free = b->more;
	else if (p->held < p->max) {
		b = malloc(BLOCK);
		p->held += b != NULL;
	}
	p->used += b != NULL;
	if (p->used > p->peak)
		p->peak = p->used;
	return b;
}

static void none_used(struct fqpool *p)
{
	p->keep -= (p->keep + 7) / 8;
	if (p->keep < p->peak)
		p->keep = p->peak;
	p->peak = 0;
	while (p->held > p->keep) {
		struct block *b = p->free;

		p->free = b->more;
		free(b);
		--p->held;
	}
}

static void chain_free(struct fqpool *p, struct block *b)
{
	while (b) {
		struct block *more = b->more;

		b->more = p->free;
		p->free = b;
		--p->used;
		b = more;
	}
	if (!p->used)
		none_used(p);
}

/* NULL: the pool has not so many. */
static struct block *chain_make(struct fqpool *pool, const uint8_t *p,
				size_t n)
{
	struct block *first = NULL, **end = &first;

	for (size_t pos = 0; pos < n; pos += ROOM) {
		struct block *b = block_get(pool);

		if (!b) {
			chain_free(pool, first);
			return NULL;
		}
		b->more = NULL;
		memcpy(b->data, p + pos, n - pos < ROOM ? n - pos : ROOM);
		*end = b;
		end = &b->more;
	}
	return first;
}

static void chain_read(const struct block *b, uint8_t *p)
{
	size_t left = b->len;

	for (; b; b = b->more) {
		const size_t k = left < ROOM ? left : ROOM;

		memcpy(p, b->data, k);
		p += k;
		left -= k;
	}
}

/* --- a flow ------------------------------------------------------------ */

static struct block *flow_pop(struct flow *w)
{
	struct block *b = w->head;

	if (!b)
		return NULL;
	w->head = b->next;
	if (!w->head)
		w->tail = &w->head;
	w->bytes -= b->len;
	return b;
}

static void flow_drop(struct fqpool *pool, struct flow *w)
{
	chain_free(pool, flow_pop(w));
}

static uint32_t root(uint32_t n)
{
	uint32_t r = 1;

	while ((r + 1) * (r + 1) <= n && r < 65535)
		++r;
	return r;
}

/* RFC 8289, 3.3: the more were told in vain, the sooner the next. */
static uint64_t control_law(uint64_t t, uint32_t count)
{
	return t + INTERVAL / root(count);
}

/* Has the packet in front waited too long for too long? The last one of a
 * flow is never dropped. */
static bool too_long(struct flow *w, uint64_t now)
{
	if (!w->head || !w->head->next || now - w->head->at < TARGET) {
		w->above = 0;
		return false;
	}
	if (!w->above)
		w->above = now + INTERVAL;
	return now >= w->above;
}

static void start_dropping(struct flow *w, uint64_t now)
{
	const uint32_t since = w->count - w->last;

	w->dropping = true;
	w->count = since > 1 && now - w->next < 16 * INTERVAL ? since : 1;
	w->last = w->count;
	w->next = control_law(now, w->count);
}

static struct block *flow_get(struct fqpool *pool, struct flow *w,
			      uint64_t now, uint64_t *dropped)
{
	bool bad = too_long(w, now);

	if (!bad)
		w->dropping = false;
	else if (!w->dropping) {
		flow_drop(pool, w);
		++*dropped;
		start_dropping(w, now);
	}
	else while (w->dropping && now >= w->next) {
		flow_drop(pool, w);
		++*dropped;
		++w->count;
		w->next = control_law(w->next, w->count);
		w->dropping = too_long(w, now);
	}
	return flow_pop(w);
}

/* --- all --------------------------------------------------------------- */

static void fq_destructor(void *arg)
{
	struct fq *f = arg;

	for (size_t i = 0; i < FLOWS; i++)
		while (f->flowv[i].head)
			flow_drop(f->pool, &f->flowv[i]);
	mem_deref(f->pool);
}

int fq_alloc(struct fq **fp, struct fqpool *pool)
{
	struct fq *f = mem_zalloc(sizeof *f, fq_destructor);

	if (!f)
		return ENOMEM;
	f->pool = mem_ref(pool);
	f->seed = rand_u32();
	for (size_t i = 0; i < FLOWS; i++)
		f->flowv[i].tail = &f->flowv[i].head;
	*fp = f;
	return 0;
}

/* Addresses and, where there are any, ports. */
static struct flow *flow_of(struct fq *f, const uint8_t *p, size_t n)
{
	const bool v6 = p[0] & 0x20;    /* INNER_PARTIAL may be set */
	const size_t at = v6 ? 8 : 12, len = v6 ? 32 : 8;
	struct inner in;
	uint32_t h = f->seed;

	if (n >= at + len)
		h = (uint32_t)hash_joaat(p + at, len) ^ f->seed * 31;
	if (!inner_parse(&in, p, n) && !in.fragment &&
	    (in.proto == IP_TCP || in.proto == IP_UDP) &&
	    in.l4 + 4u <= n)
		h = h * 31 + (uint32_t)hash_joaat(p + in.l4, 4);
	else if (n > 9)
		h += p[v6 ? 6 : 9];
	return &f->flowv[(h ^ h >> 16) % FLOWS];
}

static struct flow *longest(struct fq *f)
{
	struct flow *w = NULL;

	for (size_t i = 0; i < FLOWS; i++)
		if (f->flowv[i].head && (!w || f->flowv[i].bytes > w->bytes))
			w = &f->flowv[i];
	return w;
}

unsigned fq_put(struct fq *f, const struct fqinfo *info, const uint8_t *p,
		size_t n, uint64_t now)
{
	struct block *b;
	struct flow *w;
	unsigned dropped = 0;

	if (!n)
		return 0;
	while (!(b = chain_make(f->pool, p, n))) {
		++dropped;
		w = longest(f);
		if (!w)
			return dropped;
		flow_drop(f->pool, w);
	}
	w = flow_of(f, p, n);
	b->len = n;
	b->at = now;
	b->info = *info;
	b->next = NULL;
	*w->tail = b;
	w->tail = &b->next;
	w->bytes += n;
	if (!w->le.list) {
		w->deficit = QUANTUM;
		list_append(&f->newl, &w->le, w);
	}
	return dropped;
}

static void to_old(struct fq *f, struct flow *w)
{
	list_unlink(&w->le);
	list_append(&f->oldl, &w->le, w);
}

/* RFC 8290, 4.2. An emptied flow of the new ones goes through the old ones
 * once, that it cannot be new again at once. */
size_t fq_get(struct fq *f, struct fqinfo *info, uint8_t *p, uint64_t now,
	      uint64_t *dropped)
{
	struct le *le;

	while ((le = f->newl.head ? f->newl.head : f->oldl.head)) {
		struct flow *w = le->data;
		const bool new = le->list == &f->newl;
		struct block *b;
		size_t n;

		if (w->deficit <= 0) {
			w->deficit += QUANTUM;
			to_old(f, w);
			continue;
		}
		b = flow_get(f->pool, w, now, dropped);
		if (!b) {
			if (new && f->oldl.head)
				to_old(f, w);
			else
				list_unlink(&w->le);
			continue;
		}
		n = b->len;
		w->deficit -= (int)n;
		*info = b->info;
		chain_read(b, p);
		chain_free(f->pool, b);
		return n;
	}
	return 0;
}
