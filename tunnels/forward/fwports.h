/*
 * fwports.h: what is listened on for one tunnel, and where that leads.
 */
#ifndef DIALTONE_FWPORTS_H
#define DIALTONE_FWPORTS_H

#include "tunnels/forward/fwconn.h"

struct fwports;
struct fwport;

int fwports_alloc(struct fwports **pp, struct loop *l, struct fwconns *conns);

/* Listen on bind and port (fwlisten.h). Each connection becomes a copy of
 * `connect`, host and port of which are shown to people; `socks`: its client
 * says host and port. Nobody is let in before fwport_go. The port is the
 * fwports'. */
int fwports_add(struct fwports *ps, struct fwport **pp, const char *bind,
		uint16_t port, const struct fwwire *connect, bool socks);

int fwport_go(struct fwport *p);

/* The port it has; 0 for a Unix socket. */
uint16_t fwport_number(const struct fwport *p);

#endif
