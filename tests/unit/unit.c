/*
 * unit.c: runs one suite with CUnit and says how it went in one line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/place.h"
#include "tests/unit/unitfail.h"

#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

/* Where no token is configured at all p11-kit unlocks a mutex that it has
 * destroyed; that is between it and itself. */
const char *__tsan_default_suppressions(void)
{
	return "mutex:libp11-kit.so\n";
}
#endif

static void print_failure(const CU_pTest test)
{
	CU_pFailureRecord f = CU_get_failure_list();

	for (; f; f = f->pNext)
		if (f->pTest == test)
			printf("%s:%u: %s: %s\n", f->strFileName,
			       f->uiLineNumber, test->pName, f->strCondition);
}

static unsigned failed_tests(CU_pSuite s, unsigned *count)
{
	unsigned failed = 0;

	for (CU_pTest t = s->pTest; t; t = t->pNext) {
		CU_pFailureRecord f = CU_get_failure_list();

		++*count;
		while (f && f->pTest != t)
			f = f->pNext;
		if (f) {
			++failed;
			print_failure(t);
		}
	}
	return failed;
}

/* The words after --fail, see unit.h. */
static int with_failures(const char *suite, const struct unit_test *tests,
			 size_t n, char *argv[])
{
	const char *eq = strchr(argv[1], '='), *name = argv[2];

	return unit_fail(suite, tests, n, eq ? atol(eq + 1) : 0, name,
			 name && argv[3] ? atol(argv[3]) : 0);
}

static int as_they_are(const char *suite, const struct unit_test *tests,
		       size_t n)
{
	unsigned count = 0, failed;
	CU_pSuite s;

	if (CU_initialize_registry())
		return 2;
	s = CU_add_suite(suite, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		CU_add_test(s, tests[i].name, tests[i].fn);
	CU_basic_set_mode(CU_BRM_SILENT);
	CU_basic_run_tests();
	failed = failed_tests(s, &count);
	printf("%s: %u passed, %u failed\n", suite, count - failed, failed);
	CU_cleanup_registry();
	libre_close();
	return failed ? 1 : 0;
}

int unit_main(const char *suite, const struct unit_test *tests, size_t n,
	      int argc, char *argv[])
{
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (place_open() || libre_init())
		return 2;
	if (argc > 1 && !strncmp(argv[1], "--fail", 6))
		code = with_failures(suite, tests, n, argv);
	else
		code = as_they_are(suite, tests, n);
	place_close();
	return code;
}
