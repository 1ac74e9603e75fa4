/*
 * turngroup.c: an allocation on one relay, by the first of its ways that
 * gives one (turnattempt.c is one of them). Called by turnfinder.c.
 *
 *   way 0 --250 ms--> way 1 --250 ms--> way 2 ...    the next at once when
 *     |                                              one has failed
 *     v link up, Allocate
 *   READY: candidates; the other ways are dropped
 *     | lost: candidates gone, all ways once more: at once, then after
 *     v 1, 2, 4 ... 30 s
 *
 * turngroup_fresh: a second allocation by the same way, while the first goes
 * on (renew.c); that one goes when the next is made, or ends by itself.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/turnattempt.h"
#include "sdp/base/clock.h"

enum {
	HOPS_MAX = 3,           /* from server to server */
};

#define STAGGER   (250 * MSEC)
#define RETRY_MIN SEC
#define RETRY_MAX (30 * SEC)
#define RETRY_LATER (60 * SEC)          /* the server has no room */

static void start_all(struct turngroup *g, uint64_t now)
{
	g->retry_at = UINT64_MAX;
	for (size_t i = 0; i < g->r->wayc; i++) {
		g->v[i].open_at = i == g->r->hint ? now : now + i * STAGGER;
		g->v[i].hops = 0;
		sa_init(&g->v[i].elsewhere, AF_UNSPEC);
	}
}

static bool any_left(const struct turngroup *g)
{
	for (size_t i = 0; i < g->r->wayc; i++)
		if (g->v[i].link || g->v[i].open_at != UINT64_MAX)
			return true;
	return false;
}

static void next_way(struct turngroup *g, uint64_t now)
{
	for (size_t i = 0; i < g->r->wayc; i++) {
		if (g->v[i].open_at == UINT64_MAX)
			continue;
		g->v[i].open_at = now;
		return;
	}
}

static uint64_t backoff(const struct turngroup *g)
{
	const unsigned n = min(g->fails, 6u);

	if (g->end == TURN_REFUSED || g->end == TURN_LATER)
		return RETRY_LATER;
	return n ? min(RETRY_MIN << (n - 1), RETRY_MAX) : 0;
}

/* A refusal is worth more to people than silence by another way. */
static void note(struct turngroup *g, enum turn_end end, const char *why)
{
	if (g->end == TURN_REFUSED && *g->why && end != TURN_REFUSED)
		return;
	g->end = end;
	(void)re_snprintf(g->why, sizeof g->why, "the relay %s %s",
			  g->r->name, why);
}

static void failed(struct turnattempt *a, enum turn_end end, const char *why,
		   uint64_t now)
{
	struct turngroup *g = a->g;

	note(g, end, why);
	turnattempt_close(a);
	/* who refuses us by one way does so by all */
	for (size_t i = 0; end == TURN_REFUSED && i < g->r->wayc; i++) {
		turnattempt_close(&g->v[i]);
		g->v[i].open_at = UINT64_MAX;
	}
	next_way(g, now);
	if (any_left(g))
		return;
	g->settled = true;
	g->retry_at = now + backoff(g);
	g->fails++;
}

/* What is in use stays until it ends. */
static void fresh_failed(struct turnattempt *a)
{
	a->g->fresh_af = 0;
	turnattempt_close(a);
}

void turngroup_announce(const struct turngroup *g)
{
	if (g->chosen)
		turnattempt_tell(g->chosen);
}

/* The candidates of an allocation that is closed. */
static void tell_gone(const struct turngroup *g, const struct sa *gonev,
		      unsigned n)
{
	const struct finder_env *env = &g->e->env;

	for (unsigned i = 0; i < n; i++)
		env->goneh(&gonev[i], env->arg);
}

/* What was moved away from: nothing is tried in its place. */
static void drop_old(struct turngroup *g)
{
	struct turnattempt *a = g->old;
	struct sa gonev[2];
	unsigned n;

	if (!a)
		return;
	n = turnattempt_relayed(a, gonev);
	g->old = NULL;
	turnattempt_close(a);
	tell_gone(g, gonev, n);
}

static void drop_others(struct turngroup *g, const struct turnattempt *a)
{
	for (size_t i = 0; i < g->r->wayc; i++) {
		g->v[i].open_at = UINT64_MAX;
		if (&g->v[i] != a)
			turnattempt_close(&g->v[i]);
	}
}

static void tell_fresh(struct turngroup *g)
{
	const struct sa *sa = turn_relayed(g->chosen->turn, g->fresh_af);

	g->fresh_af = 0;
	if (sa)
		g->e->env.freshh(sa, g->e->env.arg);
}

static void ready(struct turnattempt *a, uint64_t now)
{
	struct turngroup *g = a->g;
	const struct turnenv *e = g->e;
	struct sa sav[2];
	const unsigned n = turnattempt_relayed(a, sav);

	if (g->fresh_af)
		g->old = g->chosen;
	else
		drop_others(g, a);
	g->chosen = a;
	g->r->hint = a->way;
	g->settled = true;
	g->fails = 0;
	*g->why = '\0';
	g->end = TURN_LOST;
	for (unsigned i = 0; i < n; i++)
		e->env.relay_ops->relayedh(a->link, &sav[i]);
	for (unsigned i = 0; i < e->permitc; i++)
		turn_permit(a->turn, &e->permitv[i], now);
	turngroup_announce(g);
	if (g->fresh_af)
		tell_fresh(g);
}

