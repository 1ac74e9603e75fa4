/*
 * checklist.c: candidates and their pairs, sorted by priority.
 * Owned by the agent. Knows limits and pruning, but no packets and no time.
 */
#include <errno.h>
#include "modules/path/checklist.h"

static void lcand_destructor(void *arg)
{
	list_unlink(&((struct lcand *)arg)->le);
}

static void rcand_destructor(void *arg)
{
	list_unlink(&((struct rcand *)arg)->le);
}

void checklist_drop_pair(struct checklist *cl, struct candpair *p)
{
	cl->pairc--;
	mem_deref(p);
}

static void pair_insert(struct checklist *cl, struct candpair *p)
{
	struct le *le;

	p->prio = candpair_prio(p, cl->controlling);
	LIST_FOREACH(&cl->pairl, le) {
		if (((struct candpair *)le->data)->prio < p->prio)
			break;
	}
	if (le)
		list_insert_before(&cl->pairl, le, &p->le, p);
	else
		list_append(&cl->pairl, &p->le, p);
	cl->pairc++;
}

/* The pair that is missed least: the lowest failed one, or else the lowest
 * that has not worked. */
static struct candpair *pair_victim(const struct checklist *cl)
{
	struct candpair *lowest = NULL;

	for (struct le *le = cl->pairl.tail; le; le = le->prev) {
		struct candpair *p = le->data;

		if (p->selected || p->state == PAIR_SUCCEEDED)
			continue;
		if (p->state == PAIR_FAILED)
			return p;
		if (!lowest)
			lowest = p;
	}
	return lowest;
}

/* Room for one more; RFC 8445 section 6.1.2.5 drops by priority. A check
 * that has arrived (`forced`) proves more than a priority does. */
static bool pair_room(struct checklist *cl, uint64_t prio, bool forced)
{
	struct candpair *victim;

	if (cl->pairc < PAIRS_MAX)
		return true;
	victim = pair_victim(cl);
	if (!victim || (!forced && victim->state != PAIR_FAILED &&
			victim->prio >= prio))
		return false;
	checklist_drop_pair(cl, victim);
	return true;
}

static struct candpair *pair_form(struct checklist *cl, struct lcand *local,
				  struct rcand *remote, bool forced)
{
	struct candpair *p;

	if (cl->no_relay && remote->c.type == CAND_RELAY)
		return NULL;
	if (candpair_alloc(&p, local, remote, cl->creds))
		return NULL;
	if (!pair_room(cl, candpair_prio(p, cl->controlling), forced)) {
		mem_deref(p);
		return NULL;
	}
	pair_insert(cl, p);
	return p;
}

static struct candpair *pair_find(const struct checklist *cl,
				  const struct lcand *local,
				  const struct rcand *remote)
{
	struct le *le;

	LIST_FOREACH(&cl->pairl, le) {
		struct candpair *p = le->data;

		if (p->local == local && p->remote == remote &&
		    p->creds == cl->creds)
			return p;
	}
	return NULL;
}

/* Reflexive candidates send from their base, so a pair of theirs would be
 * the base's once more: pruned before it exists (RFC 8445 6.1.2.4). */
static bool sends(const struct lcand *l)
{
	return l->c.type == CAND_HOST || l->c.type == CAND_RELAY;
}

static void pair_try(struct checklist *cl, struct lcand *l, struct rcand *r)
{
	if (sends(l) && candpair_fits(&l->c, &r->c) &&
	    !pair_find(cl, l, r))
		(void)pair_form(cl, l, r, false);
}

void checklist_reset(struct checklist *cl, struct creds *creds)
{
	struct le *le, *next;

	for (le = cl->pairl.head; le; le = next) {
		struct candpair *p = le->data;

		next = le->next;
		if (!creds || !p->selected)
			checklist_drop_pair(cl, p);
	}
	/* the selected pair holds its candidates by itself: out of the lists
	 * they are no longer paired or found */
	for (le = cl->locall.head; le; le = next) {
		next = le->next;
		list_unlink(le);
		mem_deref(le->data);
	}
	for (le = cl->remotel.head; le; le = next) {
		next = le->next;
		list_unlink(le);
		mem_deref(le->data);
	}
	mem_deref(cl->creds);
	cl->creds = mem_ref(creds);
}

static bool local_redundant(const struct checklist *cl, const struct cand *c)
{
	struct le *le;

	LIST_FOREACH(&cl->locall, le) {
		const struct lcand *l = le->data;

		if (l->c.transp == c->transp &&
		    sa_cmp(&l->c.addr, &c->addr, SA_ALL) &&
		    sa_cmp(&l->c.base, &c->base, SA_ALL))
			return true;
	}
	return false;
}

