/*
 * Tests modules/path/renew.c, in fake time through a mock network: a NAT
 * that ends its mappings however much they are used.
 */
#include "tests/unit/modules/mocknet.h"

#define LIFE (20 * SEC)

/* h renews; the two know each other and data flows. */
struct pair {
	struct net n;
	struct host *a, *b, *h;
};

static void begin(struct pair *p, unsigned side, enum nat_kind peer)
{
	net_init(&p->n, 40);
	p->n.delay = 10 * MSEC;
	p->a = net_host(&p->n, side ? peer : NAT_PORT, true);
	p->b = net_host(&p->n, side ? NAT_PORT : peer, false);
	p->a->peer = p->b;
	p->b->peer = p->a;
	p->h = side ? p->b : p->a;
	p->a->busy = p->b->busy = true;
	net_tell(p->a, p->b);
	net_run(&p->n, p->n.delay);
	net_tell(p->b, p->a);
	net_run(&p->n, SEC);
	CU_ASSERT(net_joined(p->a, p->b) && net_joined(p->b, p->a));
}

/* A packet on x's path arrives at y, whether y has moved already or not: a
 * flow knows its packets wherever they come from. */
static bool arrives(struct host *x, const struct host *y)
{
	struct sa src = x->local.base, dst = x->remote.addr;
	int proto = cand_proto(&x->local);

	return net_leave(x, proto, &src, &dst) &&
		net_route(x->net, proto, &src, &dst, x->site) == y;
}

/* ms, in steps of 10, in which a packet from either side had not arrived. */
static unsigned broken(struct pair *p, uint64_t t)
{
	const uint64_t end = p->n.now + t;
	unsigned gaps = 0;

	while (p->n.now < end) {
		net_run(&p->n, 10 * MSEC);
		if (!arrives(p->a, p->b) || !arrives(p->b, p->a))
			gaps += 10;
	}
	return gaps;
}

/* Once may have been a restart; twice after the same time is a habit, and
 * from then on nothing is lost, whichever side it is and whatever the other
 * lets in. */
static void test_renews(void)
{
	static const enum nat_kind peerv[] = { NAT_NONE, NAT_FULL, NAT_PORT };

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(peerv); i++) {
		struct pair p;

		begin(&p, i % 2, peerv[i / 2]);
		p.h->nat.life = LIFE;
		CU_ASSERT(broken(&p, 30 * SEC) > 0);
		CU_ASSERT_EQUAL(p.h->renewals, 0);
		CU_ASSERT(broken(&p, 13 * SEC) > 0);
		CU_ASSERT_EQUAL(broken(&p, 200 * SEC), 0);
		/* each 15 s, or a little more */
		CU_ASSERT(p.h->renewals >= 12 && p.h->renewals <= 14);
		CU_ASSERT(p.h->basec <= BASES);
		CU_ASSERT(net_joined(p.a, p.b) && net_joined(p.b, p.a));
		net_close(&p.n);
	}
}

/* What a process before has learned spares this one the first two ends. */
static void test_known(void)
{
	struct pair p;

	begin(&p, 0, NAT_PORT);
	p.h->nat.life = LIFE;
	keepalive_set(&p.h->keepalive, &p.h->base[0], &p.h->nat.pub, 0, LIFE);
	CU_ASSERT_EQUAL(broken(&p, 200 * SEC), 0);
	CU_ASSERT(p.h->renewals >= 12 && p.h->renewals <= 14);
	net_close(&p.n);
}

/* A session that carries nothing can wait for what is repaired anyway. */
static void test_idle(void)
{
	for (int idle = 0; idle < 2; idle++) {
		struct pair p;

		begin(&p, 0, NAT_PORT);
		p.h->nat.life = LIFE;
		(void)broken(&p, 50 * SEC);
		p.a->busy = p.b->busy = !idle;
		(void)broken(&p, 10 * SEC);
		p.h->renewals = 0;
		(void)broken(&p, 100 * SEC);
		CU_ASSERT_EQUAL(p.h->renewals == 0, idle);
		net_close(&p.n);
	}
}

/* A NAT that is restarted, twice, after times of no order. */
static void test_restarts(void)
{
	struct pair p;

	begin(&p, 0, NAT_PORT);
	(void)broken(&p, 20 * SEC);
	host_nat_reboot(p.h);
	(void)broken(&p, 70 * SEC);
	host_nat_reboot(p.h);
	(void)broken(&p, 200 * SEC);
	CU_ASSERT_EQUAL(p.h->renewals, 0);
	CU_ASSERT_EQUAL(keepalive_life(&p.h->keepalive, &p.h->base[0],
				       &p.h->nat.pub), 0);
	net_close(&p.n);
}

/* No other socket comes to anything: as without. */
static void test_in_vain(void)
{
	for (unsigned side = 0; side < 2; side++) {
		struct pair p;

		begin(&p, side, NAT_PORT);
		p.h->nat.life = LIFE;
		(void)broken(&p, 43 * SEC);
		p.h->dead[1] = p.h->dead[2] = true;
		CU_ASSERT(broken(&p, 100 * SEC) < 12 * 1000);
		CU_ASSERT(p.h->renewals >= 4);
		CU_ASSERT(!(p.a->events & AGENT_EXPIRED));
		net_close(&p.n);
	}
}

UNIT_SUITE("renew",
	{ "renews", test_renews },
	{ "known", test_known },
	{ "idle", test_idle },
	{ "restarts", test_restarts },
	{ "in vain", test_in_vain })
