/*
 * Tests the ICE agent (modules/path/agent.c and its parts) in fake time
 * through a mock network: each pair of NATs, thousands of random scenarios
 * from one seed, and what an attacker or bad luck may do.
 */
#include "tests/unit/fail.h"
#include "tests/unit/modules/mocknet.h"

/* Two hosts described to each other half a round trip apart. */
static void meet(struct net *n, struct host **ap, struct host **bp,
		 enum nat_kind na, enum nat_kind nb)
{
	*ap = net_host(n, na, true);
	*bp = net_host(n, nb, false);
	net_tell(*ap, *bp);
	net_run(n, n->delay);
	net_tell(*bp, *ap);
}

/* Can these reach each other without a relay? */
static bool possible(enum nat_kind x, enum nat_kind y)
{
	enum nat_kind lo = min(x, y), hi = max(x, y);

	if (hi == NAT_BLOCKED)
		return false;
	return hi != NAT_SYMMETRIC || (lo != NAT_SYMMETRIC && lo != NAT_PORT);
}

/* b has moved in with a, behind the same NAT. */
static void share_nat(const struct host *a, struct host *b)
{
	b->pub = a->pub;
	b->port_next = 50;
	b->mapc = 0;
	b->candc = 1;
	host_add_srflx(b, 0);
}

static void test_lan(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 1);
	a = net_host(&n, NAT_PORT, true);
	b = net_host(&n, NAT_PORT, false);
	b->site = a->site;
	share_nat(a, b);
	for (int i = 1; i < BASES; i++) {
		char buf[32];

		(void)re_snprintf(buf, sizeof buf, "10.7%d.0.2", i);
		host_add_base(a, buf);
		(void)re_snprintf(buf, sizeof buf, "10.8%d.0.2", i);
		host_add_base(b, buf);
	}
	net_tell(a, b);
	net_run(&n, n.delay);
	net_tell(b, a);
	net_run(&n, 50 * MSEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(a->local.type == CAND_HOST && a->remote.type == CAND_HOST);
	CU_ASSERT(b->local.type == CAND_HOST && b->remote.type == CAND_HOST);
	/* nothing is as good, so nothing else is chosen */
	net_run(&n, 60 * SEC);
	CU_ASSERT(a->found == 1 && b->found == 1);
	net_close(&n);
}

static void test_nats(void)
{
	for (int na = NAT_NONE; na <= NAT_BLOCKED; na++) {
		for (int nb = NAT_NONE; nb <= NAT_BLOCKED; nb++) {
			struct host *a, *b;
			struct net n;

			net_init(&n, 2);
			n.delay = 10 * MSEC;
			meet(&n, &a, &b, na, nb);
			net_run(&n, 700 * MSEC);
			CU_ASSERT(!(a->events & b->events & AGENT_NO_PAIR));
			if (possible(na, nb)) {
				CU_ASSERT(net_joined(a, b));
				CU_ASSERT(net_joined(b, a));
			}
			else {
				CU_ASSERT(!a->found && !b->found);
				net_run(&n, 38 * SEC);
				CU_ASSERT(!(a->events & AGENT_NO_PAIR));
				net_run(&n, 1 * SEC);
				CU_ASSERT(a->events & AGENT_NO_PAIR);
				CU_ASSERT(b->events & AGENT_NO_PAIR);
				CU_ASSERT(agent_next(a->a) == UINT64_MAX);
			}
			net_close(&n);
		}
	}
}

enum tier { LAN, DIRECT, TCP, RELAYED, NOTHING };

static enum tier tier_of(const struct host *h)
{
	struct cand l, r;

	if (!agent_selected(h->a, &l, &r))
		return NOTHING;
	if (l.type == CAND_RELAY || r.type == CAND_RELAY)
		return RELAYED;
	if (l.transp != CAND_UDP)
		return TCP;
	return l.type == CAND_HOST && r.type == CAND_HOST ? LAN : DIRECT;
}

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
	bool outa = a->nat != NAT_BLOCKED, outb = b->nat != NAT_BLOCKED;

	if (!a->nat && !b->nat)
		return LAN;
	if (a->site == b->site && has_private(a) && has_private(b))
		return LAN;
	if (possible(a->nat, b->nat))
		return DIRECT;
	if (a->tcp && b->tcp && possible(tcp_nat(a->nat), tcp_nat(b->nat)))
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
	(void)re_snprintf(buf, sizeof buf, h->nat ? "10.20%u.0.9"
			  : "192.0.2.10%u", h->site);
	host_add_base(h, buf);
	if (h->tcp)
		host_add_tcp(h, was);
	if (h->nat)
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
		CU_ASSERT(agent_controlling(a->a) != agent_controlling(b->a));
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
	enum { N = 3000 };

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

