/*
 * vpnpeer.h: one peer's place in a network. On the worker's thread.
 */
#ifndef DIALTONE_VPN_VPNPEER_H
#define DIALTONE_VPN_VPNPEER_H

#include "tunnels/vpn/vpnnet.h"

struct vpnpeer;

struct vpn_counters {
	uint64_t sent, received;        /* packets on the path */
	uint64_t sent_bytes, received_bytes;
	uint64_t dropped;               /* the socket was full, or the TUN */
	uint64_t wrong_source;          /* not from an address of the peer's */
	uint64_t denied;                /* to where it may not */
	uint64_t bad;                   /* no packets at all */
};

/* Join a peer to it: packets from and to its addresses pass, which may be
 * networks, `routes` are led there by the kernel too. What goes to the peer's
 * outer address stays out of the tunnel. mem_deref takes all back, the network
 * with the last. errno with why, which may also be filled
 * in with 0: what was left out. */
int vpnpeer_join(struct vpnpeer **pp, struct vpnnet *n, struct dgram *d,
		 bool partial, const struct prefixes *addresses,
		 const struct prefixes *routes, char *why, size_t size);

const struct vpn_counters *vpnpeer_counters(const struct vpnpeer *p);

#endif
