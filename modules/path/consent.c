/*
 * consent.c: consent freshness and failover.
 *
 *   every 4-6 s a request, 0.6-0.8 s with data -- answered --> 30 s more
 *        | no answer for 2 s, 0.5 s with data, 0.3 s if the peer has moved
 *        v
 *   suspect: all pairs checked again, one that answers is nominated
 *        | 30 s no answer
 *        v
 *   the end
 *
 * The controlling side keeps two spare valid pairs warm, so that there is
 * something to move to.
 */
#include "modules/path/checks.h"
#include "modules/path/consent.h"
#include "modules/path/nominate.h"

/* 0.8 to 1.2 of the interval, RFC 7675 section 5.1 */
static uint64_t jittered(struct agent *a, uint64_t t)
{
	return t * 4 / 5 + ice_random(a) % (t * 2 / 5);
}

void consent_heard(struct agent *a, uint64_t now)
{
	a->suspect_since = 0;
	a->hint = false;
	a->consent_end = now + ICE_CONSENT_END;
	a->events |= AGENT_CONSENT;
}

static void reping(struct agent *a, uint64_t now)
{
	struct le *le;

	a->reping_at = now + ICE_REPING;
	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (!p->selected && !p->pending)
			check_trigger(a, p);
	}
}

void consent_suspect(struct agent *a, uint64_t now)
{
	if (a->suspect_since)
		return;
	a->suspect_since = now;
	a->events |= AGENT_SUSPECT;
	reping(a, now);
}

/* RFC 7675 asks for consent at least every 6 s; to ask more often is how a
 * dead path is noticed while it is needed. */
static void ask(struct agent *a, uint64_t now)
{
	a->busy = a->conf.busyh && a->conf.busyh(a->conf.arg);
	a->consent_at = now + jittered(a, a->busy ? ICE_CONSENT_BUSY
				       : ICE_CONSENT);
	nominate_repeat(a);
	(void)check_start(a, a->selected, now);
}

void consent_probe(struct agent *a, uint64_t now)
{
	const struct candpair *p = a->selected;

	if (!p)
		return;
	a->hint = true;
	if (p->pending)
		return;
	if (now < p->heard + ICE_SUSPECT_HINT)
		a->consent_at = min(a->consent_at, p->heard +
				    ICE_SUSPECT_HINT);
	else
		ask(a, now);
}

static uint64_t patience(const struct agent *a)
{
	uint64_t t = a->busy ? ICE_SUSPECT_BUSY : ICE_SUSPECT;

	if (a->hint)
		t = ICE_SUSPECT_HINT;
	return max(t, 3 * a->selected->srtt);
}

static bool spare(const struct agent *a, const struct candpair *p)
{
	return p->state == PAIR_SUCCEEDED && !p->selected && !p->pending &&
		p->creds == a->cl.creds;
}

/* Spares in the order of the list: by priority. Before there is a selected
 * pair, all that may become it: a peer may ring for long before it knows us
 * and can nominate, and NATs forget. */
static void warm(struct agent *a, uint64_t now)
{
	unsigned most = a->selected ? ICE_WARM_PAIRS : ICE_WARM_EARLY;
	unsigned n = 0;
	struct le *le;

	a->warm_at = now + jittered(a, a->selected ? ICE_WARM : ICE_CONSENT);
	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (spare(a, p) && n++ < most)
			(void)check_start(a, p, now);
	}
}

static bool warms(const struct agent *a)
{
	return a->valid && (!a->selected || a->cl.controlling);
}

static uint64_t end(const struct agent *a)
{
	return max(a->consent_end, a->deadline);
}

static void stop(struct agent *a)
{
	struct le *le;

	a->failed = true;
	a->events |= a->consent_end ? AGENT_EXPIRED : AGENT_NO_PAIR;
	if (a->selected)
		a->selected->selected = false;
	a->selected = NULL;
	LIST_FOREACH(&a->cl.pairl, le)
		check_fail(le->data);
}

/* Its time is over, but a restart or lost address has checks running. */
static void deselect(struct agent *a)
{
	struct candpair *p = a->selected;

	p->selected = false;
	a->selected = NULL;
	check_fail(p);
	if (p->creds != a->cl.creds)
		checklist_drop_pair(&a->cl, p);
}

static void watch(struct agent *a, uint64_t now)
{
	const struct candpair *p = a->selected;

	if (now >= a->consent_end) {
		deselect(a);
		return;
	}
	if (now >= a->consent_at)
		ask(a, now);
	if (p->pending && now >= p->unanswered + patience(a))
		consent_suspect(a, now);
}

void consent_run(struct agent *a, uint64_t now)
{
	if (end(a) && now >= end(a)) {
		stop(a);
		return;
	}
	if (a->selected)
		watch(a, now);
	if (a->suspect_since && now >= a->reping_at)
		reping(a, now);
	if (warms(a) && now >= a->warm_at)
		warm(a, now);
}

uint64_t consent_next(const struct agent *a)
{
	const struct candpair *p = a->selected;
	uint64_t next = end(a) ? end(a) : UINT64_MAX;

	if (a->suspect_since)
		next = min(next, a->reping_at);
	if (warms(a))
		next = min(next, a->warm_at);
	if (!p)
		return next;
	next = min(next, min(a->consent_at, a->consent_end));
	if (p->pending && !a->suspect_since)
		next = min(next, p->unanswered + patience(a));
	return next;
}