static void test_role_conflict(void)
{
	for (int role = 0; role < 2; role++) {
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct host *a, *b;
			struct net n;

			net_init(&n, seed);
			a = net_host(&n, NAT_NONE, role);
			b = net_host(&n, NAT_PORT, role);
			net_tell(a, b);
			net_tell(b, a);
			net_run(&n, 500 * MSEC);
			CU_ASSERT(net_joined(a, b) && net_joined(b, a));
			CU_ASSERT(agent_controlling(a->a) !=
				  agent_controlling(b->a));
			net_close(&n);
		}
	}
}

static void test_prflx(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 3);
	meet(&n, &a, &b, NAT_NONE, NAT_SYMMETRIC);
	net_run(&n, 300 * MSEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT_EQUAL(a->remote.type, CAND_PRFLX);
	CU_ASSERT_EQUAL(b->local.type, CAND_PRFLX);
	CU_ASSERT(sa_cmp(&a->remote.addr, &b->local.addr, SA_ALL));
	net_close(&n);
}

/* The controlled side begins before the controlling one knows it. */
static void test_early(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 4);
	a = net_host(&n, NAT_NONE, true);
	b = net_host(&n, NAT_PORT, false);
	net_tell(a, b);
	net_run(&n, SEC);
	CU_ASSERT(a->in > 0 && !a->found && !b->found);
	net_tell(b, a);
	net_run(&n, 50 * MSEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* Early checks of a fork that is not the one that answered leave nothing. */
static void test_early_fork(void)
{
	struct host *a, *b, *c;
	struct net n;

	net_init(&n, 4);
	a = net_host(&n, NAT_NONE, true);
	b = net_host(&n, NAT_NONE, false);
	c = net_host(&n, NAT_NONE, false);
	net_tell(a, b);
	net_tell(a, c);
	net_run(&n, SEC);
	net_tell(b, a);
	net_run(&n, 2 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(!c->found);
	net_close(&n);
}

static void test_trickle(void)
{
	/* candidates known to a, to b, before the rest comes */
	static const unsigned part[][2] = {
		{ 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 },
	};

	for (unsigned i = 0; i < 4; i++) {
		struct host *a, *b;
		struct net n;

		net_init(&n, 5);
		a = net_host(&n, NAT_PORT, true);
		b = net_host(&n, NAT_PORT, false);
		CU_ASSERT_EQUAL(net_tell_some(a, b, part[i][1]), 0);
		CU_ASSERT_EQUAL(net_tell_some(b, a, part[i][0]), 0);
		net_run(&n, 5 * SEC);
		CU_ASSERT(!a->found && !b->found);
		net_tell(b, a);
		net_run(&n, 30 * MSEC);
		net_tell(a, b);
		net_run(&n, 200 * MSEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		net_close(&n);
	}
}

static void test_consent_lost(void)
{
	struct host *a, *b;
	uint64_t cut;
	struct net n;

	net_init(&n, 6);
	meet(&n, &a, &b, NAT_PORT, NAT_FULL);
	net_run(&n, 600 * SEC);
	CU_ASSERT(net_joined(a, b) && a->found == 1 && b->found == 1);
	CU_ASSERT(!(a->events & (AGENT_EXPIRED | AGENT_NO_PAIR)));
	CU_ASSERT(agent_consent(a->a) > n.now + 23 * SEC);
	/* requests come every 4 to 6 s from each side, and their answers */
	CU_ASSERT(a->sent < 600);
	cut = n.now;
	n.loss = 1000;
	net_run(&n, 23 * SEC);
	CU_ASSERT(!(a->events & AGENT_EXPIRED));
	CU_ASSERT(agent_consent(a->a) <= cut + 30 * SEC);
	net_run(&n, 8 * SEC);
	CU_ASSERT(a->events & AGENT_EXPIRED);
	CU_ASSERT(b->events & AGENT_EXPIRED);
	a->sent = 0;
	net_run(&n, 60 * SEC);
	CU_ASSERT_EQUAL(a->sent, 0);
	net_close(&n);
}

/* A short outage is forgotten. */
static void test_outage(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 7);
	meet(&n, &a, &b, NAT_PORT, NAT_PORT);
	net_run(&n, 10 * SEC);
	n.loss = 1000;
	net_run(&n, 20 * SEC);
	n.loss = 0;
	net_run(&n, 10 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(agent_consent(a->a) > n.now + 20 * SEC);
	CU_ASSERT(!(a->events & AGENT_EXPIRED));
	net_close(&n);
}

static bool selected_is_dead(const struct host *h)
{
	return h->dead[base_index(h, &h->local.base)];
}

/* One of two cables is pulled, without anybody being told. */
static void test_failover(void)
{
	for (int side = 0; side < 2; side++) {
		struct host *a, *b, *h;
		uint64_t cut;
		struct net n;

		net_init(&n, 8);
		meet(&n, &a, &b, NAT_NONE, NAT_NONE);
		host_add_base(a, "192.0.2.101");
		host_add_base(b, "192.0.2.102");
		net_tell(a, b);
		net_tell(b, a);
		net_run(&n, 20 * SEC);
		CU_ASSERT(net_joined(a, b));
		h = side ? b : a;
		cut = n.now;
		h->dead[base_index(h, &h->local.base)] = true;
		net_run(&n, 9 * SEC);
		CU_ASSERT(!selected_is_dead(a) && !selected_is_dead(b));
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT(a->moved_at < cut + 8500 * MSEC);
		net_run(&n, 60 * SEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT(!(a->events & AGENT_EXPIRED));
		net_close(&n);
	}
}

/* From one network to another: the address goes, another comes. */
static void test_roaming(void)
{
	for (int side = 0; side < 2; side++) {
		struct host *a, *b, *h;
		uint64_t cut;
		struct net n;

		net_init(&n, 9);
		meet(&n, &a, &b, NAT_FULL, NAT_FULL);
		net_run(&n, 20 * SEC);
		h = side ? b : a;
		cut = n.now;
		h->dead[0] = true;
		agent_local_gone(h->a, &h->base[0], n.now);
		host_add_base(h, "10.200.0.9");
		net_run(&n, SEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT(a->moved_at > cut && b->moved_at > cut);
		CU_ASSERT(h->local.type == CAND_PRFLX);
		net_close(&n);
	}
}

static void test_restart(void)
{
	for (int side = 0; side < 2; side++) {
		struct host *a, *b, *h, *o;
		struct net n;

		net_init(&n, 10);
		meet(&n, &a, &b, NAT_PORT, NAT_PORT);
		net_run(&n, 2 * SEC);
		CU_ASSERT(net_joined(a, b));
		h = side ? b : a;
		o = side ? a : b;
		CU_ASSERT_EQUAL(agent_restart(h->a), 0);
		for (unsigned i = 0; i < h->candc; i++)
			CU_ASSERT_EQUAL(agent_local(h->a, &h->cand[i],
						    n.now), 0);
		/* the old pair goes on, as long as nobody answers */
		net_run(&n, 60 * SEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT(agent_consent(h->a) > n.now + 20 * SEC);
		CU_ASSERT_EQUAL(agent_remote_is(o->a, agent_ufrag(h->a)),
				AGENT_REMOTE_RESTART);
		/* what was on its way is from before */
		net_tell(o, h);
		CU_ASSERT_EQUAL(agent_remote_is(h->a, agent_ufrag(o->a)),
				AGENT_REMOTE_STALE);
		CU_ASSERT_EQUAL(agent_restart(o->a), 0);
		for (unsigned i = 0; i < o->candc; i++)
			CU_ASSERT_EQUAL(agent_local(o->a, &o->cand[i],
						    n.now), 0);
		a->found = b->found = 0;
		net_tell(h, o);
		net_run(&n, 100 * MSEC);
		net_tell(o, h);
		net_run(&n, SEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT(a->found == 1 && b->found == 1);
		net_run(&n, 120 * SEC);
		CU_ASSERT(!(a->events & AGENT_EXPIRED));
		CU_ASSERT(agent_consent(b->a) > n.now + 20 * SEC);
		net_close(&n);
	}
}

/* A dead session comes back by a restart. */
static void test_restart_after_end(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 11);
	meet(&n, &a, &b, NAT_NONE, NAT_NONE);
	net_run(&n, 2 * SEC);
	n.loss = 1000;
	net_run(&n, 40 * SEC);
	CU_ASSERT(a->events & AGENT_EXPIRED);
	n.loss = 0;
	a->found = b->found = 0;
	CU_ASSERT_EQUAL(agent_restart(a->a), 0);
	CU_ASSERT_EQUAL(agent_restart(b->a), 0);
	CU_ASSERT_EQUAL(agent_local(a->a, &a->cand[0], n.now), 0);
	CU_ASSERT_EQUAL(agent_local(b->a, &b->cand[0], n.now), 0);
	net_tell(a, b);
	net_tell(b, a);
	net_run(&n, SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* A LAN address that is told late takes over from the way around. */
static void test_upgrade(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 12);
	meet(&n, &a, &b, NAT_FULL, NAT_FULL);
	net_run(&n, 20 * SEC);
	CU_ASSERT(a->remote.type != CAND_HOST);
	b->site = a->site;
	host_add_base(a, "10.77.0.1");
	host_add_base(b, "10.77.0.2");
	net_tell(a, b);
	net_tell(b, a);
	net_run(&n, SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(a->found == 2 && a->remote.type == CAND_HOST);
	net_close(&n);
}

/* Nothing is waited for but the first answer, if one can move later; by the
 * controlled side not even for a nomination. That answer was asked for twice
 * before it came, and still the next measures the way. */
static void test_at_once(void)
{
	for (int once = 0; once < 2; once++) {
		struct host *a, *b;
		struct net n;

		net_init(&n, 24);
		n.delay = 30 * MSEC;
		n.once = once;
		meet(&n, &a, &b, NAT_NONE, NAT_PORT);
		net_run(&n, n.delay + 12 * MSEC);
		CU_ASSERT(b->found == !once && !a->found);
		net_run(&n, n.delay);
		CU_ASSERT(b->found == !once && a->found == !once);
		CU_ASSERT(once || (net_joined(a, b) && net_joined(b, a)));
		net_run(&n, SEC);
		CU_ASSERT(a->found == 1 && b->found == 1);
		CU_ASSERT(agent_rtt(a->a) / MSEC == 60);
		net_close(&n);
	}
}

/* Where only a relay leads, it carries data as soon as its pair is valid and
 * better kinds had as long to answer; by who cannot renominate much later. */
static void test_relay_at_once(void)
{
	for (int once = 0; once < 2; once++) {
		struct host *a, *b;
		struct net n;
		uint64_t t;

		net_init(&n, 26);
		n.delay = 10 * MSEC;
		n.once = once;
		a = net_host(&n, NAT_SYMMETRIC, true);
		b = net_host(&n, NAT_SYMMETRIC, false);
		host_add_relay(b);
		net_tell(a, b);
		net_run(&n, n.delay);
		net_tell(b, a);
		t = n.now;
		net_run(&n, SEC);
		CU_ASSERT_EQUAL(tier_of(a), RELAYED);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		/* two hops each way, and some turns */
		CU_ASSERT_EQUAL(a->found_at - t < 55 * MSEC, !once);
		net_close(&n);
	}
}

/* Two homes that number their networks alike: the way between them is the
 * first to be tried, by both; and the side that opens its NAT last is
 * answered by a check that does not wait for its turn. */
static void test_likely_first(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 25);
	n.delay = 10 * MSEC;
	a = net_host(&n, NAT_PORT, true);
	b = net_host(&n, NAT_PORT, false);
	host_add_relay(a);
	host_add_relay(b);
	for (int i = 1; i < BASES; i++) {
		host_add_base(a, i == 1 ? "10.9.0.1" : "10.8.0.1");
		host_add_base(b, i == 1 ? "10.9.0.2" : "10.8.0.2");
	}
	net_tell(a, b);
	net_run(&n, n.delay);
	net_tell(b, a);
	net_run(&n, 2 * n.delay + MSEC);
	CU_ASSERT(a->found == 1 && !b->found);
	CU_ASSERT_EQUAL(tier_of(a), DIRECT);
	net_run(&n, n.delay);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	/* the LAN is tried all the same: somebody may have joined the two */
	net_run(&n, SEC);
	b->site = a->site;
	net_run(&n, 10 * SEC);
	CU_ASSERT_EQUAL(tier_of(a), LAN);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* The faster of two ways is moved to in time, and then left alone. */
static void test_faster(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 18);
	a = net_host(&n, NAT_NONE, true);
	b = net_host(&n, NAT_NONE, false);
	n.jitter = 4 * MSEC;
	a->slow[0] = 60 * MSEC;
	host_add_base(a, "192.0.2.101");
	net_tell(a, b);
	net_run(&n, n.delay);
	/* the fast one is late */
	a->dead[1] = true;
	net_tell(b, a);
	net_run(&n, 3 * SEC);
	CU_ASSERT(a->found == 1 && net_joined(a, b));
	CU_ASSERT(sa_cmp(&a->local.base, &a->base[0], SA_ALL));
	a->dead[1] = false;
	net_run(&n, 240 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(sa_cmp(&a->local.base, &a->base[1], SA_ALL));
	CU_ASSERT_EQUAL(a->found, 2);
	/* a difference that is noise moves nothing */
	a->slow[0] = 0;
	n.jitter = 30 * MSEC;
	net_run(&n, 1800 * SEC);
	CU_ASSERT_EQUAL(a->found, 2);
	net_close(&n);
}

/* Peers that nominate once (RFC 8445) get one nomination, unless it dies. */
static void test_no_renomination(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 19);
	n.once = true;
	meet(&n, &a, &b, NAT_FULL, NAT_PORT);
	net_run(&n, SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	b->site = a->site;
	host_add_base(a, "10.77.0.1");
	host_add_base(b, "10.77.0.2");
	net_tell(a, b);
	net_tell(b, a);
	net_run(&n, 60 * SEC);
	CU_ASSERT(a->found == 1 && b->found == 1);
	b->dead[0] = true;
	net_run(&n, 15 * SEC);
	CU_ASSERT(a->found > 1 && b->found > 1);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* A lite peer never checks and is always controlled. */
static void test_lite(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 20);
	a = net_host(&n, NAT_PORT, false);
	b = net_host(&n, NAT_NONE, false);
	b->lite = true;
	net_tell(b, a);
	net_run(&n, SEC);
	CU_ASSERT(a->found == 1 && agent_controlling(a->a));
	net_close(&n);
}

/* A phone that rings for a minute before it is answered: the caller's checks
 * wait, and what the callee found early is still open. */
static void test_long_ringing(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 21);
	a = net_host(&n, NAT_FULL, true);
	b = net_host(&n, NAT_PORT, false);
	net_tell(a, b);
	net_run(&n, 90 * SEC);
	CU_ASSERT(!(b->events & AGENT_NO_PAIR) && b->sent < 400);
	net_tell(b, a);
	net_run(&n, 100 * MSEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* An attacker that sees a request answers it before the peer does. */
static void forge(struct net *n, struct host *h, const struct sa *src,
		  const struct sa *dst, const uint8_t *buf, size_t len)
{
	int how = *(int *)n->taparg;
	uint8_t out[PKT], tid[STUN_TID_SIZE];
	struct sa from = *dst, to = *src;
	struct stun_pkt m;
	struct stun_out o;

	if (stun_parse(&m, buf, len) || m.cls != STUN_CLASS_REQUEST)
		return;
	memcpy(tid, m.tid, sizeof tid);
	if (how == 0)
		tid[11] ^= 1;
	stun_begin(&o, out, sizeof out, how == 3 ? STUN_CLASS_ERROR_RESP
		   : STUN_CLASS_SUCCESS_RESP, tid);
	if (how == 3)
		stun_put_error(&o, 487, &m);
	else
		stun_put_mapped(&o, &to);
	/* the password is known to the tester, not to the attacker */
	if (how == 2)
		stun_put_key(&o, "wrongwrongwrongwrongwrong");
	else if (how != 3)
		stun_put_key(&o, agent_pwd(n->host[h == n->host].a));
	stun_put_fingerprint(&o);
	if (how == 1)
		sa_set_str(&from, "192.0.2.66", 5000);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, out, stun_end(&o)), 0);
	agent_recv(h->a, IPPROTO_UDP, &to, &from, &m, n->now);
	net_events(h);
}

/* What was sent, kept from its receiver; answered between two calls. */
static struct {
	struct host *h;
	struct sa src, dst;
	uint8_t buf[PKT];
	size_t len;
} seen[64];
static unsigned seenc;

static bool collect(struct net *n, struct host *h, const struct sa *src,
		    const struct sa *dst, uint8_t *buf, size_t len)
{
	(void)n;
	if (seenc < 64) {
		seen[seenc].h = h;
		seen[seenc].src = *src;
		seen[seenc].dst = *dst;
		memcpy(seen[seenc].buf, buf, len);
		seen[seenc++].len = len;
	}
	return true;
}

static void test_spoofed(void)
{
	for (int how = 0; how < 4; how++) {
		struct host *a, *b;
		struct net n;

		net_init(&n, 13);
		n.taparg = &how;
		n.taph = collect;
		seenc = 0;
		meet(&n, &a, &b, NAT_NONE, NAT_NONE);
		for (int round = 0; round < 50; round++) {
			unsigned c = seenc;

			for (unsigned i = 0; i < c; i++)
				forge(&n, seen[i].h, &seen[i].src,
				      &seen[i].dst, seen[i].buf,
				      seen[i].len);
			seenc = 0;
			net_run(&n, 100 * MSEC);
		}
		CU_ASSERT(!a->found && !b->found);
		CU_ASSERT(agent_controlling(a->a));
		CU_ASSERT(!agent_controlling(b->a));
		/* and when the attacker is gone all is well */
		n.taph = NULL;
		net_run(&n, 5 * SEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		net_close(&n);
	}
}

/* How often the answers of h were: none, errors, successes; and that none
 * is larger than the request. */
struct probe {
	uint8_t req[PKT];
	size_t len;
	unsigned answers;
	struct stun_pkt m;
	uint8_t ans[PKT];
};

static bool probe_tap(struct net *n, struct host *h, const struct sa *src,
		      const struct sa *dst, uint8_t *buf, size_t len)
{
	struct probe *p = n->taparg;

	(void)h, (void)src, (void)dst;
	CU_ASSERT_FATAL(len <= p->len);
	p->answers++;
	memcpy(p->ans, buf, len);
	CU_ASSERT_EQUAL(stun_parse(&p->m, p->ans, len), 0);
	CU_ASSERT(stun_fingerprint_ok(&p->m));
	return true;
}

enum { P_UFRAG = 1, P_KEY = 2, P_PRIO = 4, P_UNKNOWN = 8, P_CTL = 16 };

static uint16_t probe(struct net *n, struct host *h, struct probe *p,
		      unsigned what)
{
	static const uint8_t tid[STUN_TID_SIZE];
	struct stun_out o;
	struct stun_pkt m;
	char user[64];
	struct sa src;

	p->answers = 0;
	(void)re_snprintf(user, sizeof user, "%s:peer",
			  what & P_UFRAG ? agent_ufrag(h->a) : "ABCDEFGH");
	sa_set_str(&src, "192.0.2.77", 7777);
	stun_begin(&o, p->req, sizeof p->req, STUN_CLASS_REQUEST, tid);
	stun_put(&o, STUN_ATTR_USERNAME, user, strlen(user));
	if (what & P_PRIO)
		stun_put_u32(&o, STUN_ATTR_PRIORITY, 1);
	if (what & P_UNKNOWN)
		stun_put_u32(&o, 0x7777, 1);
	if (what & P_CTL)
		stun_put_u64(&o, STUN_ATTR_CONTROLLING, 0);
	if (what & P_KEY)
		stun_put_key(&o, agent_pwd(h->a));
	stun_put_fingerprint(&o);
	p->len = stun_end(&o);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, p->req, p->len), 0);
	agent_recv(h->a, IPPROTO_UDP, &h->base[0], &src, &m, n->now);
	return p->answers ? (p->m.ecode ? p->m.ecode : 200) : 0;
}

static void test_answers(void)
{
	struct probe p;
	struct host *a;
	struct net n;

	net_init(&n, 14);
	n.taph = probe_tap;
	n.taparg = &p;
	a = net_host(&n, NAT_NONE, true);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_KEY | P_PRIO), 0);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG), 400);
	CU_ASSERT(!p.m.mi);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_KEY), 400);
	CU_ASSERT(stun_key_ok(&p.m, agent_pwd(a->a)));
	CU_ASSERT_EQUAL(probe(&n, a, &p,
			      P_UFRAG | P_KEY | P_PRIO | P_UNKNOWN), 420);
	CU_ASSERT(stun_key_ok(&p.m, agent_pwd(a->a)));
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_KEY | P_PRIO | P_CTL),
			487);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_KEY | P_PRIO), 200);
	CU_ASSERT(stun_key_ok(&p.m, agent_pwd(a->a)));
	net_close(&n);
}

