/*
 * Tests modules/path/candpair.c: which of two pairs that work is better.
 */
#include <string.h>
#include "modules/path/candpair.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

struct made {
	struct lcand l;
	struct rcand r;
	struct candpair p;
};

/* A pair of this kind whose round trip takes ms. */
static const struct candpair *make(struct made *m, enum cand_type type,
				   enum cand_transp transp, const char *addr,
				   unsigned ms)
{
	memset(m, 0, sizeof *m);
	m->l.c.type = m->r.c.type = type;
	m->l.c.transp = m->r.c.transp = transp;
	(void)sa_set_str(&m->r.c.addr, addr, 5000);
	m->l.c.base = m->l.c.addr = m->r.c.addr;
	m->p.local = &m->l;
	m->p.remote = &m->r;
	sa_init(&m->p.mapped, AF_UNSPEC);
	m->p.samples = 10;
	m->p.srtt = ms * MSEC;
	return &m->p;
}

static const char v4[] = "192.0.2.1", v6[] = "2001:db8::1";

/* LAN before what is direct, that before TCP, that before a relay; however
 * slow. */
static void test_kinds(void)
{
	struct made m[4];
	const struct candpair *v[4] = {
		make(&m[0], CAND_HOST, CAND_UDP, v4, 500),
		make(&m[1], CAND_SRFLX, CAND_UDP, v4, 400),
		make(&m[2], CAND_HOST, CAND_TCP_ACTIVE, v4, 300),
		make(&m[3], CAND_RELAY, CAND_UDP, v6, 1),
	};

	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++)
			CU_ASSERT_EQUAL(candpair_better(v[i], v[k], 8),
					i < k);
}

static bool better(const char *a, unsigned ams, const char *b, unsigned bms)
{
	struct made x, y;

	return candpair_better(make(&x, CAND_SRFLX, CAND_UDP, a, ams),
			       make(&y, CAND_SRFLX, CAND_UDP, b, bms), 8);
}

/* By 10 ms, or by 20 % if that is more. */
static void test_hysteresis(void)
{
	CU_ASSERT(!better(v4, 20, v4, 20));
	CU_ASSERT(!better(v4, 20, v4, 30));
	CU_ASSERT(better(v4, 20, v4, 31));
	CU_ASSERT(!better(v4, 163, v4, 200));
	CU_ASSERT(better(v4, 155, v4, 200));
	CU_ASSERT(!better(v4, 31, v4, 20));
}

/* By 3 ms, and no more. */
static void test_six(void)
{
	CU_ASSERT(better(v6, 20, v4, 28));
	CU_ASSERT(!better(v4, 20, v4, 28));
	CU_ASSERT(!better(v6, 20, v4, 27));
	CU_ASSERT(!better(v4, 20, v6, 33));
	CU_ASSERT(better(v4, 20, v6, 34));
}

/* What varies, or was not asked often, is not better. */
static void test_noise(void)
{
	struct made x, y;
	const struct candpair *b = make(&y, CAND_SRFLX, CAND_UDP, v4, 100);

	(void)make(&x, CAND_SRFLX, CAND_UDP, v4, 50);
	CU_ASSERT(candpair_better(&x.p, b, 8));
	x.p.rttvar = 40 * MSEC;
	CU_ASSERT(!candpair_better(&x.p, b, 8));
	x.p.rttvar = 0;
	x.p.samples = 7;
	CU_ASSERT(!candpair_better(&x.p, b, 8));
	/* another kind is seen at once */
	(void)make(&x, CAND_HOST, CAND_UDP, v4, 500);
	x.p.samples = 1;
	CU_ASSERT(candpair_better(&x.p, b, 8));
}

UNIT_SUITE("candpair",
	{ "kinds", test_kinds },
	{ "hysteresis", test_hysteresis },
	{ "ipv6", test_six },
	{ "noise", test_noise })
