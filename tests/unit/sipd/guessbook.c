/*
 * Tests sipd/guessbook.c, over restarts too.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sipd/guessbook.h"
#include "tests/unit/unit.h"

enum { HOUR = 3600 };

static char file[64];
static struct learned *l;
static struct guessbook *g;

static void start(time_t now)
{
	CU_ASSERT_EQUAL_FATAL(learned_alloc(&l, file, now), 0);
	CU_ASSERT_EQUAL_FATAL(guessbook_alloc(&g, l), 0);
}

static void stop(void)
{
	g = mem_deref(g);
	l = mem_deref(l);
}

static void test_rules(void)
{
	const uint8_t a[32] = "a", b[32] = "b";
	time_t t = 1000000;

	close(unit_file(file, sizeof file));
	start(t);
	CU_ASSERT(guessbook_begin(g, a, t));
	/* one at a time */
	CU_ASSERT(!guessbook_begin(g, b, t));
	CU_ASSERT(!guessbook_begin(g, a, t + 2 * HOUR));
	guessbook_end(g, false, t + 5);
	/* once an hour with whom it fails */
	CU_ASSERT(!guessbook_begin(g, a, t + HOUR - 1));
	CU_ASSERT(!guessbook_worked(g, a, t + 6));
	CU_ASSERT(guessbook_begin(g, b, t + 6));
	guessbook_end(g, true, t + 7);
	/* at once with whom it works */
	CU_ASSERT(guessbook_worked(g, b, t + 8));
	CU_ASSERT(guessbook_begin(g, b, t + 8));
	guessbook_end(g, true, t + 9);
	guessbook_end(g, false, t + 9);         /* nothing runs */
	stop();

	/* the next process knows it */
	start(t + 10);
	CU_ASSERT(!guessbook_begin(g, a, t + 10));
	CU_ASSERT(guessbook_worked(g, b, t + 10));
	CU_ASSERT(guessbook_begin(g, b, t + 10));
	/* and is killed in the midst of it */
	stop();
	start(t + 11);
	CU_ASSERT(!guessbook_worked(g, b, t + 11));
	CU_ASSERT(!guessbook_begin(g, b, t + 11));
	CU_ASSERT(guessbook_begin(g, a, t + HOUR));
	guessbook_end(g, true, t + HOUR);
	/* what worked is forgotten in the end */
	CU_ASSERT(guessbook_worked(g, a, t + 29 * 24 * HOUR));
	CU_ASSERT(!guessbook_worked(g, a, t + 32 * 24 * HOUR));
	stop();
	(void)unlink(file);
}

UNIT_SUITE("guessbook",
	{ "rules", test_rules })