/* Any allocation would fail here, and be noticed. */
static void test_unproven_costs_nothing(void)
{
	struct probe p;
	struct host *a;
	struct net n;

	net_init(&n, 15);
	n.taph = probe_tap;
	n.taparg = &p;
	a = net_host(&n, NAT_NONE, true);
	for (int i = 0; i < 100; i++) {
		fail_at(1);
		CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_PRIO), 400);
		CU_ASSERT_EQUAL(probe(&n, a, &p, P_KEY | P_PRIO), 0);
		CU_ASSERT(!fail_done);
		fail_at(0);
	}
	net_close(&n);
}

static int count_pairs(const char *buf, size_t len, void *arg)
{
	for (size_t i = 0; i < len; i++)
		*(unsigned *)arg += buf[i] == '\n';
	return 0;
}

static bool count_tcp(struct net *n, struct host *h, const struct sa *src,
		      const struct sa *dst, uint8_t *buf, size_t len)
{
	(void)n, (void)h, (void)dst, (void)buf, (void)len;
	*(unsigned *)n->taparg += sa_port(src) == 9;
	return false;
}

/* TCP begins when UDP has had its time, and not at all if that was enough. */
static void test_tcp_later(void)
{
	for (int udp = 0; udp < 2; udp++) {
		unsigned count = 0;
		struct host *a, *b;
		struct net n;

		net_init(&n, 22);
		n.taph = count_tcp;
		n.taparg = &count;
		a = net_host(&n, udp ? NAT_PORT : NAT_BLOCKED, true);
		b = net_host(&n, NAT_NONE, false);
		host_add_tcp(a, 0);
		host_add_tcp(b, 0);
		net_tell(a, b);
		net_tell(b, a);
		net_run(&n, 90 * MSEC);
		CU_ASSERT_EQUAL(count, 0);
		CU_ASSERT_EQUAL(a->found, (unsigned)udp);
		net_run(&n, 400 * MSEC);
		CU_ASSERT_EQUAL(count > 0, !udp);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		CU_ASSERT_EQUAL(tier_of(a), udp ? DIRECT : TCP);
		CU_ASSERT_EQUAL(tier_of(b), udp ? DIRECT : TCP);
		net_close(&n);
	}
}

