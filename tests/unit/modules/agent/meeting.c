/*
 * meeting.c: the first path between two ICE agents: on a LAN, through each
 * pair of NATs, whoever hears of the other when, and what they may not try.
 */
#include "tests/unit/modules/agent/twohosts.h"

/* b has moved in with a, behind the same NAT. */
static void share_nat(const struct host *a, struct host *b)
{
	b->nat.pub = a->nat.pub;
	b->nat.port_next = 50;
	b->nat.mapc = 0;
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
			CU_ASSERT(controls(a) != controls(b));
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
	CU_ASSERT(a->found == 1 && controls(a));
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

/* Both behind one NAT: nothing is sent out to come in again while the way
 * inside has not been tried. */
static bool no_hairpin(struct net *n, struct host *h, const struct sa *src,
		       const struct sa *dst, uint8_t *buf, size_t len)
{
	(void)src, (void)buf, (void)len;
	*(unsigned *)n->taparg += sa_cmp(dst, &h->nat.pub, SA_ADDR);
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
		net_run(&n, 39 * MSEC);
		CU_ASSERT_EQUAL(count, 0);
		CU_ASSERT_EQUAL(tier_of(a), inside ? LAN : NOTHING);
		net_run(&n, 60 * SEC);
		CU_ASSERT_EQUAL(count > 0, !inside);
		/* this NAT lets nothing back in */
		CU_ASSERT_EQUAL(tier_of(a), inside ? LAN : NOTHING);
		net_close(&n);
	}
}

UNIT_SUITE("agent/meeting",
	{ "lan", test_lan },
	{ "nats", test_nats },
	{ "role conflict", test_role_conflict },
	{ "prflx", test_prflx },
	{ "early", test_early },
	{ "early fork", test_early_fork },
	{ "trickle", test_trickle },
	{ "lite", test_lite },
	{ "long ringing", test_long_ringing },
	{ "hairpin", test_hairpin })
