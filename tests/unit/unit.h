/*
 * unit.h: a suite is one file named after what it tests, one program:
 *
 *   static void test_x(void) { CU_ASSERT_EQUAL(1, 1); }
 *   UNIT_SUITE("desc", { "x", test_x })
 *
 *   build/unit/sdp/desc                    runs it
 *   build-asan/unit/sdp/desc --fail        every case again and again, with
 *                                          the first, second, ... allocation
 *                                          failing (see unitfail.h)
 *   ... --fail=12 [CASE [N]]               twelve of them, in that case, only
 *                                          the N-th, and what comes of it
 *
 * There each case runs by itself: one that others need is called "set up ...".
 * So what may fail is asserted where it is called, in helpers too.
 */
#ifndef DIALTONE_UNIT_H
#define DIALTONE_UNIT_H

#include <stdlib.h>
#include <CUnit/Basic.h>
#include <re.h>

struct unit_test {
	const char *name;
	CU_TestFunc fn;
};

/* Run the tests; prints "SUITE: N passed, N failed" (tests, not asserts);
 * checks that no libre memory is left where libre can tell. */
int unit_main(const char *suite, const struct unit_test *tests, size_t n,
	      int argc, char *argv[]);

/* Called first in a case that cannot run with allocations failing: tells
 * why, and ends such a run. Does nothing in any other. */
void unit_needs_memory(const char *why);

/* A fresh folder for a case, on disk or where fsync costs nothing (and the
 * length of a path is no matter), or a fresh file, returned open to be
 * written. Whoever leaves it there leaves nothing behind: it goes with the
 * suite, see place.c. */
void unit_folder(char *path, size_t size);
void unit_folder_fast(char *path, size_t size);
int unit_file(char *path, size_t size);

/* What a case takes for itself is always there. */
void *unit_alloc(size_t size, mem_destroy_h *dh);
void *unit_zalloc(size_t size, mem_destroy_h *dh);
void *unit_malloc(size_t size);
void *unit_calloc(size_t n, size_t size);
struct mbuf *unit_mbuf(size_t size);

#ifndef UNIT_RIG
#define mem_alloc unit_alloc
#define mem_zalloc unit_zalloc
#define malloc unit_malloc
#define calloc unit_calloc
#define mbuf_alloc unit_mbuf
#endif

#define UNIT_SUITE(name, ...) \
	int main(int argc, char *argv[]) \
	{ \
		static const struct unit_test tests[] = { __VA_ARGS__ }; \
		return unit_main(name, tests, \
				 sizeof tests / sizeof tests[0], argc, argv); \
	}

#endif
