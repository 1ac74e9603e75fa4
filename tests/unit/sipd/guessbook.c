/*
 * Tests sipd/guessbook.c.
 */
#include <string.h>
#include "sdp/base/clock.h"
#include "sipd/guessbook.h"
#include "tests/unit/unit.h"

static void test_rules(void)
{
	const uint64_t hour = 3600 * SEC;
	uint8_t a[32] = "a", b[32] = "b";
	struct guessbook *g;

	CU_ASSERT_EQUAL_FATAL(guessbook_alloc(&g), 0);
	CU_ASSERT(guessbook_begin(g, a, SEC));
	/* one at a time */
	CU_ASSERT(!guessbook_begin(g, b, SEC));
	CU_ASSERT(!guessbook_begin(g, a, 2 * hour));
	guessbook_end(g, false);
	/* once an hour with whom it fails */
	CU_ASSERT(!guessbook_begin(g, a, hour));
	CU_ASSERT(guessbook_begin(g, b, hour));
	guessbook_end(g, true);
	CU_ASSERT(guessbook_begin(g, a, hour + 2 * SEC));
	guessbook_end(g, true);
	/* at once with whom it works */
	CU_ASSERT(guessbook_begin(g, a, hour + 3 * SEC));
	guessbook_end(g, true);
	CU_ASSERT(guessbook_begin(g, b, hour + 4 * SEC));
	guessbook_end(g, false);
	guessbook_end(g, true);         /* nothing runs */
	CU_ASSERT(!guessbook_begin(g, b, hour + 5 * SEC));
	mem_deref(g);
}

/* The oldest makes room. */
static void test_many(void)
{
	struct guessbook *g;
	uint8_t key[32];

	CU_ASSERT_EQUAL_FATAL(guessbook_alloc(&g), 0);
	memset(key, 0, sizeof key);
	for (unsigned i = 0; i < 1000; i++) {
		memcpy(key, &i, sizeof i);
		CU_ASSERT(guessbook_begin(g, key, (i + 1) * SEC));
		guessbook_end(g, false);
		CU_ASSERT(!guessbook_begin(g, key, (i + 2) * SEC));
	}
	mem_deref(g);
}

UNIT_SUITE("guessbook",
	{ "rules", test_rules },
	{ "many", test_many })
