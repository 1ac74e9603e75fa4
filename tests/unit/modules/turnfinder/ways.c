/*
 * ways.c: the ways to a relay (modules/path/turngroup.c): the next when one is
 * silent or fails, the same as the last time, answers from elsewhere.
 */
#include "tests/unit/modules/turnfinder/relay.h"

static void test_ways(void)
{
	struct rig r;
	struct sa seen;

	rig_open(&r, false);
	run_to(&r, r.now);
	CU_ASSERT_EQUAL(r.opened, 1);
	up(&r, 0);
	/* UDP is silent: TCP after 250 ms, TLS after 250 more */
	run_to(&r, r.now + 240 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 1);
	run_to(&r, r.now + 10 * MSEC);
	CU_ASSERT(r.opened == 2 && r.link[1]->way == 1);
	/* TCP is refused: TLS at once */
	r.link[1]->h.downh("refused", r.link[1]->arg);
	CU_ASSERT(r.wakes == 2);
	turn_finder.tick(r.f, r.now);
	run_to(&r, r.now);
	CU_ASSERT(r.opened == 3 && r.link[2]->way == 2);
	allocate(&r, 2);
	CU_ASSERT(r.cands == 1 && r.dones == 1);
	CU_ASSERT_EQUAL(r.cand.type, CAND_RELAY);
	CU_ASSERT(sa_cmp(&r.cand.base, &r.cand.addr, SA_ALL));
	CU_ASSERT(sa_cmp(&r.cand.base, &r.link[2]->relayed, SA_ALL));
	CU_ASSERT_STRING_EQUAL(turn_finder.whose(r.f, &r.cand.base),
			       "relay.test");
	CU_ASSERT_PTR_NULL(turn_finder.problem(r.f));
	/* the first is of no more use */
	CU_ASSERT_PTR_NULL(r.link[0]);
	/* connections of ours will come from where that one did */
	CU_ASSERT_EQUAL(r.actives, 1);
	CU_ASSERT_EQUAL(r.active.type, CAND_SRFLX);
	(void)sa_set_str(&seen, "203.0.113.5", 9);
	CU_ASSERT(sa_cmp(&r.active.addr, &seen, SA_ALL));
	(void)sa_set_str(&seen, "10.0.0.1", 9);
	CU_ASSERT(sa_cmp(&r.active.base, &seen, SA_ALL));
	rig_close(&r);

	/* where UDP gets out nobody needs to know */
	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	CU_ASSERT(r.cands == 1 && !r.actives);
	rig_close(&r);
}

/* The way that led there is tried at once the next time, UDP too. */
static void test_remembers(void)
{
	struct finder_env env;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now + 500 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 3);
	allocate(&r, 2);
	r.f = mem_deref(r.f);
	CU_ASSERT_EQUAL(r.closed, 3);
	env_of(&env, &r);
	CU_ASSERT_EQUAL_FATAL(turn_finder.start(&r.f, &env, r.now, candh,
						doneh, &r), 0);
	run_to(&r, r.now);
	CU_ASSERT_EQUAL(r.opened, 5);
	CU_ASSERT(r.link[3]->way == 0 && r.link[4]->way == 2);
	/* TCP not before its turn */
	run_to(&r, r.now + 240 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 5);
	rig_close(&r);
}

/* relay = only: no address of ours is told, whatever leads there. */
static void test_private(void)
{
	struct finder_env env;
	struct rig r;

	rig_open(&r, false);
	r.f = mem_deref(r.f);
	env_of(&env, &r);
	env.private = true;
	CU_ASSERT_EQUAL_FATAL(turn_finder.start(&r.f, &env, r.now, candh,
						doneh, &r), 0);
	run_to(&r, r.now + 500 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 3);
	allocate(&r, 2);
	CU_ASSERT(r.cands == 1 && !r.actives);
	CU_ASSERT(!sa_isset(&r.cand.rel, SA_ADDR));
	rig_close(&r);
}

static void test_elsewhere(void)
{
	struct sa wrong, other;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	up(&r, 0);
	(void)sa_set_str(&wrong, "198.51.100.2", 3478);
	(void)sa_set_str(&other, "10.0.0.1", 40000);
	/* from another source, or to another socket of ours */
	CU_ASSERT(!answer(&r, 0, 401, &r.link[0]->local, &wrong));
	CU_ASSERT(!answer(&r, 0, 401, &other, &r.server));
	CU_ASSERT_EQUAL(r.link[0]->sent, 1);
	CU_ASSERT(answer(&r, 0, 401, &r.link[0]->local, &r.server));
	CU_ASSERT_EQUAL(r.link[0]->sent, 2);
	CU_ASSERT(!answer(&r, 0, 0, &r.link[0]->local, &wrong));
	CU_ASSERT(!answer(&r, 0, 0, &other, &r.server));
	CU_ASSERT_EQUAL(r.cands, 0);
	rig_close(&r);
}

static void test_nothing(void)
{
	struct rig r;

	rig_open(&r, true);
	run_to(&r, r.now + 3 * SEC);
	CU_ASSERT(!r.opened && r.dones == 1 && !r.cands);
	CU_ASSERT_PTR_NOT_NULL(turn_finder.problem(r.f));
	/* it is tried again, and then less often */
	r.refuse = false;
	run_to(&r, r.now + 10 * SEC);
	CU_ASSERT(r.opened >= 1);
	rig_close(&r);
}

static void test_refused(void)
{
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	up(&r, 0);
	CU_ASSERT(answer(&r, 0, 401, &r.link[0]->local, &r.server));
	CU_ASSERT(answer(&r, 0, 401, &r.link[0]->local, &r.server));
	CU_ASSERT_STRING_EQUAL(turn_finder.problem(r.f), "the relay"
			       " relay.test refuses the user name or the"
			       " password");
	CU_ASSERT_EQUAL(r.dones, 1);
	/* no other way is tried, and none for a minute */
	run_to(&r, r.now + 50 * SEC);
	CU_ASSERT_EQUAL(r.opened, 1);
	rig_close(&r);
}

UNIT_SUITE("turnfinder/ways",
	{ "one way after the other", test_ways },
	{ "the way of the last time", test_remembers },
	{ "only relayed", test_private },
	{ "answers from elsewhere", test_elsewhere },
	{ "nothing can be reached", test_nothing },
	{ "wrong credentials", test_refused })
