/*
 * unit.h: a suite is one file named after what it tests, one program:
 *
 *   static void test_x(void) { CU_ASSERT_EQUAL(1, 1); }
 *   UNIT_SUITE("desc", { "x", test_x })
 */
#ifndef DIALTONE_UNIT_H
#define DIALTONE_UNIT_H

#include <CUnit/Basic.h>
#include <re.h>

struct unit_test {
	const char *name;
	CU_TestFunc fn;
};

/* Run the tests; prints "SUITE: N passed, N failed" (tests, not asserts);
 * checks that no libre memory is left where libre can tell. */
int unit_main(const char *suite, const struct unit_test *tests, size_t n);

#define UNIT_SUITE(name, ...) \
	int main(void) \
	{ \
		static const struct unit_test tests[] = { __VA_ARGS__ }; \
		return unit_main(name, tests, \
				 sizeof tests / sizeof tests[0]); \
	}

#endif
