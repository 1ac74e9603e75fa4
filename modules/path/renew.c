/*
 * renew.c: make before break. Some NATs end a mapping after a time, however
 * much it is used (keepalive.h has learned which).
 *
 *   selected pair <------------- mapping -------------> ends
 *                       | due: AGENT_RENEW
 *                       v
 *   another socket, or another allocation of the relay by another socket,
 *   its candidates told --> pair of it valid --> nominated
 *
 * The controlling side nominates it as any other. The controlled one cannot,
 * and takes back its consent to the old pair instead (RFC 7675 section 5.2):
 * unanswered, the controlling side looks for another pair, while data goes on
 * by the old one. Nothing of it is done for a session that carries nothing.
 * Called by agent.c, incoming.c and nominate.c.
 */
#include "modules/path/renew.h"

#define USED  (3 * SEC)         /* between two answers: it was not idle */
#define AHEAD (3 * SEC)         /* at least, or a quarter of its life */
#define MUTE  (5 * SEC)         /* then the old pair counts again */
#define LATELY (10 * SEC)       /* a relay that is silent was asked by then */

void renew_heard(struct agent *a, struct candpair *p, const struct sa *mapped,
		 uint64_t now)
{
	const bool used = p->mapped_at && now < p->heard + USED;

	if (sa_cmp(&p->mapped, mapped, SA_ALL))
		return;
	/* another address is another network */
	if (used && sa_cmp(&p->mapped, mapped, SA_ADDR))
		keepalive_ended(a->conf.keepalive, &p->local->c.base, mapped,
				p->heard - p->mapped_at, now);
	p->mapped_at = now;
	p->renewed = false;
}

/* By a mapping of a NAT, from a socket of this host. */
static bool is_mapped(const struct candpair *p)
{
	return p->local->c.type == CAND_HOST &&
		p->local->c.transp == CAND_UDP &&
		sa_isset(&p->mapped, SA_ALL) &&
		!sa_cmp(&p->mapped, &p->local->c.base, SA_ALL);
}

/* Between us and a relay of ours there is one too, which the peer does not
 * see: told by the relay's address and ours outside, if that may be told. */
static const struct sa *outside(const struct candpair *p)
{
	const struct cand *c = &p->local->c;

	if (c->type != CAND_RELAY)
		return &p->mapped;
	return sa_isset(&c->rel, SA_ADDR) ? &c->rel : &c->base;
}

void renew_gone(struct agent *a, const struct sa *base, uint64_t now)
{
	const struct candpair *p = a->selected;

	if (p && a->busy && p->mapped_at && now < p->heard + LATELY &&
	    p->local->c.type == CAND_RELAY &&
	    sa_cmp(&p->local->c.base, base, SA_ALL))
		keepalive_ended(a->conf.keepalive, base, outside(p),
				p->heard - p->mapped_at, now);
}

static uint64_t due(const struct agent *a)
{
	const struct candpair *p = a->selected;
	uint64_t life;

	if (!p || p->renewed || !a->busy || p->creds != a->cl.creds ||
	    !(is_mapped(p) || p->local->c.type == CAND_RELAY))
		return UINT64_MAX;
	life = keepalive_life(a->conf.keepalive, &p->local->c.base,
			      outside(p));
	if (!life)
		return UINT64_MAX;
	return p->mapped_at + life - min(max(life / 4, AHEAD), life);
}

void renew_run(struct agent *a, uint64_t now)
{
	if (now < due(a))
		return;
	a->selected->renewed = true;
	a->mute_end = 0;
	a->events |= AGENT_RENEW;
}

uint64_t renew_next(const struct agent *a)
{
	return due(a);
}

static bool is_fresh(const struct agent *a, const struct candpair *p)
{
	return sa_cmp(&p->local->c.base, &a->fresh, SA_ALL);
}

struct candpair *renew_pair(const struct agent *a, uint64_t now)
{
	const struct candpair *sel = a->selected;
	struct le *le;

	if (!sel || !sel->renewed || !a->renomination || is_fresh(a, sel))
		return NULL;
	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (is_fresh(a, p) && p->state == PAIR_SUCCEEDED &&
		    !ice_silent(p, now) &&
		    candpair_tier(p) <= candpair_tier(sel))
			return p;
	}
	return NULL;
}

bool renew_mute(struct agent *a, const struct sa *local, uint64_t now)
{
	const struct candpair *p = renew_pair(a, now);

	/* others of that address are as old as what we have, or older */
	if (a->cl.controlling || !p || !p->asked ||
	    !sa_cmp(local, &a->fresh, SA_ADDR) ||
	    sa_cmp(local, &a->fresh, SA_ALL))
		return false;
	if (!a->mute_end)
		a->mute_end = now + MUTE;
	return now < a->mute_end;
}
