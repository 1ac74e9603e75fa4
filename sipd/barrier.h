/*
 * barrier.h: a round trip to the worker: everything posted to it before is
 * done, and its answers are here.
 */
#ifndef DIALTONE_BARRIER_H
#define DIALTONE_BARRIER_H

#include "sipd/house.h"

struct barrier;

/* h is called once, from the loop. mem_deref before that forgets it. */
int barrier_alloc(struct barrier **bp, struct house *h,
		  void (*doneh)(void *arg), void *arg);

#endif
