/*
 * clock.c: the timer heap in fake time, and once in libre's loop.
 */
#include <stdlib.h>
#include "tests/unit/unit.h"
#include "sdp/base/clock.h"

enum { MANY = 2000 };

static uint64_t last;
static unsigned fired, disorder;
static struct timers *heap;

struct item {
	struct timer t;
	bool live;
};

static void item_handler(void *arg)
{
	struct item *it = arg;

	if (it->t.when < last)
		++disorder;
	last = it->t.when;
	it->live = false;
	++fired;
}

static void test_order(void)
{
	static struct item itemv[MANY];
	unsigned live = 0;

	srand(1);
	last = fired = disorder = 0;
	CU_ASSERT_EQUAL(timers_alloc(&heap), 0);
	CU_ASSERT_EQUAL(timers_next(heap), UINT64_MAX);
	for (unsigned i = 0; i < 10 * MANY; i++) {
		struct item *it = &itemv[rand() % MANY];

		if (rand() % 4) {
			timer_start_at(heap, &it->t, 1 + rand() % 1000,
				       item_handler, it);
			it->live = true;
		}
		else {
			timer_stop(&it->t);
			it->live = false;
		}
	}
	for (unsigned i = 0; i < MANY; i++)
		live += itemv[i].live;
	for (uint64_t now = 0; now <= 1000; now += 7)
		timers_run(heap, now);
	timers_run(heap, 1000);
	CU_ASSERT_EQUAL(fired, live);
	CU_ASSERT_EQUAL(disorder, 0);
	CU_ASSERT_EQUAL(timers_next(heap), UINT64_MAX);
	heap = mem_deref(heap);
}

static void again_handler(void *arg)
{
	++fired;
	timer_start_at(heap, arg, 5, again_handler, arg);
}

static void test_restart_inside(void)
{
	struct timer t = { 0 };

	fired = 0;
	timers_alloc(&heap);
	timer_start_at(heap, &t, 5, again_handler, &t);
	timers_run(heap, 10);
	CU_ASSERT_EQUAL(fired, 1);
	timers_run(heap, 10);
	CU_ASSERT_EQUAL(fired, 2);
	heap = mem_deref(heap);
	CU_ASSERT_PTR_NULL(t.heap);     /* stopped with its heap */
	timer_stop(&t);
}

static void quit_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static void test_attached(void)
{
	struct timer a = { 0 }, b = { 0 };
	uint64_t t0 = clock_ns(), dt;

	timers_alloc(&heap);
	CU_ASSERT_EQUAL(timers_attach(heap), 0);
	CU_ASSERT_EQUAL(timers_attach(heap), EINVAL);
	timer_start(heap, &a, 5 * SEC, quit_handler, NULL);
	timer_start(heap, &b, 20 * MSEC, quit_handler, NULL);
	re_main(NULL);
	dt = clock_ns() - t0;
	CU_ASSERT(dt >= 20 * MSEC && dt < 4 * SEC);
	heap = mem_deref(heap);
}

UNIT_SUITE("clock",
	   { "order", test_order },
	   { "restart inside", test_restart_inside },
	   { "attached", test_attached })
