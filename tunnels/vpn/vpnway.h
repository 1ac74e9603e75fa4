/*
 * vpnway.h: the way of each packet of a network.
 */
#ifndef DIALTONE_VPN_VPNWAY_H
#define DIALTONE_VPN_VPNWAY_H

#include "tunnels/vpn/tun.h"

struct vpnnet;
struct vpnpeer;

/* Make a new network's parts for it. ENOMEM. */
int vpnway_init(struct vpnnet *net);

/* A packet of the kernel's: a tun_read_h, of a struct vpnnet. */
void vpnway_from_tun(const struct virtio_net_hdr *vh, uint8_t *p, size_t n,
		     void *arg);

/* Take what the peer's dgram brings, from now on. */
void vpnway_open(struct vpnpeer *p);

/* The interface takes what the widest path takes; the others answer for
 * themselves. */
void vpnway_mtu(struct vpnnet *net);

#endif
