/*
 * outq.c: tests tunnels/flow/outq.c with links made of fake time.
 */
#include <string.h>
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"
#include "tunnels/flow/outq.h"

enum { PIECE = 15000 };                 /* bytes of a write */

/* A socket whose queue goes down at `rate` bytes a second. */
struct link {
	uint64_t rate, now;
	double queued, most;
	uint64_t passed;
};

static void pass(struct link *l, uint64_t ns)
{
	const double n = (double)l->rate * (double)ns / 1e9;
	const double gone = n < l->queued ? n : l->queued;

	l->now += ns;
	l->queued -= gone;
	l->passed += (uint64_t)gone;
}

static void write_piece(struct link *l, struct outq *o)
{
	const size_t before = (size_t)l->queued;

	l->queued += PIECE;
	if (!l->rate) {                 /* takes all at once */
		l->passed += PIECE;
		l->queued = 0;
	}
	if (l->queued > l->most)
		l->most = l->queued;
	outq_wrote(o, before, (size_t)l->queued, l->now);
}

/* A sender that always has something, for so long. */
static void run(struct link *l, struct outq *o, uint64_t time)
{
	const uint64_t end = l->now + time;
	int writes = 0;

	l->passed = 0;
	l->most = 0;
	while (l->now < end) {
		if (!outq_full(o, 0) && ++writes % 64) {
			write_piece(l, o);
			pass(l, 1000);
			continue;
		}
		pass(l, outq_full(o, 0) ? outq_wait(o) : 1000);
		outq_look(o, (size_t)l->queued, l->now);
	}
}

/* The link is busy, and what waits for it is some milliseconds. */
static void test_rates(void)
{
	static const uint64_t ratev[] = { 1250000, 12500000, 125000000,
					  1250000000 };

	for (size_t i = 0; i < ARRAY_SIZE(ratev); i++) {
		struct link l = { .rate = ratev[i], .now = SEC };
		struct outq o;

		memset(&o, 0, sizeof o);
		run(&l, &o, SEC);
		run(&l, &o, SEC);
		CU_ASSERT(l.passed > ratev[i] * 9 / 10);
		CU_ASSERT(l.most < (double)ratev[i] * 0.004 + 2 * PIECE);
	}
}

static void test_no_queue(void)
{
	struct link l = { .rate = 0, .now = SEC };
	struct outq o;

	memset(&o, 0, sizeof o);
	for (int i = 0; i < 100000; i++) {
		CU_ASSERT_FALSE(outq_full(&o, 65000));
		write_piece(&l, &o);
	}
}

/* The way becomes slower, and faster again. */
static void test_change(void)
{
	struct link l = { .rate = 125000000, .now = SEC };
	struct outq o;

	memset(&o, 0, sizeof o);
	run(&l, &o, SEC);
	l.rate = 1250000;
	run(&l, &o, SEC);
	run(&l, &o, SEC);
	CU_ASSERT(l.most < 2.5 * PIECE);
	CU_ASSERT(l.passed > l.rate * 9 / 10);
	l.rate = 125000000;
	run(&l, &o, SEC);
	run(&l, &o, SEC);
	CU_ASSERT(l.passed > l.rate * 9 / 10);
	l.rate = 0;
	run(&l, &o, SEC / 10);
	CU_ASSERT(l.passed > 125000000 / 5);
}

/* What others have in the same socket is not ours. */
static void test_others(void)
{
	struct outq o;

	memset(&o, 0, sizeof o);
	outq_wrote(&o, 1000000, 1000000, SEC);
	outq_wrote(&o, 1000000, 1000000, SEC + MSEC);
	CU_ASSERT_FALSE(outq_full(&o, 65000));
	outq_wrote(&o, 1000000, 1200000, SEC + 2 * MSEC);
	CU_ASSERT_TRUE(outq_full(&o, 0));
	outq_look(&o, 240000, SEC + 3 * MSEC);
	CU_ASSERT(o.mine <= 40000);
	outq_look(&o, 0, SEC + 4 * MSEC);
	CU_ASSERT_EQUAL(o.mine, 0);
}

UNIT_SUITE("outq",
	   { "links of all rates are busy, their queues short", test_rates },
	   { "where nothing queues nothing waits", test_no_queue },
	   { "a link that changes", test_change },
	   { "the socket is others' too", test_others })
