/*
 * pool.h: addresses handed out to callers. Taken while a call is answered,
 * given back when its tunnel ends, from any thread.
 */
#ifndef DIALTONE_VPN_POOL_H
#define DIALTONE_VPN_POOL_H

#include "tunnels/vpn/prefix.h"

struct lease;

struct pool {
	const char *net;                /* whose addresses these are */
	const struct prefixes *from;    /* what may be handed out */
	const struct prefixes *not;     /* our own; their lengths are told */
	const struct prefixes *fixed;   /* the peer's for good, before all */
	const struct prefixes *wish;    /* what it would like to have */
	const char *peer;               /* the same gets the same again if it
	                                   is free */
};

/* One address of each family that there is. EADDRNOTAVAIL: none is left;
 * mem_deref gives them back. */
int pool_take(struct lease **lp, const struct pool *p);

/* The addresses, with the length of the network that they are in. */
const struct prefixes *lease_addresses(const struct lease *l);

#endif
