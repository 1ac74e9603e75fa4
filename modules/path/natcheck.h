/*
 * natcheck.h: classify.h with sockets of its own, on the control thread.
 */
#ifndef DIALTONE_NATCHECK_H
#define DIALTONE_NATCHECK_H

#include "modules/path/classify.h"
#include "sdp/base/clock.h"

struct natcheck;

/* Ask these servers, all of one family, from our address towards the first.
 * doneh comes once, within 3 s, and may drop the natcheck. ENETUNREACH and
 * the like: they cannot be sent to. */
int natcheck_alloc(struct natcheck **np, struct timers *timers,
		   const struct sa *serverv, size_t serverc, bool hairpin,
		   void (*doneh)(const struct nat *nat, void *arg),
		   void *arg);

#endif
