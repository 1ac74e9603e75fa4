/*
 * fwudpport.h: UDP that is listened on for one tunnel: each client's packets
 * are a flow; with SOCKS each of its targets' are.
 */
#ifndef DIALTONE_FWUDPPORT_H
#define DIALTONE_FWUDPPORT_H

#include "tunnels/forward/fwudp.h"

struct fwudpport;

/* bind as fwbind_addrs takes it. Each flow becomes a copy of `connect`.
 * client: SOCKS (RFC 1928, 7) for this one host alone; NULL: packets as they
 * are, for everybody. */
int fwudpport_alloc(struct fwudpport **pp, struct loop *l, struct fwudps *u,
		    const char *bind, uint16_t port,
		    const struct fwwire *connect, const struct sa *client);

int fwudpport_go(struct fwudpport *p);

/* Where it listens. */
const struct sa *fwudpport_addr(const struct fwudpport *p);

#endif
