/*
 * nominate.c: the controlling side chooses, the controlled side follows.
 *
 *   valid pairs --best--> check with USE-CANDIDATE --answer--> selected
 *
 * A pair on the LAN is taken at once, and any direct one by UDP if the peer
 * can renominate; anything else waits some tens of ms for a better kind. If
 * it can, the very first is in use before its nomination is answered: being
 * valid it may carry data (RFC 8445 section 12.1), and each request for
 * consent nominates it again. The controlled side uses such a pair before it
 * is nominated, once the peer has checked it: by then the peer knows it and
 * can be talked to. A move later needs a peer that can renominate, or a
 * selected pair that is dead. Each nomination has a number and the last one
 * wins, however packets overtake each other.
 */
#include "modules/path/checks.h"
#include "modules/path/nominate.h"
#include "modules/path/renew.h"

/* Checks in progress that could at best give a worse kind are parked. */
static void park_worse(struct agent *a)
{
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (p->state != PAIR_IN_PROGRESS || p->selected ||
		    candpair_tier(p) <= candpair_tier(a->selected))
			continue;
		p->state = PAIR_WAITING;
		p->pending = false;
	}
}

/* The pair of the generation before has done its duty. */
static void drop_old(struct agent *a, struct candpair *old)
{
	if (old && old->creds != a->cl.creds)
		checklist_drop_pair(&a->cl, old);
}

void nominate_select(struct agent *a, struct candpair *p, uint64_t now)
{
	struct candpair *old = a->selected;

	if (old == p)
		return;
	if (old && candpair_tier(old) < candpair_tier(p))
		a->events |= AGENT_SUSPECT;
	if (old)
		old->selected = false;
	p->selected = true;
	a->selected = p;
	a->moved_at = now;
	a->suspect_since = 0;
	a->hint = false;
	/* a nomination may come long after the check that made p valid; and
	 * whether it carries data is asked soon */
	a->consent_at = p->heard + ICE_CONSENT_BUSY;
	a->consent_end = now + ICE_CONSENT_END;
	a->warm_at = now + ICE_WARM;
	a->events |= AGENT_FOUND | AGENT_CONSENT;
	drop_old(a, old);
	park_worse(a);
}

static bool usable(const struct agent *a, const struct candpair *p,
		   uint64_t now)
{
	if (p->state != PAIR_SUCCEEDED || p->creds != a->cl.creds)
		return false;
	if (p == a->selected)
		return !a->suspect_since;
	if (a->suspect_since && a->selected)
		return p->heard > a->suspect_since;
	return !ice_silent(p, now) &&
		(!a->selected || p->heard + ICE_FRESH > now);
}

/* The best valid pair but `not`; by priority where nothing else decides. */
static struct candpair *best_valid(const struct agent *a,
				   const struct candpair *not, uint64_t now)
{
	struct candpair *best = NULL;
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (p != not && usable(a, p, now) &&
		    (!best || candpair_better(p, best, 1)))
			best = p;
	}
	return best;
}

/* Nothing that is being tried, or may still be told, can be of a better
 * kind than this. */
static bool nothing_better(const struct agent *a, const struct candpair *p)
{
	enum pair_tier tier = candpair_tier(p);
	struct le *le;

	if (tier == TIER_LAN)
		return true;
	if (!a->complete || !a->gathered)
		return false;
	LIST_FOREACH(&a->cl.pairl, le) {
		const struct candpair *q = le->data;

		if (candpair_tier(q) < tier &&
		    (q->state == PAIR_WAITING ||
		     q->state == PAIR_IN_PROGRESS))
			return false;
	}
	return true;
}

/* Nothing of this generation is in use, or what is does not answer. */
static bool in_need(const struct agent *a)
{
	return !a->selected || a->suspect_since ||
		a->selected->creds != a->cl.creds;
}

/* Worth a move although the present pair works: never for noise. */
static bool worth_it(const struct agent *a, const struct candpair *p,
		     uint64_t now)
{
	const struct candpair *sel = a->selected;

	if (!a->renomination || !candpair_better(p, sel, ICE_SAMPLES))
		return false;
	return candpair_tier(p) < candpair_tier(sel) ||
		now >= a->moved_at + ICE_SWITCH;
}

static struct candpair *nominating(const struct agent *a)
{
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (p->nominating)
			return p;
	}
	return NULL;
}

/* A better one may come, but can be moved to. */
static bool good_enough(const struct agent *a, const struct candpair *p)
{
	return a->renomination && candpair_tier(p) <= TIER_DIRECT;
}

