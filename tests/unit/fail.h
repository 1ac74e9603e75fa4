/*
 * fail.h: let the n-th allocation of this thread fail, in release builds of
 * libre too (there mem_threshold_set does nothing). Include it in one file of
 * the program only: it puts itself before libre's mem_alloc, mem_zalloc and
 * mem_realloc, through which all of our memory and libre's own comes, and
 * leaves malloc to the sanitizers.
 *
 *   static int run(void *arg) { ...; return err; }
 *   FAIL_EACH(run, arg);
 *
 * runs it with the first allocation failing, then the second, and so on until
 * none is left to fail: each run must end with ENOMEM, the last with 0.
 */
#ifndef DIALTONE_FAIL_H
#define DIALTONE_FAIL_H

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"

static __thread long fail_left; /* counts down to the one that fails, 0: off */
static __thread bool fail_done;

/* The n-th allocation from now on fails, once; 0 stops that. */
static inline void fail_at(long n)
{
	fail_left = n;
	fail_done = false;
}

static inline bool fail_now(void)
{
	if (!fail_left || --fail_left)
		return false;
	fail_done = true;
	return true;
}

static void *(*fail_alloc)(size_t, mem_destroy_h *);
static void *(*fail_realloc)(void *, size_t);

/* Before main, so that threads need no lock for it. */
static void __attribute__((constructor)) fail_init(void)
{
	*(void **)&fail_alloc = dlsym(RTLD_NEXT, "mem_alloc");
	*(void **)&fail_realloc = dlsym(RTLD_NEXT, "mem_realloc");
}

void *mem_alloc(size_t size, mem_destroy_h *dh)
{
	return fail_now() ? NULL : fail_alloc(size, dh);
}

/* Of ours, for a libre bound to its own mem_alloc would not be counted. */
void *mem_zalloc(size_t size, mem_destroy_h *dh)
{
	void *p = mem_alloc(size, dh);

	return p ? memset(p, 0, size) : NULL;
}

void *mem_realloc(void *data, size_t size)
{
	return fail_now() ? NULL : fail_realloc(data, size);
}

/* Returns how many allocations fn makes, -1 if a run ended otherwise. */
static inline long fail_each(int (*fn)(void *arg), void *arg)
{
	for (long n = 1; n < 100000; n++) {
		int err;

		fail_at(n);
		err = fn(arg);
		fail_left = 0;
		if (err != (fail_done ? ENOMEM : 0))
			return -1;
		if (!fail_done)
			return n - 1;
	}
	return -1;
}

#define FAIL_EACH(fn, arg) CU_ASSERT(fail_each(fn, arg) > 0)

#endif