void turngroup_lost(struct turngroup *g, enum turn_end end, const char *why,
		    uint64_t now)
{
	struct sa gonev[2];
	unsigned n = turnattempt_relayed(g->chosen, gonev);

	note(g, end, why);
	for (size_t i = 0; i <= RELAY_WAYS; i++) {
		g->v[i].open_at = UINT64_MAX;
		if (&g->v[i] != g->old)
			turnattempt_close(&g->v[i]);
	}
	g->chosen = NULL;
	g->fresh_af = 0;
	drop_old(g);
	start_all(g, now);
	tell_gone(g, gonev, n);
}

/* The address is the server's own, and of use to whoever asked for it. */
static void go_elsewhere(struct turnattempt *a, uint64_t now)
{
	const struct sa *to = turn_alternate(a->turn);

	if (!sa_isset(to, SA_ALL) || ++a->hops > HOPS_MAX) {
		failed(a, TURN_LOST, "sends us around in circles", now);
		return;
	}
	a->elsewhere = *to;
	turnattempt_close(a);
	a->open_at = now;
}

/* An attempt has ended: what of it depends on what it was to the group. */
static void over(struct turnattempt *a, enum turn_end end, const char *why,
		 uint64_t now)
{
	struct turngroup *g = a->g;

	if (a == g->chosen)
		turngroup_lost(g, end, why, now);
	else if (a == g->old)
		drop_old(g);
	else if (g->fresh_af)
		fresh_failed(a);
	else if (end == TURN_ELSEWHERE)
		go_elsewhere(a, now);
	else
		failed(a, end, why, now);
}

static void open_link(struct turnattempt *a, uint64_t now)
{
	int err;

	a->open_at = UINT64_MAX;
	err = turnattempt_open(a);
	if (err)
		over(a, TURN_LOST, strerror(err), now);
}

static void ask(struct turnattempt *a, uint64_t now)
{
	int err = turnattempt_ask(a, now);

	if (err)
		over(a, TURN_REFUSED, err == EOVERFLOW
		     ? "cannot be used: its user or password is too long"
		     : strerror(err), now);
}

/* What the link or the turn has come to. */
static void look(struct turnattempt *a, uint64_t now)
{
	struct turngroup *g = a->g;

	if (a->down) {
		over(a, TURN_LOST, a->why, now);
		return;
	}
	if (a->up)
		ask(a, now);
	if (!a->turn)
		return;
	if (turn_state(a->turn) == TURN_OVER)
		over(a, turn_end(a->turn), turn_why(a->turn), now);
	else if (turn_state(a->turn) == TURN_READY && a != g->chosen &&
		 a != g->old)
		ready(a, now);
}

bool turngroup_recv(struct turngroup *g, const struct sa *local,
		    const struct sa *src, const struct stun_pkt *m,
		    uint64_t now)
{
	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		struct turnattempt *a = &g->v[k];

		if (!a->turn || !sa_cmp(&a->local, local, SA_ALL) ||
		    !sa_cmp(&a->server, src, SA_ALL))
			continue;
		if (turn_recv(a->turn, m, now))
			look(a, now);
		return true;
	}
	return false;
}

void turngroup_tick(struct turngroup *g, uint64_t now)
{
	if (now >= g->retry_at)
		start_all(g, now);
	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		struct turnattempt *a = &g->v[k];

		if (now >= a->open_at)
			open_link(a, now);
		if (a->turn)
			turn_tick(a->turn, now);
		if (a->link)
			look(a, now);
	}
}

uint64_t turngroup_next(const struct turngroup *g)
{
	uint64_t t = g->retry_at;

	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		const struct turnattempt *a = &g->v[k];

		t = min(t, a->open_at);
		if (a->turn)
			t = min(t, turn_next(a->turn));
	}
	return t;
}

struct turnattempt *turngroup_owner(struct turngroup *g,
				    const struct sa *relayed)
{
	return turnattempt_has(g->chosen, relayed) ? g->chosen
		: turnattempt_has(g->old, relayed) ? g->old : NULL;
}

/* The slot that is free: the one beside the ways, or its way's own. */
void turngroup_fresh(struct turngroup *g, const struct sa *in_use,
		     uint64_t now)
{
	struct turnattempt *a, *used = turngroup_owner(g, in_use);

	if (!used || g->fresh_af)
		return;
	if (used == g->old) {           /* the one before came to nothing */
		g->old = g->chosen;
		g->chosen = used;
	}
	drop_old(g);
	a = used == &g->v[RELAY_WAYS] ? &g->v[used->way] : &g->v[RELAY_WAYS];
	a->way = used->way;
	a->elsewhere = used->elsewhere;
	a->hops = used->hops;
	g->fresh_af = sa_af(in_use);
	a->open_at = now;
}

void turngroup_permit(struct turngroup *g, const struct sa *peer,
		      uint64_t now)
{
	if (g->chosen)
		turn_permit(g->chosen->turn, peer, now);
	if (g->old)
		turn_permit(g->old->turn, peer, now);
}

void turngroup_probe(struct turngroup *g, uint64_t now)
{
	if (g->chosen)
		turn_probe(g->chosen->turn, now);
	if (g->old)
		turn_probe(g->old->turn, now);
}

void turngroup_init(struct turngroup *g, struct turnenv *e, struct relay *r,
		    size_t index, uint64_t now)
{
	g->e = e;
	g->r = mem_ref(r);
	g->index = index;
	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		g->v[k].g = g;
		g->v[k].way = k;
		g->v[k].open_at = UINT64_MAX;
		sa_init(&g->v[k].local, AF_UNSPEC);
		sa_init(&g->v[k].elsewhere, AF_UNSPEC);
	}
	start_all(g, now);
}

void turngroup_close(struct turngroup *g)
{
	for (size_t k = 0; g->r && k <= RELAY_WAYS; k++)
		turnattempt_close(&g->v[k]);
	g->r = mem_deref(g->r);
}
