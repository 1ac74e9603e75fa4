/*
 * unitfail.h: runs the cases of a suite with allocations failing.
 */
#ifndef DIALTONE_UNITFAIL_H
#define DIALTONE_UNITFAIL_H

#include "tests/unit/unit.h"

/* Run each case, or that one of this name, with at most samples of its
 * allocations failing (0: each), or with the only-th (0: any). Samples of all
 * cases are quick: a run that only waits (a case gives what it waits for up
 * to 60 s) is ended and no hang. Prints what went wrong and
 * "fail-SUITE: N passed, N failed" (cases); 0 if all is well. */
int unit_fail(const char *suite, const struct unit_test *tests, size_t n,
	      long samples, const char *name, long only);

#endif
