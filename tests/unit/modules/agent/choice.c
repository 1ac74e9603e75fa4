/*
 * choice.c: which of an ICE agent's pairs carries data, when that is settled,
 * and when it moves to a better one.
 */
#include "tests/unit/modules/agent/twohosts.h"

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
		CU_ASSERT(a->a->selected->srtt / MSEC == 60);
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

/* A socket that goes takes no TCP with it while its address has another. */
static void test_tcp_stays(void)
{
	struct cand c = { .type = CAND_HOST };
	struct host *a, *b;
	struct net n;

	net_init(&n, 25);
	a = net_host(&n, NAT_BLOCKED, true);
	b = net_host(&n, NAT_NONE, false);
	host_add_tcp(a, 0);
	host_add_tcp(b, 0);
	net_tell(a, b);
	net_tell(b, a);
	net_run(&n, SEC);
	CU_ASSERT_EQUAL(tier_of(a), TCP);
	CU_ASSERT_EQUAL(a->found, 1);
	c.base = a->base[0];
	sa_set_port(&c.base, 5001);
	c.addr = c.base;
	c.prio = cand_prio(CAND_HOST, 1);
	CU_ASSERT_EQUAL(agent_local(a->a, &c, n.now), 0);
	agent_local_gone(a->a, &c.base, n.now);
	net_run(&n, 20 * SEC);
	CU_ASSERT_EQUAL(a->found, 1);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
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
		a->nat.kind = NAT_BLOCKED;
		if (relay)
			b->nat.kind = NAT_FULL; /* a public base, walled in */
		net_tell(a, b);
		net_tell(b, a);
		net_run(&n, 40 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), relay ? RELAYED : TCP);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		a->nat.kind = NAT_PORT;
		net_run(&n, 2 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), DIRECT);
		CU_ASSERT_EQUAL(tier_of(b), DIRECT);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		/* and a minute, when it takes long */
		a->nat.kind = NAT_BLOCKED;
		net_run(&n, 200 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), relay ? RELAYED : TCP);
		a->nat.kind = NAT_PORT;
		net_run(&n, 62 * SEC);
		CU_ASSERT_EQUAL(tier_of(a), DIRECT);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		net_close(&n);
	}
}

UNIT_SUITE("agent/choice",
	{ "upgrade", test_upgrade },
	{ "at once", test_at_once },
	{ "relay at once", test_relay_at_once },
	{ "likely first", test_likely_first },
	{ "faster", test_faster },
	{ "no renomination", test_no_renomination },
	{ "tcp later", test_tcp_later },
	{ "tcp stays", test_tcp_stays },
	{ "becomes possible", test_becomes_possible })
