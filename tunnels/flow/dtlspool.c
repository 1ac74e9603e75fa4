/*
 * dtlspool.c: what the DTLS associations of one worker share.
 *
 * Lookups do not become slower with more sessions; those between the same two
 * sockets are in one list, the one that spoke last in front.
 */
#include <stdlib.h>
#include "tunnels/flow/dtlspool.h"

enum {
	BUCKETS = 4096,
	TEXT_SIZE = DGRAM_ROOM + 16384, /* RFC 5246, 6.2.1 */
};

static void drop_batches(struct dpool *p)
{
	struct le *le;

	while ((le = list_head(&p->batchl))) {
		list_unlink(le);
		free(le->data);
	}
}

static void pool_destructor(void *arg)
{
	struct dpool *p = arg;
	struct le *le;

	while ((le = list_head(&p->connl)))
		p->closeh(le->data);
	list_flush(&p->ctxl);
	drop_batches(p);
	mem_deref(p->rx);
	mem_deref(p->addrs);
	mem_deref(p->tags);
	free(p->text);
}

struct dpool *dpool_get(struct worker *w, void (*closeh)(struct dconn *c))
{
	void **slot = worker_dtls(w);
	struct dpool *p = *slot;
	int err;

	if (p)
		return p;
	p = mem_zalloc(sizeof *p, pool_destructor);
	if (!p)
		return NULL;
	p->closeh = closeh;
	p->text = malloc(TEXT_SIZE);
	err = hash_alloc(&p->addrs, BUCKETS);
	if (!err)
		err = hash_alloc(&p->tags, BUCKETS);
	if (err || !p->text)
		p = mem_deref(p);
	*slot = p;
	return p;
}

void dpool_addr_add(struct dpool *p, struct daddr *a, struct dconn *c,
		    const struct sa *sa)
{
	dpool_addr_del(a);
	a->c = c;
	sa_cpy(&a->sa, sa);
	hash_append(p->addrs, sa_hash(sa, SA_ALL), &a->le, a);
}

void dpool_addr_del(struct daddr *a)
{
	hash_unlink(&a->le);
}

void dpool_tag_add(struct dpool *p, struct dconn *c)
{
	hash_append(p->tags, c->tag, &c->tag_le, c);
}

void dpool_tag_del(struct dconn *c)
{
	hash_unlink(&c->tag_le);
}

struct le *dpool_addr_first(const struct dpool *p, const struct sa *sa)
{
	return list_head(hash_list(p->addrs, sa_hash(sa, SA_ALL)));
}

void dpool_addr_front(struct daddr *a)
{
	struct list *l = a->le.list;

	if (!l || !a->le.prev)
		return;
	list_unlink(&a->le);
	list_prepend(l, &a->le, a);
}

bool dpool_knows(const struct dconn *c, const struct sa *src)
{
	for (unsigned i = 0; i < DTLS_ADDRS; i++)
		if (c->addrv[i].c && sa_cmp(&c->addrv[i].sa, src, SA_ALL))
			return true;
	return false;
}

struct dconn *dpool_tag_find(const struct dpool *p, uint32_t tag,
			     const struct sa *src)
{
	struct le *le = list_head(hash_list(p->tags, tag));

	for (; le; le = le->next) {
		struct dconn *c = le->data;

		if (c->tag == tag && (!c->has_path || dpool_knows(c, src)))
			return c;
	}
	return NULL;
}

struct batch *dpool_batch(struct dpool *p)
{
	struct le *le = list_head(&p->batchl);
	struct batch *b = le ? le->data : malloc(sizeof *b);

	if (!b)
		return NULL;
	if (le)
		list_unlink(le);
	memset(b, 0, offsetof(struct batch, buf));
	return b;
}

void dpool_batch_back(struct dpool *p, struct batch *b)
{
	if (!b)
		return;
	if (list_count(&p->batchl) >= DPOOL_BATCHES)
		free(b);
	else
		list_prepend(&p->batchl, &b->le, b);
}

void dpool_left(struct dpool *p)
{
	if (list_isempty(&p->connl))
		drop_batches(p);
}
