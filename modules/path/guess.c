/*
 * guess.c: which ports to try, when, and how many.
 *
 *   we are hard, the peer is not: 224 sockets send to its address, so that
 *       224 ports of our NAT let it in
 *   the peer is hard, we are not: checks to ports of its NAT: those that are
 *       next if it counts, then any others from 1024 up
 *   both are, and both count: checks to the ports that will be next, one side
 *       by every step, the other by every second: somewhere they meet,
 *       whatever either NAT has given away meanwhile
 *   both are, and one draws lots: nothing; 54,000 tries for an even chance
 *
 * Who is hard shows in the candidates: one socket, two reflexive ports. 224
 * of 64,512 ports are met by 199 tries in half of all cases, by 1024 in 97
 * of 100, by 2048 in 99.9. Called by agent.c and incoming.c.
 */
#include <errno.h>
#include "modules/path/checks.h"
#include "modules/path/guess.h"
#include "modules/path/netif.h"

#define AFTER    (500 * MSEC)   /* what is easy has worked by then */
#define AFTER_SOON (150 * MSEC) /* most likely nothing was, again */
#define PACE     (6 * MSEC)     /* for BURST tries */
#define OPEN_PACE (15 * MSEC)   /* for OPEN_BURST sockets */
#define OPEN_LATE (1500 * MSEC) /* if we count: perhaps it is not needed */
#define ROUND    (250 * MSEC)   /* between the same tries again */
#define RUN_MAX  (12 * SEC)
#define ASK      SEC            /* until it may begin */

enum {
	SOCKETS = 224,          /* of 256 mappings: ICE itself has some */
	TRIES = 2048,
	BURST = 2, OPEN_BURST = 32,
	STEP_MAX = 20,          /* between ports: more is no counting */
	NEAR = 40,              /* next ports, each tried twice */
	MEET = 24, ROUNDS = 8,
	PORT_MIN = 1024, PORTS = 65536 - PORT_MIN,
};

static void over(struct agent *a, bool worked)
{
	bool running = a->guess.state == GUESS_RUN;

	a->guess.state = GUESS_OVER;
	if (running)
		a->conf.guess->endh(worked, a->conf.arg);
}

void guess_stop(struct agent *a)
{
	over(a, false);
}

void guess_reset(struct agent *a)
{
	over(a, false);
	a->guess.state = GUESS_WAIT;
	a->guess.waited = false;
	a->guess.sent = 0;
	a->guess.at = 0;
}

/* There is a pair that could not be better for all that we can do here. */
static bool direct(const struct agent *a)
{
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		const struct candpair *p = le->data;

		if (p->state == PAIR_SUCCEEDED && p->creds == a->cl.creds &&
		    candpair_tier(p) <= TIER_DIRECT)
			return true;
	}
	return false;
}

/* --- who is hard ------------------------------------------------------- */

/* What one side's candidates show of its NAT. */
struct side {
	const struct cand *best;        /* by IPv4: reflexive, else host */
	bool hard;
	bool lots;                      /* ports are in no order */
	unsigned step;                  /* between them, if they are */
	uint16_t last;                  /* the highest port seen */
};

static bool usable(const struct cand *c)
{
	return c->transp == CAND_UDP && sa_af(&c->addr) == AF_INET &&
		(c->type == CAND_SRFLX || c->type == CAND_HOST);
}

static bool better(const struct cand *c, const struct cand *best)
{
	if (!best || c->type != best->type)
		return !best || c->type == CAND_SRFLX;
	return c->prio > best->prio;
}

/* Two reflexive candidates of one socket. */
static void compare(struct side *s, const struct cand *a,
		    const struct cand *b)
{
	uint16_t pa = sa_port(&a->addr), pb = sa_port(&b->addr);
	unsigned d = pa > pb ? pa - pb : pb - pa;

	if (sa_cmp(&a->addr, &b->addr, SA_ALL))
		return;
	s->hard = true;
	if (!d || d > STEP_MAX || !sa_cmp(&a->addr, &b->addr, SA_ADDR))
		s->lots = true;
	else
		s->step = s->step ? min(s->step, d) : d;
}