/* Each better kind by UDP has been asked for longer than this one took to
 * answer: no need to wait where one can move later. */
static bool others_had_time(const struct agent *a, const struct candpair *p,
			    uint64_t now)
{
	const uint64_t took = max(p->srtt, p->rtt_most);
	struct le *le;

	if (!a->renomination)
		return false;
	LIST_FOREACH(&a->cl.pairl, le) {
		const struct candpair *q = le->data;

		if (candpair_tier(q) > TIER_DIRECT)
			continue;
		if (q->state == PAIR_WAITING ||
		    (q->state == PAIR_IN_PROGRESS &&
		     q->txn[0].sent + took > now))
			return false;
	}
	return true;
}

static struct candpair *choose(const struct agent *a, uint64_t now)
{
	struct candpair *busy = nominating(a), *fresh = renew_pair(a, now);
	struct candpair *best = fresh && fresh != busy ? fresh :
		best_valid(a, busy, now);

	if (!best || best == a->selected)
		return NULL;
	if (busy && candpair_tier(best) < candpair_tier(busy) &&
	    good_enough(a, best))
		return best;
	if (busy && now < busy->txn[0].sent + ICE_NOMINATE_RETRY)
		return NULL;
	if (busy)
		return best->heard > busy->heard ? best : NULL;
	if (!in_need(a))
		return best == fresh || worth_it(a, best, now) ? best : NULL;
	if (good_enough(a, best) || nothing_better(a, best) ||
	    others_had_time(a, best, now) || !a->choose_at)
		return best;
	return NULL;
}

void nominate_run(struct agent *a, uint64_t now)
{
	struct candpair *p, *busy;

	if (!a->cl.controlling || a->failed)
		return;
	if (now >= a->choose_at)
		a->choose_at = 0;
	p = choose(a, now);
	if (!p)
		return;
	busy = nominating(a);
	if (busy)
		busy->nominating = false;
	p->nomination = ++p->creds->nomination;
	if (!a->selected && a->renomination)
		nominate_select(a, p, now);
	else
		p->nominating = true;
	(void)check_start(a, p, now);
}

uint64_t nominate_next(const struct agent *a)
{
	/* all else happens when an answer comes, or at a retransmission */
	return a->cl.controlling && a->choose_at ? a->choose_at : UINT64_MAX;
}

void nominate_repeat(struct agent *a)
{
	struct candpair *p = a->selected;

	if (a->cl.controlling && p->nomination < p->creds->nomination &&
	    !nominating(a))
		p->nomination = ++p->creds->nomination;
}

/* Without numbers (RFC 5245's aggressive nomination) the priority decides,
 * unless the pair in use is dead. */
static bool follows(const struct agent *a, const struct candpair *p)
{
	return in_need(a) || p->creds->nomination ||
		p->prio > a->selected->prio;
}

/* Works both ways, and the peer knows us: most likely it will be nominated
 * when the answer to that check is there. */
static bool foreseen(const struct agent *a, const struct candpair *p)
{
	return !a->selected && p->asked && p->creds == a->cl.creds &&
		good_enough(a, p);
}

static void follow(struct agent *a, struct candpair *p, uint64_t now)
{
	if (a->cl.controlling || p->state != PAIR_SUCCEEDED)
		return;
	if (foreseen(a, p)) {
		p->nominated = false;
		nominate_select(a, p, now);
	}
	else if (p->nominated && follows(a, p)) {
		p->nominated = false;
		nominate_select(a, p, now);
	}
}

void nominate_valid(struct agent *a, struct candpair *p, uint64_t now)
{
	if (!a->valid && p->creds == a->cl.creds) {
		a->valid = true;
		a->warm_at = now + ICE_CONSENT;
		a->choose_at = now + (a->renomination ? ICE_NOMINATE_WAIT
				      : ICE_NOMINATE_WAIT_ONCE);
	}
	follow(a, p, now);
}

void nominate_asked(struct agent *a, struct candpair *p, uint64_t now)
{
	p->asked = true;
	follow(a, p, now);
}

void nominate_by_peer(struct agent *a, struct candpair *p, uint32_t value,
		      uint64_t now)
{
	struct le *le;

	if (value) {
		if (value < p->creds->nomination)
			return;
		p->creds->nomination = value;
		if (p->selected)
			return;
		LIST_FOREACH(&a->cl.pairl, le)
			((struct candpair *)le->data)->nominated = false;
	}
	p->nominated = true;
	follow(a, p, now);
}
