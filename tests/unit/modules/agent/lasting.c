/*
 * lasting.c: what becomes of a path that an ICE agent has: consent (RFC 7675),
 * outages, cables that are pulled, new addresses, restarts.
 */
#include "tests/unit/modules/agent/twohosts.h"

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

UNIT_SUITE("agent/lasting",
	{ "consent lost", test_consent_lost },
	{ "outage", test_outage },
	{ "failover", test_failover },
	{ "roaming", test_roaming },
	{ "restart", test_restart },
	{ "restart after end", test_restart_after_end },
	{ "lost", test_lost })