/* The socket a candidate is of: for the peer's, as it says itself. */
static const struct sa *socket_of(const struct cand *c, bool local)
{
	return local ? &c->base : &c->rel;
}

static const struct cand *cand_at(const struct le *le, bool local)
{
	return local ? &((const struct lcand *)le->data)->c
		: &((const struct rcand *)le->data)->c;
}

static struct side look(const struct list *l, bool local)
{
	struct side s = { .best = NULL };
	struct le *le, *le2;

	LIST_FOREACH(l, le) {
		const struct cand *c = cand_at(le, local);

		if (!usable(c))
			continue;
		if (better(c, s.best))
			s.best = c;
	}
	LIST_FOREACH(l, le) {
		const struct cand *c = cand_at(le, local);

		if (!usable(c) || c->type != CAND_SRFLX ||
		    !sa_isset(socket_of(c, local), SA_ALL) ||
		    !sa_cmp(socket_of(c, local), socket_of(s.best, local),
			    SA_ALL))
			continue;
		s.last = max(s.last, sa_port(&c->addr));
		for (le2 = l->head; le2 != le; le2 = le2->next) {
			const struct cand *b = cand_at(le2, local);

			if (usable(b) && b->type == CAND_SRFLX &&
			    sa_cmp(socket_of(b, local), socket_of(c, local),
				   SA_ALL))
				compare(&s, b, c);
		}
	}
	return s;
}

/* --- the plan ---------------------------------------------------------- */

/* A socket without IPv4 reaches the peer's NAT by the NAT64 of our network. */
static bool reach(struct sa *dst, const struct agent *a, const struct sa *base,
		  const struct sa *addr)
{
	if (sa_af(base) == AF_INET6)
		return nat64_map(dst, &a->nat64, addr);
	*dst = *addr;
	return true;
}

static bool plan(struct agent *a)
{
	struct side us = look(&a->cl.locall, true);
	struct side peer = look(&a->cl.remotel, false);
	struct guess *g = &a->guess;

	if (!us.best || !peer.best || (!us.hard && !peer.hard))
		return false;
	if (us.hard && peer.hard && (us.lots || peer.lots))
		return false;
	if (!reach(&g->dst, a, &us.best->base, &peer.best->addr))
		return false;
	g->role = !peer.hard ? GUESS_OPEN : us.hard ? GUESS_MEET : GUESS_TRY;
	g->base = us.best->base;
	g->counts = !us.lots;
	g->step = peer.lots ? 0 : peer.step;
	g->last = peer.last;
	/* every port comes once: the stride has no factor of 64,512 */
	g->first = (uint16_t)ice_random(a);
	do
		g->stride = (uint16_t)(ice_random(a) | 1);
	while (g->stride % 3 == 0 || g->stride % 7 == 0);
	return true;
}

static void try_port(struct agent *a, uint32_t port)
{
	uint8_t buf[STUN_REQUEST_MAX];
	size_t n = check_bare(buf, sizeof buf, a);
	struct sa dst = a->guess.dst;

	sa_set_port(&dst, (uint16_t)(PORT_MIN + (port - PORT_MIN) % PORTS));
	if (n && netif_hopeless(a->conf.sendh(IPPROTO_UDP, &a->guess.base,
					      &dst, buf, n, a->conf.arg)))
		over(a, false);
}

static void step_try(struct agent *a, uint64_t now)
{
	struct guess *g = &a->guess;

	for (int i = 0; i < BURST && g->sent < TRIES &&
	     g->state == GUESS_RUN; i++) {
		unsigned k = g->sent++;

		if (g->step && k < 2 * NEAR)
			try_port(a, g->last + 1u + k % NEAR);
		else
			try_port(a, PORT_MIN + (g->first +
				 (uint32_t)k * g->stride) % PORTS);
	}
	g->at = g->sent < TRIES ? now + PACE : UINT64_MAX;
}

