/*
 * heap.c: tests of sipd/heap.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/heap.h"
#include "tests/unit/unit.h"

/* Sanitizers have heaps of their own, and keep what is freed. */
void __sanitizer_print_stack_trace(void) __attribute__((weak));

static void *filled(size_t size)
{
	void *p = malloc(size);

	if (p)
		memset(p, 1, size);
	return p;
}

/* As a transfer does: one block that is the system's itself, which makes glibc
 * keep more of what follows, and many that are not. */
static void *work(void *arg)
{
	static void *v[200];

	(void)arg;
	free(filled(8 << 20));
	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		v[i] = filled(64000);
	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		free(v[i]);
	return NULL;
}

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t all = 0, pages = 0;

	if (f) {
		if (fscanf(f, "%zu %zu", &all, &pages) != 2)
			pages = 0;
		(void)fclose(f);
	}
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void test_threads(void)
{
	pthread_t th;
	size_t before;

	if (__sanitizer_print_stack_trace)
		return;
	heap_begin();
	before = resident();
	CU_ASSERT_NOT_EQUAL(before, 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&th, NULL, work, NULL), 0);
	(void)pthread_join(th, NULL);
	heap_give_back();
	CU_ASSERT_TRUE(resident() < before + (2 << 20));
}

UNIT_SUITE("heap",
	   { "of a thread", test_threads })
