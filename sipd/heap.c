/*
 * heap.c: glibc gives each thread a heap of its own, and malloc_trim leaves
 * the free end of all but the first as it is: after a transfer, megabytes. No
 * packet allocates, so that threads seldom meet in one.
 */
#include <malloc.h>
#include "sipd/heap.h"

void heap_begin(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
}

void heap_give_back(void)
{
	(void)malloc_trim(0);
}