static int local_alloc(struct lcand **lp, struct checklist *cl,
		       const struct cand *c)
{
	struct lcand *l;

	if (local_redundant(cl, c))
		return EALREADY;
	if (list_count(&cl->locall) >= LOCAL_MAX)
		return EOVERFLOW;
	l = mem_zalloc(sizeof *l, lcand_destructor);
	if (!l)
		return ENOMEM;
	l->c = *c;
	list_append(&cl->locall, &l->le, l);
	*lp = l;
	return 0;
}

int checklist_add_local(struct checklist *cl, const struct cand *c)
{
	struct lcand *l;
	struct le *le;
	int err = local_alloc(&l, cl, c);

	if (err)
		return err;
	LIST_FOREACH(&cl->remotel, le) {
		struct rcand *r = le->data;

		/* peer-reflexive: only with the base it came to */
		if (r->c.type != CAND_PRFLX)
			pair_try(cl, l, r);
	}
	return 0;
}

int checklist_add_base(struct checklist *cl, const struct sa *base,
		       bool paired)
{
	struct cand c = {
		.type = CAND_HOST, .transp = CAND_UDP, .addr = *base,
		.base = *base, .prio = cand_prio(CAND_HOST, 0),
	};
	struct lcand *l;

	sa_init(&c.rel, AF_UNSPEC);
	cand_foundation(&c, NULL);
	return paired ? checklist_add_local(cl, &c) : local_alloc(&l, cl, &c);
}

static unsigned remote_count(const struct checklist *cl, bool prflx)
{
	unsigned n = 0;
	struct le *le;

	LIST_FOREACH(&cl->remotel, le) {
		const struct rcand *r = le->data;

		n += (r->c.type == CAND_PRFLX) == prflx;
	}
	return n;
}

static struct rcand *remote_alloc(struct checklist *cl, const struct cand *c)
{
	struct rcand *r = mem_zalloc(sizeof *r, rcand_destructor);

	if (!r)
		return NULL;
	r->c = *c;
	list_append(&cl->remotel, &r->le, r);
	return r;
}

static bool in_order(struct le *le1, struct le *le2, void *arg)
{
	const struct candpair *a = le1->data, *b = le2->data;

	(void)arg;
	return a->prio >= b->prio;
}

static void resort(struct checklist *cl)
{
	struct le *le;

	LIST_FOREACH(&cl->pairl, le) {
		struct candpair *p = le->data;

		p->prio = candpair_prio(p, cl->controlling);
	}
	list_sort(&cl->pairl, in_order, NULL);
}

/* What is known already: the same, or one that was peer-reflexive. */
static struct rcand *described(const struct checklist *cl,
			       const struct cand *c)
{
	struct le *le;

	LIST_FOREACH(&cl->remotel, le) {
		struct rcand *r = le->data;

		if (cand_proto(&r->c) == cand_proto(c) &&
		    (r->c.transp == c->transp || r->c.type == CAND_PRFLX) &&
		    sa_cmp(&r->c.addr, &c->addr, SA_ALL))
			return r;
	}
	return NULL;
}

/* All but the selected one. */
static void drop_pairs(struct checklist *cl, const struct rcand *r)
{
	struct le *le, *next;

	for (le = cl->pairl.head; le; le = next) {
		struct candpair *p = le->data;

		next = le->next;
		if (p->remote == r && !p->selected)
			checklist_drop_pair(cl, p);
	}
}

static void drop_remote(struct checklist *cl, struct rcand *r)
{
	drop_pairs(cl, r);
	mem_deref(r);
}

static bool works(const struct checklist *cl, const struct rcand *r)
{
	struct le *le;

	LIST_FOREACH(&cl->pairl, le) {
		const struct candpair *p = le->data;

		if (p->remote == r &&
		    (p->selected || p->state == PAIR_SUCCEEDED))
			return true;
	}
	return false;
}

/* The oldest that the peer's NAT has given it, and that leads nowhere. */
static bool remote_forget(struct checklist *cl)
{
	struct le *le;

	LIST_FOREACH(&cl->remotel, le) {
		struct rcand *r = le->data;

		if (r->c.type == CAND_SRFLX && !works(cl, r)) {
			drop_remote(cl, r);
			return true;
		}
	}
	return false;
}

