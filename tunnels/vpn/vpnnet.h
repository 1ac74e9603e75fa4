/*
 * vpnnet.h: one network: a TUN that all peers of it on one worker share, who
 * has which inner address, and the packets between.
 *
 *   kernel -- tun --> whose destination? -> segment -> dgram of that peer
 *   kernel <- tun -- coalesce <- is it the peer's source? <- dgram
 *                                  \-> another peer's dgram (peer-to-peer)
 *
 * All on the worker's thread.
 */
#ifndef DIALTONE_VPN_VPNNET_H
#define DIALTONE_VPN_VPNNET_H

#include "tunnels/vpn/vpnset.h"

struct vpnnet;
struct vpnpeer;

struct vpn_counters {
	uint64_t sent, received;        /* packets on the path */
	uint64_t sent_bytes, received_bytes;
	uint64_t dropped;               /* the socket was full, or the TUN */
	uint64_t wrong_source;          /* not from an address of the peer's */
	uint64_t denied;                /* to where it may not */
	uint64_t bad;                   /* no packets at all */
};

/* The network of that name on this worker, made if it is the first to ask;
 * without a name one of its own. Local addresses of `own` are added, and
 * what we offer is let in. errno with why. */
int vpnnet_get(struct vpnnet **np, struct loop *l, const struct vpnset *s,
	       const struct prefixes *own, char *why, size_t size);

const char *vpnnet_interface(const struct vpnnet *n);

/* Join a peer to it: packets from and to its addresses pass, which may be
 * networks, `routes` are led there by the kernel too. What goes to the peer's
 * outer address stays out of the tunnel. mem_deref takes all back, the network
 * with the last. errno with why, which may also be filled
 * in with 0: what was left out. */
int vpnpeer_join(struct vpnpeer **pp, struct vpnnet *n, struct dgram *d,
		 bool partial, const struct prefixes *addresses,
		 const struct prefixes *routes, char *why, size_t size);

/* Use these name servers as long as the network is there. */
int vpnnet_dns(struct vpnnet *n, const struct prefixes *servers);

const struct vpn_counters *vpnpeer_counters(const struct vpnpeer *p);

#endif
