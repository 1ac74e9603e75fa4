/*
 * scenarios.c: thousands of pairs of ICE agents in networks that are thrown
 * by dice from one seed, with trouble: each has the best path that theory
 * allows, and has it again soon.
 */
#include "tests/unit/modules/agent/twohosts.h"

/* TCP gets out everywhere, and its NATs filter by port at least. */
static enum nat_kind tcp_nat(enum nat_kind k)
{
	return k == NAT_BLOCKED ? NAT_PORT : k;
}

static bool has_relay(const struct host *h)
{
	return sa_isset(&h->relay, SA_ALL) && !h->relay_dead;
}

static bool has_private(const struct host *h)
{
	for (unsigned i = 0; i < h->basec; i++)
		if (!h->dead[i] && net_private(&h->base[i]))
			return true;
	return false;
}

/* The best that theory allows. */
static enum tier best_tier(const struct host *a, const struct host *b)
{
	bool outa = a->nat.kind != NAT_BLOCKED;
	bool outb = b->nat.kind != NAT_BLOCKED;

	if (!a->nat.kind && !b->nat.kind)
		return LAN;
	if (a->site == b->site && has_private(a) && has_private(b))
		return LAN;
	if (possible(a->nat.kind, b->nat.kind))
		return DIRECT;
	if (a->tcp && b->tcp &&
	    possible(tcp_nat(a->nat.kind), tcp_nat(b->nat.kind)))
		return TCP;
	if ((has_relay(a) && (outb || has_relay(b))) ||
	    (has_relay(b) && outa))
		return RELAYED;
	return NOTHING;
}

/* From one network to another of the same kind. */
static void move_away(struct host *h)
{
	char buf[32];
	unsigned was = h->basec;

	for (unsigned i = 0; i < was; i++) {
		h->dead[i] = true;
		agent_local_gone(h->a, &h->base[i], h->net->now);
	}
	if (has_relay(h))
		agent_local_gone(h->a, &h->relay, h->net->now);
	h->candc = 0;
	(void)re_snprintf(buf, sizeof buf, h->nat.kind ? "10.20%u.0.9"
			  : "192.0.2.10%u", h->site);
	host_add_base(h, buf);
	if (h->tcp)
		host_add_tcp(h, was);
	if (h->nat.kind)
		host_add_srflx(h, was);
	if (has_relay(h))
		host_add_relay(h);
	h->tell_at = h->net->now + h->net->delay;
}

/* How long until data gets through in both directions; UINT64_MAX: too
 * long. */
static uint64_t rejoin(struct net *n, struct host *a, struct host *b,
		       uint64_t most)
{
	uint64_t begin = n->now;

	while (!net_joined(a, b) || !net_joined(b, a)) {
		if (n->now >= begin + most)
			return UINT64_MAX;
		net_run(n, 20 * MSEC);
	}
	return n->now - begin;
}

enum event { ADDRESS, NAT_REBOOT, DEAD_RELAY, EVENTS };

static void happen(enum event ev, struct host *h)
{
	switch (ev) {
	case ADDRESS:
		move_away(h);
		break;
	case NAT_REBOOT:
		host_nat_reboot(h);
		break;
	case DEAD_RELAY:
		h->relay_dead = true;
		break;
	case EVENTS:
		break;
	}
}