/* With a and b ports given away since the candidates were told, the peer's
 * k-th is last + b + k, and lets in the port of ours that it sends to: our
 * k-th goes to last + k, its j-th to ours + 2 j; they meet at j = a + b,
 * k = a + 2 b. */
static void step_meet(struct agent *a, uint64_t now)
{
	struct guess *g = &a->guess;
	const unsigned stride = a->cl.controlling ? 1 : 2;

	for (int i = 0; i < BURST && g->state == GUESS_RUN; i++) {
		unsigned k = g->sent++ % MEET;

		try_port(a, g->last + (1 + stride * k) * g->step);
	}
	if (g->sent >= MEET * ROUNDS)
		g->at = UINT64_MAX;
	else
		g->at = now + (g->sent % MEET ? PACE : ROUND);
}

static void step_open(struct agent *a, uint64_t now)
{
	struct guess *g = &a->guess;
	const uint64_t begin = g->begun + (g->counts ? OPEN_LATE : 0);

	if (now < begin) {
		g->at = begin;
		return;
	}
	if (a->conf.guess->openh(&g->base, &g->dst, OPEN_BURST,
				 a->conf.arg)) {
		over(a, false);
		return;
	}
	g->sent += OPEN_BURST;
	g->at = g->sent < SOCKETS ? now + OPEN_PACE : UINT64_MAX;
}

static bool allowed(const struct agent *a)
{
	const struct guess *g = &a->guess;

	return g->ours && g->theirs && g->state != GUESS_OVER && a->begun &&
		a->conf.guess && a->cl.creds->rpwd;
}

static uint64_t earliest(const struct agent *a)
{
	return a->begun + (a->guess.soon ? AFTER_SOON : AFTER);
}

static void begin(struct agent *a, uint64_t now)
{
	struct guess *g = &a->guess;

	if (now < max(earliest(a), g->at))
		return;
	g->waited = true;
	g->at = 0;
	if (!plan(a))
		return;
	if (!a->conf.guess->beginh(a->conf.arg)) {
		g->at = now + ASK;
		return;
	}
	g->state = GUESS_RUN;
	g->begun = g->at = now;
	g->sent = 0;
}

void guess_run(struct agent *a, uint64_t now)
{
	static void (*const stepv[])(struct agent *, uint64_t) = {
		[GUESS_OPEN] = step_open, [GUESS_TRY] = step_try,
		[GUESS_MEET] = step_meet,
	};
	struct guess *g = &a->guess;

	if (!allowed(a))
		return;
	if (direct(a)) {
		over(a, true);
		return;
	}
	if (g->state == GUESS_WAIT)
		begin(a, now);
	if (g->state == GUESS_RUN && now >= g->begun + RUN_MAX)
		over(a, false);
	if (g->state == GUESS_RUN && now >= g->at)
		stepv[g->role](a, now);
}

uint64_t guess_next(const struct agent *a)
{
	const struct guess *g = &a->guess;

	if (!allowed(a))
		return UINT64_MAX;
	if (g->state == GUESS_RUN)
		return min(g->at, g->begun + RUN_MAX);
	if (!g->waited)
		return earliest(a);
	/* else only other candidates can make a difference */
	return g->at ? g->at : UINT64_MAX;
}

bool guess_expects(const struct agent *a, int proto, const struct sa *local)
{
	const struct guess *g = &a->guess;

	return proto == IPPROTO_UDP && g->role == GUESS_OPEN && g->sent &&
		sa_cmp(local, &g->base, SA_ADDR);
}

void guess_base(struct agent *a, const struct sa *local)
{
	(void)checklist_add_base(&a->cl, local, false);
}
