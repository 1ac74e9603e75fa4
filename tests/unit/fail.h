/*
 * fail.h: let the n-th allocation fail. Every suite is linked with it, and
 * unit.c runs each case of each suite so (--fail, see unit.h); what is here
 * serves cases that say more of what must come of it.
 *
 *   static int run(void *arg) { ...; return err; }
 *   FAIL_EACH(run, arg);
 *
 * runs it with the first allocation of this thread failing, then the second,
 * and so on until none is left to fail: each run must end with ENOMEM, the
 * last with 0.
 */
#ifndef DIALTONE_FAIL_H
#define DIALTONE_FAIL_H

#include <errno.h>
#include "tests/unit/unit.h"

extern __thread long fail_left; /* counts down to the one that fails, 0: off */
extern __thread bool fail_done;

/* The n-th allocation of this thread from now on fails, once; 0 stops that. */
void fail_at(long n);

/* The same with the allocations of all threads, and fnh called before. */
void fail_any(long n, void (*fnh)(void));

/* How many allocations all threads have made since fail_any. */
long fail_seen(void);

/* Returns how many allocations fn makes, -1 if a run ended otherwise. */
long fail_each(int (*fn)(void *arg), void *arg);

#define FAIL_EACH(fn, arg) CU_ASSERT(fail_each(fn, arg) > 0)

#endif
