/*
 * fq.c: tests tunnels/vpn/fq.c: order, turns, early drops, bounds.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/clock.h"
#include "tests/unit/fail.h"
#include "tests/unit/unit.h"
#include "tunnels/vpn/fq.h"

static uint8_t pkt[65536], got[65536];

/* A UDP packet of a flow named by its port, numbered. */
static size_t make(unsigned flow, uint32_t number, size_t n)
{
	memset(pkt, (int)number, n);
	pkt[0] = 0x45;
	pkt[2] = (uint8_t)(n >> 8);
	pkt[3] = (uint8_t)n;
	pkt[6] = pkt[7] = 0;
	pkt[9] = 17;
	memcpy(pkt + 12, "\x0a\x07\x00\x01\x0a\x07\x00\x02", 8);
	pkt[20] = (uint8_t)(flow >> 8);
	pkt[21] = (uint8_t)flow;
	pkt[22] = pkt[23] = 9;
	memcpy(pkt + 28, &number, 4);
	return n;
}

static unsigned put(struct fq *f, unsigned flow, uint32_t number, size_t n,
		    uint64_t now)
{
	const struct fqinfo info = { .vh.gso_size = (uint16_t)number };

	return fq_put(f, &info, pkt, make(flow, number, n), now);
}

static unsigned flow_of(void)
{
	return (unsigned)got[20] << 8 | got[21];
}

static uint32_t number_of(void)
{
	uint32_t n;

	memcpy(&n, got + 28, 4);
	return n;
}

struct rig {
	struct fqpool *pool;
	struct fq *f;
	uint64_t dropped;
	struct fqinfo info;
};

static void up(struct rig *r, size_t bytes)
{
	memset(r, 0, sizeof *r);
	CU_ASSERT_EQUAL_FATAL(fqpool_alloc(&r->pool, bytes), 0);
	CU_ASSERT_EQUAL_FATAL(fq_alloc(&r->f, r->pool), 0);
}

static void down(struct rig *r)
{
	mem_deref(r->f);
	mem_deref(r->pool);
}

static size_t get(struct rig *r, uint64_t now)
{
	return fq_get(r->f, &r->info, got, now, &r->dropped);
}

/* What comes out is what went in, in the order of its flow. */
static void test_order(void)
{
	static const size_t sizev[] = { 60, 1400, 2048, 4000, 65535 };
	struct rig r;

	up(&r, 1 << 20);
	CU_ASSERT_EQUAL(get(&r, SEC), 0);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(put(r.f, 1, i, sizev[i], SEC), 0);
	for (uint32_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(get(&r, SEC), sizev[i]);
		make(1, i, sizev[i]);
		CU_ASSERT_EQUAL(memcmp(got, pkt, sizev[i]), 0);
		CU_ASSERT_EQUAL(r.info.vh.gso_size, i);
	}
	CU_ASSERT_EQUAL(get(&r, SEC), 0);
	CU_ASSERT_EQUAL(r.dropped, 0);
	down(&r);
}

/* A ping passes a download by, and two downloads share. */
static void test_turns(void)
{
	unsigned count[3] = { 0 };
	struct rig r;

	up(&r, 1 << 20);
	for (uint32_t i = 0; i < 100; i++) {
		put(r.f, 1, i, 1400, SEC);
		put(r.f, 2, i, 1400, SEC);
	}
	for (int i = 0; i < 6; i++)
		get(&r, SEC);
	put(r.f, 7, 0, 84, SEC);
	get(&r, SEC);
	CU_ASSERT_EQUAL(flow_of(), 7);
	for (int i = 0; i < 100; i++) {
		get(&r, SEC);
		CU_ASSERT_FATAL(flow_of() == 1 || flow_of() == 2);
		count[flow_of()]++;
	}
	CU_ASSERT(count[1] >= 48 && count[1] <= 52);
	down(&r);
}

/* A sender that is twice as fast as the way out is told after a while, from
 * the front of its queue. */
static void test_early(void)
{
	uint32_t in = 0, last = 0;
	struct rig r;

	up(&r, 8 << 20);
	for (uint64_t t = SEC; t < 3 * SEC; t += MSEC) {
		put(r.f, 1, ++in, 1400, t);
		put(r.f, 1, ++in, 1400, t);
		CU_ASSERT_FATAL(get(&r, t) == 1400);
		CU_ASSERT(number_of() > last);
		last = number_of();
		if (t < SEC + 100 * MSEC)
			CU_ASSERT_EQUAL(r.dropped, 0);
	}
	CU_ASSERT(r.dropped > 20);
	/* and one that is as fast as it is not */
	while (get(&r, 3 * SEC))
		;
	r.dropped = 0;
	for (uint64_t t = 4 * SEC; t < 6 * SEC; t += MSEC) {
		put(r.f, 1, ++in, 1400, t);
		get(&r, t + MSEC / 2);
	}
	CU_ASSERT_EQUAL(r.dropped, 0);
	down(&r);
}

/* A flood is held within its bound, and it is the flood that loses. */
static void test_bound(void)
{
	unsigned lost = 0, seen = 0;
	struct rig r;

	up(&r, 256 * 1024);
	put(r.f, 7, 1, 84, SEC);
	for (uint32_t i = 0; i < 5000; i++)
		lost += put(r.f, 1, i, 1400, SEC);
	CU_ASSERT(lost >= 5000 - 128);
	while (get(&r, SEC))
		seen += flow_of() == 7;
	CU_ASSERT_EQUAL(seen, 1);
	/* nothing of it is left in the heap: it can be had again */
	CU_ASSERT_EQUAL(put(r.f, 1, 1, 65000, SEC), 0);
	down(&r);

	/* what is larger than all of it */
	up(&r, 16 * 1024);
	CU_ASSERT_EQUAL(put(r.f, 1, 1, 65000, SEC), 1);
	CU_ASSERT_EQUAL(put(r.f, 1, 1, 8000, SEC), 0);
	CU_ASSERT_EQUAL(get(&r, SEC), 8000);
	down(&r);
}

static int make_one(void *arg)
{
	struct fqpool *pool = NULL;
	struct fq *f = NULL;
	int err = fqpool_alloc(&pool, 1 << 20);
	(void)arg;

	if (!err)
		err = fq_alloc(&f, pool);
	mem_deref(f);
	mem_deref(pool);
	return err;
}

static void test_no_memory(void)
{
	FAIL_EACH(make_one, NULL);
}

UNIT_SUITE("fq",
	   { "no memory", test_no_memory },
	   { "what comes out is what went in", test_order },
	   { "flows take turns, new ones first", test_turns },
	   { "who is too fast is told early", test_early },
	   { "a bound that the longest flow feels", test_bound })
