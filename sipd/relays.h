/*
 * relays.h: the relays of the configuration, found by the DNS, and the
 * worker's connections to them for the paths.
 */
#ifndef DIALTONE_RELAYS_H
#define DIALTONE_RELAYS_H

#include "sdp/base/clock.h"
#include "sdp/base/mailbox.h"
#include "modules/path/path.h"
#include "tunnels/flow/worker.h"
#include "sipd/conf.h"

struct relays;

/* How paths reach relays: by the worker that is in *wp by then. */
void relays_ops(struct relay_ops *ops, struct worker **wp);

/* Look up all of conf's relays and give them to paths: those by number
 * within the call, others as they are found; those that are not are asked
 * for again. mem_deref: paths keep what they have. */
int relays_alloc(struct relays **rp, struct timers *timers,
		 struct mailbox *mailbox, struct paths *paths,
		 const struct conf *conf);

/* A name has not been answered yet. */
bool relays_asks(const struct relays *r);

/* The network is another one, and perhaps its DNS. */
void relays_changed(struct relays *r);

/* One sentence about what is wrong with them, NULL: nothing. */
const char *relays_problem(const struct relays *r);

#endif
