/*
 * lasts.c: an allocation that is lost and made again, and one more beside it
 * before it ends (modules/path/turngroup.c).
 */
#include "tests/unit/modules/turnfinder/relay.h"

/* The first relay has given an allocation, *one. */
static void allocated(struct rig *r, struct sa *one)
{
	rig_open(r, false);
	run_to(r, r->now);
	allocate(r, 0);
	*one = r->cand.base;
}

static void test_lost(void)
{
	struct finder_env env;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	CU_ASSERT_EQUAL(r.cands, 1);
	/* told again when ICE restarts */
	env_of(&env, &r);
	turn_finder.again(r.f, &env, r.now);
	CU_ASSERT_EQUAL(r.cands, 2);
	CU_ASSERT(answer(&r, 0, 0, &r.link[0]->local, &r.server));
	/* the server does not answer any more */
	turn_finder.probe(r.f, r.now);
	run_to(&r, r.now + 5 * SEC);
	CU_ASSERT_EQUAL(r.gone, 1);
	CU_ASSERT(sa_cmp(&r.gone_base, &r.cand.base, SA_ALL));
	CU_ASSERT(r.opened > 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.link[1]);
	allocate(&r, 1);
	CU_ASSERT_EQUAL(r.cands, 3);
	CU_ASSERT_EQUAL(r.dones, 1);
	rig_close(&r);
}

/* Another allocation is asked for; what is sent from its link, if any. */
static void fresh(struct rig *r, const struct sa *in_use)
{
	struct finder_env env;
	struct sa base;

	env_of(&env, r);
	CU_ASSERT_EQUAL(turn_finder.fresh(r->f, &env, in_use, &base, r->now),
			EINPROGRESS);
	run_to(r, r->now);
}

/* A second one by the same way, told when it is there; the first goes when
 * the third is asked for. */
static void test_fresh(void)
{
	struct finder_env env;
	struct sa one, two, three;
	struct rig r;

	allocated(&r, &one);
	fresh(&r, &one);
	CU_ASSERT_FATAL(r.opened == 2 && r.link[1]->way == 0);
	fresh(&r, &one);                /* it is under way */
	CU_ASSERT_EQUAL(r.opened, 2);
	allocate(&r, 1);
	two = r.cand.base;
	CU_ASSERT(sa_cmp(&r.fresh_base, &two, SA_ALL));
	CU_ASSERT(r.link[0] && !r.gone);
	CU_ASSERT_PTR_NOT_NULL(turn_finder.whose(r.f, &one));
	CU_ASSERT_PTR_NOT_NULL(turn_finder.whose(r.f, &two));
	fresh(&r, &two);
	CU_ASSERT(!r.link[0] && r.gone == 1 && r.opened == 3);
	CU_ASSERT(sa_cmp(&r.gone_base, &one, SA_ALL));
	allocate(&r, 2);
	three = r.cand.base;
	/* the path has not moved to it: another, in its place */
	fresh(&r, &two);
	CU_ASSERT(r.gone == 2 && sa_cmp(&r.gone_base, &three, SA_ALL));
	CU_ASSERT(r.opened == 4 && !r.link[2]);
	env_of(&env, &r);
	CU_ASSERT_EQUAL(turn_finder.fresh(r.f, &env, &one, &three, r.now),
			ENOENT);
	rig_close(&r);
}

/* That it fails takes nothing away, and is not tried again by itself. */
static void test_fresh_fails(void)
{
	struct sa one, two;
	struct rig r;

	allocated(&r, &one);
	r.refuse = true;
	fresh(&r, &one);
	r.refuse = false;
	run_to(&r, r.now + 5 * SEC);
	CU_ASSERT_EQUAL(r.opened, 1);
	fresh(&r, &one);
	r.link[1]->h.downh("cut", r.link[1]->arg);
	run_to(&r, r.now);
	turn_finder.tick(r.f, r.now);
	CU_ASSERT(r.opened == 2 && !r.link[1] && !r.gone);
	/* what was left ends alone */
	fresh(&r, &one);
	allocate(&r, 2);
	two = r.cand.base;
	r.link[0]->h.downh("cut", r.link[0]->arg);
	turn_finder.tick(r.f, r.now);
	CU_ASSERT(r.gone == 1 && sa_cmp(&r.gone_base, &one, SA_ALL));
	CU_ASSERT(turn_finder.whose(r.f, &two) != NULL && r.opened == 3);
	/* and both at once: all ways are tried again */
	fresh(&r, &two);
	allocate(&r, 3);
	r.link[3]->h.downh("cut", r.link[3]->arg);
	turn_finder.tick(r.f, r.now);
	run_to(&r, r.now);
	CU_ASSERT(r.gone == 3 && r.opened == 5 && r.cands == 3);
	rig_close(&r);
}

/* What it was asked beside is gone before it has begun: nor does it later. */
static void test_fresh_too_late(void)
{
	struct finder_env env;
	struct sa one, base;
	struct rig r;

	allocated(&r, &one);
	env_of(&env, &r);
	CU_ASSERT_EQUAL(turn_finder.fresh(r.f, &env, &one, &base, r.now),
			EINPROGRESS);
	r.link[0]->h.downh("cut", r.link[0]->arg);
	turn_finder.tick(r.f, r.now);
	run_to(&r, r.now);
	CU_ASSERT(r.gone == 1 && r.opened == 2);
	rig_close(&r);
}

UNIT_SUITE("turnfinder/lasts",
	{ "lost, and made again", test_lost },
	{ "one more", test_fresh },
	{ "one more fails", test_fresh_fails },
	{ "one more comes too late", test_fresh_too_late })