int checklist_add_remote(struct checklist *cl, const struct cand *c)
{
	struct rcand *r = described(cl, c);
	struct le *le;

	if (r && r->c.type != CAND_PRFLX)
		return EALREADY;
	if (remote_count(cl, false) >= REMOTE_MAX && !remote_forget(cl))
		return EOVERFLOW;
	if (r) {
		r->c = *c;
		r->early = 0;
		if (cl->no_relay && c->type == CAND_RELAY)
			drop_pairs(cl, r);      /* it came before its name */
		resort(cl);
	}
	else {
		r = remote_alloc(cl, c);
		if (!r)
			return ENOMEM;
	}
	LIST_FOREACH(&cl->locall, le)
		pair_try(cl, le->data, r);
	return 0;
}

struct rcand *checklist_add_prflx(struct checklist *cl,
				  enum cand_transp transp,
				  const struct sa *src, uint32_t prio,
				  uint32_t early)
{
	struct cand c = {
		.type = CAND_PRFLX, .transp = transp, .prio = prio,
		.addr = *src
	};
	struct rcand *r;

	if (remote_count(cl, true) >= PRFLX_MAX)
		return NULL;
	sa_init(&c.base, AF_UNSPEC);
	sa_init(&c.rel, AF_UNSPEC);
	cand_foundation(&c, NULL);
	r = remote_alloc(cl, &c);
	if (r)
		r->early = early;
	return r;
}

struct rcand *checklist_remote(const struct checklist *cl, int proto,
			       const struct sa *addr)
{
	struct le *le;

	LIST_FOREACH(&cl->remotel, le) {
		struct rcand *r = le->data;

		if (cand_proto(&r->c) == proto &&
		    sa_cmp(&r->c.addr, addr, SA_ALL))
			return r;
	}
	return NULL;
}

struct lcand *checklist_base(const struct checklist *cl, int proto,
			     const struct sa *addr,
			     const struct rcand *remote)
{
	struct lcand *found = NULL;
	struct le *le;

	LIST_FOREACH(&cl->locall, le) {
		struct lcand *l = le->data;

		if (!sends(l) || cand_proto(&l->c) != proto ||
		    !sa_cmp(&l->c.base, addr, SA_ALL))
			continue;
		if (!found || (remote && candpair_fits(&l->c, &remote->c)))
			found = l;
	}
	return found;
}

struct candpair *checklist_way(const struct checklist *cl, int proto,
			       const struct sa *base, const struct sa *remote)
{
	struct le *le;

	LIST_FOREACH(&cl->pairl, le) {
		struct candpair *p = le->data;

		if (p->creds == cl->creds &&
		    candpair_is(p, proto, base, remote))
			return p;
	}
	return NULL;
}

struct candpair *checklist_pair(struct checklist *cl, struct lcand *local,
				struct rcand *remote)
{
	struct candpair *p = pair_find(cl, local, remote);

	return p ? p : pair_form(cl, local, remote, true);
}

/* Another socket has the same address: it is not the address that goes. */
static bool has_sibling(const struct checklist *cl, const struct sa *base)
{
	struct le *le;

	LIST_FOREACH(&cl->locall, le) {
		const struct cand *c = &((const struct lcand *)le->data)->c;

		if (c->type == CAND_HOST && c->transp == CAND_UDP &&
		    sa_cmp(&c->base, base, SA_ADDR) &&
		    !sa_cmp(&c->base, base, SA_ALL))
			return true;
	}
	return false;
}

/* whole: the address goes, and TCP with it. */
static bool has_base(const struct cand *c, const struct sa *base, bool whole)
{
	bool port = !whole || c->transp == CAND_UDP || c->type == CAND_RELAY;

	return sa_cmp(&c->base, base, port ? SA_ALL : SA_ADDR);
}

bool checklist_drop_local(struct checklist *cl, const struct sa *base)
{
	const bool whole = !has_sibling(cl, base);
	bool selected = false;
	struct le *le, *next;

	for (le = cl->pairl.head; le; le = next) {
		struct candpair *p = le->data;

		next = le->next;
		if (!has_base(&p->local->c, base, whole))
			continue;
		selected |= p->selected;
		checklist_drop_pair(cl, p);
	}
	for (le = cl->locall.head; le; le = next) {
		struct lcand *l = le->data;

		next = le->next;
		if (has_base(&l->c, base, whole))
			mem_deref(l);
	}
	return selected;
}

void checklist_drop_early(struct checklist *cl, uint32_t keep)
{
	struct le *le, *next;

	for (le = cl->remotel.head; le; le = next) {
		struct rcand *r = le->data;

		next = le->next;
		if (r->c.type == CAND_PRFLX && r->early != keep)
			drop_remote(cl, r);
	}
}

void checklist_role(struct checklist *cl, bool controlling)
{
	cl->controlling = controlling;
	resort(cl);
}