/* What becomes possible is used within two seconds. */
static void test_becomes_possible(void)
{
	for (int relay = 0; relay < 2; relay++) {
		struct host *a, *b;
		struct net n;

		net_init(&n, 23);
		n.delay = 20 * MSEC;
		a = net_host(&n, NAT_PORT, true);
		b = net_host(&n, NAT_NONE, false);
		if (relay) {
			host_add_relay(a);
		}
		else {
			host_add_tcp(a, 0);
			host_add_tcp(b, 0);
		}
		a->nat = NAT_BLOCKED;
		if (relay)
			b->nat = NAT_FULL;      /* a public base, walled in */
		net_tell(a, b);
		net_tell(b, a);
		net_run(&n, 40 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), relay ? RELAYED : TCP);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		a->nat = NAT_PORT;
		net_run(&n, 2 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), DIRECT);
		CU_ASSERT_EQUAL(tier_of(b), DIRECT);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		/* and a minute, when it takes long */
		a->nat = NAT_BLOCKED;
		net_run(&n, 200 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), relay ? RELAYED : TCP);
		a->nat = NAT_PORT;
		net_run(&n, 62 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), DIRECT);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		net_close(&n);
	}
}

/* Both behind one NAT: nothing is sent out to come in again while the way
 * inside has not been tried. */
