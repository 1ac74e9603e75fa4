/*
 * vpnnet.h: one network: a TUN that all peers of it on one worker share, and
 * who has which inner address.
 *
 *   vpnnet (TUN, table of prefixes, coalesce) 1 -- n vpnpeer (dgram)
 *
 * All on the worker's thread.
 */
#ifndef DIALTONE_VPN_VPNNET_H
#define DIALTONE_VPN_VPNNET_H

#include "tunnels/vpn/vpnset.h"

struct vpnnet;

/* The network of that name on this worker, made if it is the first to ask;
 * without a name one of its own. Local addresses of `own` are added, and
 * what we offer is let in. errno with why. */
int vpnnet_get(struct vpnnet **np, struct loop *l, const struct vpnset *s,
	       const struct prefixes *own, char *why, size_t size);

const char *vpnnet_interface(const struct vpnnet *n);

/* Use these name servers as long as the network is there. */
int vpnnet_dns(struct vpnnet *n, const struct prefixes *servers);

#endif
