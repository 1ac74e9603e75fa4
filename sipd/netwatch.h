/*
 * netwatch.h: tells when the host's addresses change (rtnetlink).
 */
#ifndef DIALTONE_NETWATCH_H
#define DIALTONE_NETWATCH_H

#include "sdp/base/clock.h"

struct netwatch;

/* changedh is called on the control thread once things have been quiet for
 * 200 ms after a change, so that a burst of changes costs one round. */
int netwatch_alloc(struct netwatch **np, struct timers *timers,
		   void (*changedh)(void *arg), void *arg);

#endif
