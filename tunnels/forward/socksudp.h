/*
 * socksudp.h: a client's UDP ASSOCIATE (RFC 1928, 7): as long as the
 * connection that asked for it.
 */
#ifndef DIALTONE_SOCKSUDP_H
#define DIALTONE_SOCKSUDP_H

#include "tunnels/forward/fwudp.h"
#include "tunnels/forward/socks.h"

/* fd is taken, also on error, and so is answered. Joins assocl, leaves it by
 * itself; list_flush ends them all. */
int socksudp_add(struct list *assocl, struct loop *l, struct fwudps *u,
		 int fd, const struct socks *so,
		 const struct fwwire *connect);

#endif