static bool no_hairpin(struct net *n, struct host *h, const struct sa *src,
		       const struct sa *dst, uint8_t *buf, size_t len)
{
	(void)src, (void)buf, (void)len;
	*(unsigned *)n->taparg += sa_cmp(dst, &h->pub, SA_ADDR);
	return false;
}

static void test_hairpin(void)
{
	for (int inside = 0; inside < 2; inside++) {
		unsigned count = 0;
		struct host *a, *b;
		struct net n;

		net_init(&n, 24);
		n.taph = no_hairpin;
		n.taparg = &count;
		a = net_host(&n, NAT_FULL, true);
		b = net_host(&n, NAT_FULL, false);
		share_nat(a, b);
		if (inside)
			b->site = a->site;
		net_tell(a, b);
		net_tell(b, a);
		net_run(&n, 290 * MSEC);
		CU_ASSERT_EQUAL(count, 0);
		CU_ASSERT_EQUAL(tier_of(a), inside ? LAN : NOTHING);
		net_run(&n, 60 * SEC);
		CU_ASSERT_EQUAL(count > 0, !inside);
		/* this NAT lets nothing back in */
		CU_ASSERT_EQUAL(tier_of(a), inside ? LAN : NOTHING);
		net_close(&n);
	}
}

/* The way is known to be broken: no need to wait for silence. */
static void test_lost(void)
{
	struct host *a, *b;
	struct net n;

	net_init(&n, 25);
	meet(&n, &a, &b, NAT_NONE, NAT_FULL);
	host_add_relay(b);
	net_tell(b, a);
	net_run(&n, 5 * SEC);
	CU_ASSERT_EQUAL(tier_of(a), DIRECT);
	agent_lost(a->a, IPPROTO_UDP, &a->local.base, &a->remote.addr, n.now);
	CU_ASSERT(agent_events(a->a) & AGENT_SUSPECT);
	/* but it was not true */
	net_run(&n, 10 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT_EQUAL(tier_of(a), DIRECT);
	net_close(&n);
}

/* Too many of everything. */
static void test_limits(void)
{
	static struct cand candv[DESC_CAND_MAX];
	static struct desc d;
	struct host *a, *b;
	unsigned lines = 0;
	struct re_printf pf = { count_pairs, &lines };
	struct net n;

	net_init(&n, 16);
	a = net_host(&n, NAT_NONE, true);
	b = net_host(&n, NAT_NONE, false);
	host_add_base(a, "192.0.2.101");
	host_add_base(a, "192.0.2.102");
	memset(&d, 0, sizeof d);
	d.candv = candv;
	str_ncpy(d.ufrag, agent_ufrag(b->a), sizeof d.ufrag);
	str_ncpy(d.pwd, agent_pwd(b->a), sizeof d.pwd);
	for (int i = 0; i < DESC_CAND_MAX; i++) {
		d.candv[i] = b->cand[0];
		d.candv[i].prio = (uint32_t)(1000 + i);
		sa_set_port(&d.candv[i].addr, (uint16_t)(30000 + i));
	}
	d.candc = DESC_CAND_MAX;
	CU_ASSERT_EQUAL(agent_remote(a->a, &d, n.now), 0);
	CU_ASSERT_EQUAL(agent_debug(&pf, a->a), 0);
	CU_ASSERT_EQUAL(lines, 100);
	/* the checklist is full, yet who checks us is checked */
	net_tell(a, b);
	net_run(&n, 5 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* A peer that has proven itself but floods from everywhere. */
static void test_prflx_flood(void)
{
	struct host *a, *b;
	unsigned lines = 0;
	struct re_printf pf = { count_pairs, &lines };
	struct net n;

	net_init(&n, 17);
	meet(&n, &a, &b, NAT_NONE, NAT_NONE);
	net_run(&n, SEC);
	CU_ASSERT(net_joined(a, b));
	n.taph = collect;
	seenc = 0;
	net_run(&n, 7 * SEC);
	for (unsigned i = 0; i < seenc; i++) {
		struct stun_pkt m;
		struct sa src = seen[i].src;

		if (seen[i].h != b || stun_parse(&m, seen[i].buf,
						 seen[i].len) ||
		    m.cls != STUN_CLASS_REQUEST)
			continue;
		for (int port = 1; port < 1000; port++) {
			sa_set_port(&src, (uint16_t)port);
			agent_recv(a->a, IPPROTO_UDP, &seen[i].dst, &src, &m, n.now);
		}
		break;
	}
	CU_ASSERT_EQUAL(agent_debug(&pf, a->a), 0);
	CU_ASSERT_EQUAL(lines, 1 + 16);
	n.taph = NULL;
	net_run(&n, 60 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(a->found == 1);
	net_close(&n);
}

static int fail_run(void *arg)
{
	struct agent_conf conf = { .sendh = host_send };
	struct sa base = *(struct sa *)arg;
	struct cand c = { .type = CAND_HOST, .addr = base, .base = base };
	static struct desc d;
	struct agent *a;
	int err = agent_alloc(&a, &conf);

	if (err)
		return err;
	memset(&d, 0, sizeof d);
	str_ncpy(d.ufrag, "ufrag", sizeof d.ufrag);
	str_ncpy(d.pwd, "passwordpasswordpassword", sizeof d.pwd);
	err = agent_local(a, &c, SEC);
	if (!err)
		err = agent_remote(a, &d, SEC);
	if (!err)
		err = agent_restart(a);
	mem_deref(a);
	return err;
}

static void test_nomem(void)
{
	struct sa base;

	sa_set_str(&base, "192.0.2.1", 5000);
	FAIL_EACH(fail_run, &base);
}

UNIT_SUITE("agent",
	{ "lan", test_lan },
	{ "nats", test_nats },
	{ "random", test_random },
	{ "role conflict", test_role_conflict },
	{ "prflx", test_prflx },
	{ "early", test_early },
	{ "early fork", test_early_fork },
	{ "trickle", test_trickle },
	{ "consent lost", test_consent_lost },
	{ "outage", test_outage },
	{ "failover", test_failover },
	{ "roaming", test_roaming },
	{ "restart", test_restart },
	{ "restart after end", test_restart_after_end },
	{ "upgrade", test_upgrade },
	{ "at once", test_at_once },
	{ "relay at once", test_relay_at_once },
	{ "likely first", test_likely_first },
	{ "faster", test_faster },
	{ "no renomination", test_no_renomination },
	{ "lite", test_lite },
	{ "long ringing", test_long_ringing },
	{ "spoofed", test_spoofed },
	{ "answers", test_answers },
	{ "unproven costs nothing", test_unproven_costs_nothing },
	{ "tcp later", test_tcp_later },
	{ "becomes possible", test_becomes_possible },
	{ "hairpin", test_hairpin },
	{ "lost", test_lost },
	{ "limits", test_limits },
	{ "prflx flood", test_prflx_flood },
	{ "no memory", test_nomem })
