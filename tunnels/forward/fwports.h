/*
 * fwports.h: what is listened on for one tunnel, and where that leads.
 */
#ifndef DIALTONE_FWPORTS_H
#define DIALTONE_FWPORTS_H

#include "tunnels/forward/fwconn.h"
#include "tunnels/forward/fwudp.h"

struct fwports;
struct fwport;

int fwports_alloc(struct fwports **pp, struct loop *l, struct fwconns *conns,
		  struct fwudps *udps);

/* Listen on bind and port (fwlisten.h) for what `how` says. Each connection,
 * or UDP flow, becomes a copy of `connect`, host and port of which are shown
 * to people; FWW_SOCKS: its client says host and port. Nobody is let in before fwport_go. The port is the
 * fwports'. */
int fwports_add(struct fwports *ps, struct fwport **pp, const char *bind,
		uint16_t port, const struct fwwire *connect,
		enum fwwire_target how);

int fwport_go(struct fwport *p);

/* The port it has; 0 for a Unix socket. */
uint16_t fwport_number(const struct fwport *p);

#endif