static void trouble(struct net *n, struct host *a, struct host *b,
		    uint64_t slowest[EVENTS])
{
	enum event ev = net_rand(n) % EVENTS;
	struct host *h = net_rand(n) % 2 ? a : b;
	enum tier best;
	uint64_t t;

	a->busy = b->busy = true;
	net_run(n, 10 * SEC + net_rand(n) % 5000 * MSEC);
	happen(ev, h);
	best = best_tier(a, b);
	if (best == NOTHING)
		return;
	t = rejoin(n, a, b, 3 * SEC);
	CU_ASSERT(t <= 3 * SEC);
	if (t <= 3 * SEC)
		slowest[ev] = max(slowest[ev], t);
	net_run(n, 10 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT_EQUAL(tier_of(a), best);
	CU_ASSERT_EQUAL(tier_of(b), best);
}

#ifdef __SANITIZE_THREAD__
enum { N = 300 };       /* one thread alone, and slow */
#else
enum { N = 3000 };
#endif

struct slowest {
	uint64_t found;         /* the first path */
	uint64_t again[EVENTS]; /* after trouble */
};

static void scenario(uint64_t seed, struct slowest *slowest)
{
	struct host *a, *b;
	struct net n;
	enum nat_kind na, nb;
	enum tier best;
	bool lossy;

	net_init(&n, seed);
	n.delay = net_rand(&n) % 80 * MSEC + 100000;
	n.jitter = net_rand(&n) % 2 ? net_rand(&n) % 30 * MSEC : 0;
	lossy = net_rand(&n) % 2;
	n.loss = lossy ? net_rand(&n) % 250 : 0;
	na = net_rand(&n) % (NAT_BLOCKED + 1);
	nb = net_rand(&n) % (NAT_BLOCKED + 1);
	a = net_host(&n, na, true);
	b = net_host(&n, nb, net_rand(&n) % 8 == 0);
	a->peer = b;
	b->peer = a;
	if (net_rand(&n) % 4 == 0)
		b->site = a->site;
	if (net_rand(&n) % 2) {
		host_add_tcp(a, 0);
		host_add_tcp(b, 0);
		host_add_srflx(a, 0);
		host_add_srflx(b, 0);
	}
	if (net_rand(&n) % 3 == 0)
		host_add_relay(a);
	if (net_rand(&n) % 3 == 0)
		host_add_relay(b);
	if (net_rand(&n) % 2)
		host_add_base(a, "10.77.0.1");
	if (net_rand(&n) % 2)
		host_add_base(b, "10.77.0.2");
	/* trickle, in any order; early checks when one side hears late */
	for (int i = 0; i < 3; i++) {
		struct host *from = net_rand(&n) % 2 ? a : b;

		(void)net_tell_some(from, from == a ? b : a,
				    net_rand(&n) % (from->candc + 1));
		net_run(&n, net_rand(&n) % 400 * MSEC);
	}
	net_tell(a, b);
	net_run(&n, net_rand(&n) % 200 * MSEC);
	net_tell(b, a);
	n.end = n.now;
	net_run(&n, 29 * SEC);
	n.loss = 0;             /* with loss they may just be moving */
	net_run(&n, lossy ? 70 * SEC : 10 * SEC);
	best = best_tier(a, b);
	if (best != NOTHING) {
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT(controls(a) != controls(b));
		CU_ASSERT_EQUAL(tier_of(a), best);
		CU_ASSERT_EQUAL(tier_of(b), best);
		if (!lossy && a->found_at > n.end)
			slowest->found = max(slowest->found,
					     a->found_at - n.end);
		if (seed % 2)
			trouble(&n, a, b, slowest->again);
	}
	else {
		CU_ASSERT(!a->found && !b->found);
	}
	net_close(&n);
}

static void test_random(void)
{
	struct slowest slowest = { 0 };
	uint64_t t = clock_ns();

	for (uint64_t seed = 1; seed <= N; seed++) {
		unsigned before = CU_get_number_of_failures();

		scenario(seed, &slowest);
		if (CU_get_number_of_failures() != before)
			printf("agent: scenario %u\n", (unsigned)seed);
	}
	t = clock_ns() - t;
	printf("agent: %d scenarios in %u ms, slowest without loss %u ms;"
	       " after a new address %u, a NAT's restart %u, a dead relay"
	       " %u ms\n", N, (unsigned)(t / MSEC),
	       (unsigned)(slowest.found / MSEC),
	       (unsigned)(slowest.again[ADDRESS] / MSEC),
	       (unsigned)(slowest.again[NAT_REBOOT] / MSEC),
	       (unsigned)(slowest.again[DEAD_RELAY] / MSEC));
	CU_ASSERT(slowest.found < 1500 * MSEC);
}

UNIT_SUITE("agent/scenarios",
	{ "random", test_random })
