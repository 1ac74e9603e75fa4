/*
 * guesslink.h: many sockets that each open a port of the NAT for one peer
 * (modules/path/guess.c), and the one of them that is met, as a link
 * (link.h) from then on.
 *
 *   guesslinks_more --> bind, connect, one packet of low TTL each
 *   met: what comes is handed to the worker; guesslinks_keep: the others go
 *
 * And one for whomever, that opens nothing (modules/path/renew.c).
 *
 * Called on the control thread.
 */
#ifndef DIALTONE_GUESSLINK_H
#define DIALTONE_GUESSLINK_H

#include "tunnels/flow/worker.h"

struct guesslinks;

/* From local's address to dst. stoph: a router on the way says that it is
 * forbidden (ICMP); it may be called once. mem_deref closes all. */
int guesslinks_alloc(struct guesslinks **gp, struct worker *w,
		     const struct sa *local, const struct sa *dst,
		     void (*stoph)(void *arg), void *arg);

/* One for whomever, from local's address; its port becomes local's. mem_deref
 * closes it. */
int guesslinks_one(struct guesslinks **gp, struct worker *w,
		   struct sa *local);

/* Open n more. */
int guesslinks_more(struct guesslinks *g, unsigned n);

/* Close all but the one from this address and port, which becomes as fast as
 * the worker's own sockets. */
int guesslinks_keep(struct guesslinks *g, const struct sa *local);

#endif
