/*
 * turnfinder.c: the finder of relayed candidates: an allocation on each
 * relay for as long as the path lives.
 *
 *   path --send, permit, probe--> [finder] --> turngroup.c, one for a relay
 *                                     --> turnattempt.c --> turn.c
 *
 * Unlike other finders it owns the bases it brings, so it is not started
 * anew when the host's addresses change.
 */
#include <errno.h>
#include "modules/path/turngroup.h"
#include "sdp/base/clock.h"

#define PATIENT   (2 * SEC)             /* then gathering is done */
#define RETRY_SOON SEC

struct finder {
	struct turnenv e;
	finder_done_h *doneh;           /* NULL once called */
	uint64_t done_at;
	struct sa ownv[NETIF_MAX];      /* addresses of this host */
	size_t ownc;
	size_t groupc;
	struct turngroup groupv[];
};

static void finder_destructor(void *arg)
{
	struct finder *f = arg;

	for (size_t i = 0; i < f->groupc; i++)
		turngroup_close(&f->groupv[i]);
}

/* Last in whatever calls it. */
static void maybe_done(struct finder *f, uint64_t now)
{
	finder_done_h *doneh = f->doneh;

	for (size_t i = 0; i < f->groupc && now < f->done_at; i++)
		if (!f->groupv[i].settled)
			return;
	f->doneh = NULL;
	if (doneh)
		doneh(f->e.arg);
}

static bool recv_answer(struct finder *f, int proto, const struct sa *local,
			const struct sa *src, const struct stun_pkt *m,
			uint64_t now)
{
	for (size_t i = 0; i < f->groupc && proto == IPPROTO_UDP; i++) {
		if (!turngroup_recv(&f->groupv[i], local, src, m, now))
			continue;
		maybe_done(f, now);
		return true;
	}
	return false;
}

static void tick(struct finder *f, uint64_t now)
{
	for (size_t i = 0; i < f->groupc; i++)
		turngroup_tick(&f->groupv[i], now);
	maybe_done(f, now);
}

static uint64_t next(const struct finder *f)
{
	uint64_t t = f->doneh ? f->done_at : UINT64_MAX;

	for (size_t i = 0; i < f->groupc; i++)
		t = min(t, turngroup_next(&f->groupv[i]));
	return t;
}

static void note_own(struct finder *f, const struct finder_env *env)
{
	f->ownc = min(env->netc, (size_t)NETIF_MAX);
	for (size_t i = 0; i < f->ownc; i++)
		f->ownv[i] = env->netv[i].addr;
}

static bool listed(const struct finder *f, const struct sa *sa)
{
	for (size_t i = 0; i < f->ownc; i++)
		if (sa_cmp(&f->ownv[i], sa, SA_ADDR))
			return true;
	return false;
}

/* The first ways are opened by the tick that is due at once. */
static int start(struct finder **fp, const struct finder_env *env,
		 uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		 void *arg)
{
	const size_t n = env->relay_ops ?
		min(env->relayc, (size_t)RELAYS_MAX) : 0;
	struct finder *f;

	if (!n) {
		*fp = NULL;
		doneh(arg);
		return 0;
	}
	f = mem_zalloc(sizeof *f + n * sizeof f->groupv[0],
		       finder_destructor);
	if (!f)
		return ENOMEM;
	f->e.env = *env;
	f->e.candh = candh;
	f->e.arg = arg;
	f->doneh = doneh;
	f->done_at = now + PATIENT;
	note_own(f, env);
	f->groupc = n;
	for (size_t i = 0; i < n; i++)
		turngroup_init(&f->groupv[i], &f->e, env->relayv[i], i, now);
	*fp = f;
	return 0;
}

/* What was sent from an address that has gone is lost at once. Not all that
 * a link is sent from is listed: interfaces= is for candidates. */
static void again(struct finder *f, const struct finder_env *env,
		  uint64_t now)
{
	bool had[RELAYS_MAX] = { false };

	for (size_t i = 0; i < f->groupc; i++)
		had[i] = f->groupv[i].chosen &&
			listed(f, &f->groupv[i].chosen->local);
	note_own(f, env);
	for (size_t i = 0; i < f->groupc; i++) {
		struct turngroup *g = &f->groupv[i];

		turngroup_announce(g);
		if (!g->chosen && g->retry_at != UINT64_MAX)
			g->retry_at = now;
		else if (g->chosen && had[i] &&
			 !listed(f, &g->chosen->local))
			turngroup_lost(g, TURN_LOST, "was reached from an"
				       " address that is gone", now);
		else
			turngroup_probe(g, now);
	}
}

static bool waits(const struct finder *f)
{
	return f->doneh != NULL;
}

static struct turnattempt *owner(struct finder *f, const struct sa *base)
{
	struct turnattempt *a = NULL;

	for (size_t i = 0; i < f->groupc && !a; i++)
		a = turngroup_owner(&f->groupv[i], base);
	return a;
}

static int send_from(struct finder *f, const struct sa *local,
		     const struct sa *dst, const uint8_t *buf, size_t len,
		     uint64_t now)
{
	const struct turnattempt *a = owner(f, local);

	return a ? turn_to(a->turn, dst, buf, len, now) : ENOENT;
}

static void permit(struct finder *f, const struct sa *peer, uint64_t now)
{
	struct turnenv *e = &f->e;

	for (unsigned i = 0; i < e->permitc; i++)
		if (sa_cmp(&e->permitv[i], peer, SA_ADDR))
			return;
	if (e->permitc == TURNGROUP_PERMITS)
		return;
	e->permitv[e->permitc++] = *peer;
	for (size_t i = 0; i < f->groupc; i++)
		turngroup_permit(&f->groupv[i], peer, now);
}

static void probe(struct finder *f, uint64_t now)
{
	for (size_t i = 0; i < f->groupc; i++) {
		struct turngroup *g = &f->groupv[i];

		turngroup_probe(g, now);
		if (!g->chosen && g->retry_at != UINT64_MAX &&
		    g->end == TURN_LOST)
			g->retry_at = min(g->retry_at, now + RETRY_SOON);
	}
}

static int fresh(struct finder *f, const struct finder_env *env,
		 const struct sa *in_use, struct sa *base, uint64_t now)
{
	struct turnattempt *a = owner(f, in_use);
	(void)env;
	(void)base;

	if (!a)
		return ENOENT;
	turngroup_fresh(a->g, in_use, now);
	return EINPROGRESS;
}

static const char *whose(struct finder *f, const struct sa *base)
{
	const struct turnattempt *a = owner(f, base);

	return a ? a->g->r->name : NULL;
}

static const char *problem(const struct finder *f)
{
	for (size_t i = 0; i < f->groupc; i++)
		if (!f->groupv[i].chosen && *f->groupv[i].why)
			return f->groupv[i].why;
	return NULL;
}

const struct finder_kind turn_finder = {
	.name    = "turn",
	.start   = start,
	.recv    = recv_answer,
	.tick    = tick,
	.next    = next,
	.again   = again,
	.waits   = waits,
	.send    = send_from,
	.permit  = permit,
	.fresh   = fresh,
	.probe   = probe,
	.whose   = whose,
	.problem = problem,
};
