/*
 * fail.c: allocations that fail, in release builds of libre too (there
 * mem_threshold_set does nothing). libre's mem_alloc, mem_zalloc and
 * mem_realloc, through which most of our memory and libre's own comes, are
 * replaced by symbols of the program; malloc and its like of our own objects
 * by the linker (--wrap, see the Makefile), so that the libraries and the
 * sanitizers keep theirs.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#define UNIT_RIG
#include "tests/unit/fail.h"

__thread long fail_left;
__thread bool fail_done;

static __thread int spared;     /* the case itself allocates */
static atomic_long left, seen;
static void (*handler)(void);

static void *(*next_alloc)(size_t, mem_destroy_h *);
static void *(*next_realloc)(void *, size_t);

/* The names that --wrap gives. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
char *__wrap_strdup(const char *s);

void fail_at(long n)
{
	fail_left = n;
	fail_done = false;
}

void fail_any(long n, void (*fnh)(void))
{
	handler = fnh;
	atomic_store(&seen, 0);
	atomic_store(&left, n);
}

long fail_seen(void)
{
	return atomic_load(&seen);
}

static bool any_now(void)
{
	atomic_fetch_add(&seen, 1);
	if (!atomic_load(&left) || atomic_fetch_sub(&left, 1) != 1)
		return false;
	atomic_store(&left, 0);
	if (handler)
		handler();
	return true;
}

static bool now(void)
{
	if (spared)
		return false;
	if (any_now())
		return true;
	if (!fail_left || --fail_left)
		return false;
	fail_done = true;
	return true;
}

/* Before main, so that threads need no lock for it. */
static void __attribute__((constructor)) init(void)
{
	*(void **)&next_alloc = dlsym(RTLD_NEXT, "mem_alloc");
	*(void **)&next_realloc = dlsym(RTLD_NEXT, "mem_realloc");
}

void *mem_alloc(size_t size, mem_destroy_h *dh)
{
	return now() ? NULL : next_alloc(size, dh);
}

/* Of ours, for a libre bound to its own mem_alloc would not be counted. */
void *mem_zalloc(size_t size, mem_destroy_h *dh)
{
	void *p = mem_alloc(size, dh);

	return p ? memset(p, 0, size) : NULL;
}

void *mem_realloc(void *data, size_t size)
{
	return now() ? NULL : next_realloc(data, size);
}

void *__wrap_malloc(size_t size)
{
	return now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return now() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return now() ? NULL : __real_aligned_alloc(align, size);
}

char *__wrap_strdup(const char *s)
{
	return now() ? NULL : __real_strdup(s);
}

void *unit_alloc(size_t size, mem_destroy_h *dh)
{
	return next_alloc(size, dh);
}

void *unit_zalloc(size_t size, mem_destroy_h *dh)
{
	void *p = next_alloc(size, dh);

	return p ? memset(p, 0, size) : NULL;
}

void *unit_malloc(size_t size)
{
	return __real_malloc(size);
}

void *unit_calloc(size_t n, size_t size)
{
	return __real_calloc(n, size);
}

struct mbuf *unit_mbuf(size_t size)
{
	struct mbuf *mb;

	++spared;
	mb = mbuf_alloc(size);
	--spared;
	return mb;
}

long fail_each(int (*fn)(void *arg), void *arg)
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
