/*
 * limits.c: tests of sipd/limits.c.
 */
#include <string.h>
#include <sys/time.h>
#include "sipd/limits.h"
#include "tests/unit/unit.h"
#include "tunnels/flow/quic.h"

static struct limits *l;
static char text[200];

/* One that only claims to be that peer's. */
static enum reason claim(const struct conf *c, const char *name,
			 const struct rights *r,
			 const struct limits_load *load)
{
	struct peer p = { .rights = *r };

	(void)str_ncpy(p.name, name, sizeof p.name);
	return limits_call(l, c, &p, load, text, sizeof text);
}

/* One that is. */
static enum reason call(const struct conf *c, const char *name,
			const struct rights *r, uint32_t all, uint32_t peer)
{
	const struct limits_load load = { all, peer, 0 };
	const enum reason reason = claim(c, name, r, &load);
	struct peer p = { .rights = *r };

	(void)str_ncpy(p.name, name, sizeof p.name);
	return reason != REASON_NONE ? reason :
		limits_proven(l, c, &p, peer + 1, text, sizeof text);
}

static void test_call(void)
{
	const struct conf c = { .rate = 100, .sessions = 10 };
	const struct rights free = { .hours = "" };
	const struct rights two = { .hours = "", .sessions = 2 };
	const struct rights slow = { .hours = "", .rate = 3 };

	CU_ASSERT_EQUAL_FATAL(limits_alloc(&l), 0);
	CU_ASSERT_EQUAL(call(&c, "a", &free, 9, 9), REASON_NONE);
	CU_ASSERT_EQUAL(call(&c, "a", &free, 10, 0), REASON_LIMIT);
	CU_ASSERT_EQUAL(call(&c, "a", &two, 5, 1), REASON_NONE);
	CU_ASSERT_EQUAL(call(&c, "a", &two, 5, 2), REASON_LIMIT);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(call(&c, "b", &slow, 0, 0), REASON_NONE);
		CU_ASSERT_EQUAL(call(&c, "c", &slow, 0, 0), REASON_NONE);
	}
	CU_ASSERT_EQUAL(call(&c, "b", &slow, 0, 0), REASON_LIMIT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "3 calls a minute"));
	CU_ASSERT_EQUAL(call(&c, "a", &free, 0, 0), REASON_NONE);
	l = mem_deref(l);
}

static void test_all(void)
{
	const struct conf c = { .rate = 5 };
	const struct rights free = { .hours = "" };
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(limits_alloc(&l), 0);
	for (unsigned i = 0; i < 20; i++)
		n += call(&c, "a", &free, 0, 0) == REASON_NONE;
	CU_ASSERT_EQUAL(n, 5);
	l = mem_deref(l);
}

/* A stranger who says that he is b takes nothing from b, and has a quarter of
 * what there is. */
static void test_claims(void)
{
	const struct conf c = { .rate = 5, .sessions = 40 };
	const struct rights b = { .hours = "", .rate = 3, .sessions = 2 };
	struct limits_load load = { .sessions = 39 };

	CU_ASSERT_EQUAL_FATAL(limits_alloc(&l), 0);
	for (load.unproven = 0; load.unproven < 10; load.unproven++)
		for (unsigned i = 0; i < 20; i++)
			CU_ASSERT_EQUAL(claim(&c, "b", &b, &load),
					REASON_NONE);
	CU_ASSERT_EQUAL(claim(&c, "b", &b, &load), REASON_LIMIT);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "have not shown"));
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(call(&c, "b", &b, 39, 1), REASON_NONE);
	CU_ASSERT_EQUAL(call(&c, "b", &b, 39, 1), REASON_LIMIT);
	/* many at once, all proven then */
	CU_ASSERT_EQUAL(call(&c, "a", &b, 0, 2), REASON_LIMIT);
	CU_ASSERT_EQUAL(call(&c, "a", &b, 0, 1), REASON_NONE);
	l = mem_deref(l);
}

/* More names than there is room for: refused, not forgotten. */
static void test_many(void)
{
	const struct conf c = { .rate = 0 };
	const struct rights slow = { .hours = "", .rate = 1 };
	char name[32];
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(limits_alloc(&l), 0);
	for (unsigned i = 0; i < 5000; i++) {
		re_snprintf(name, sizeof name, "peer%u", i);
		n += call(&c, name, &slow, 0, 0) == REASON_NONE;
	}
	CU_ASSERT_EQUAL(n, 4096);
	CU_ASSERT_EQUAL(call(&c, "peer7", &slow, 0, 0), REASON_LIMIT);
	l = mem_deref(l);
}

static void test_tell(void)
{
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(limits_alloc(&l), 0);
	for (unsigned i = 0; i < 1000; i++)
		n += limits_tell(l);
	CU_ASSERT_EQUAL(n, 30);
	l = mem_deref(l);
}

static void test_over(void)
{
	struct quic_stats st = { .rx_bytes = 600, .tx_bytes = 500 };
	struct peer p = { .rights = { .hours = "" } };
	struct session_info in = { .peer = &p, .incoming = true,
				   .state = SESSION_OPEN, .stats = &st };
	struct timeval tv;

	gettimeofday(&tv, NULL);
	in.started = (uint64_t)tv.tv_sec * 1000 - 10000;
	CU_ASSERT_FALSE(limits_over(&in, text, sizeof text));
	p.rights.bytes = 1100;
	CU_ASSERT_FALSE(limits_over(&in, text, sizeof text));
	p.rights.bytes = 1099;
	CU_ASSERT_TRUE(limits_over(&in, text, sizeof text));
	p.rights.bytes = 0;
	p.rights.duration = 60;
	CU_ASSERT_FALSE(limits_over(&in, text, sizeof text));
	p.rights.duration = 5;
	CU_ASSERT_TRUE(limits_over(&in, text, sizeof text));
	in.incoming = false;            /* we called: it is our own affair */
	CU_ASSERT_FALSE(limits_over(&in, text, sizeof text));
}

UNIT_SUITE("limits",
	   { "a call", test_call },
	   { "of all", test_all },
	   { "claims", test_claims },
	   { "many peers", test_many },
	   { "who is told of", test_tell },
	   { "over", test_over })
