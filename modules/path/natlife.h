/*
 * natlife.h: lifetime.h with sockets of its own, on the control thread.
 */
#ifndef DIALTONE_NATLIFE_H
#define DIALTONE_NATLIFE_H

#include "modules/path/lifetime.h"
#include "sdp/base/clock.h"

struct natlife;

typedef void (natlife_h)(const struct lifetime_result *r, void *arg);

/* Ask this server, which should have RFC 5780. h comes each time that more is
 * known; after the last, whose state is not LIFETIME_RUNNING and which comes
 * within 130 s, it may drop the natlife. ENETUNREACH and the like: the server
 * cannot be sent to. */
int natlife_alloc(struct natlife **np, struct timers *timers,
		  const struct sa *server, natlife_h *h, void *arg);

#endif
