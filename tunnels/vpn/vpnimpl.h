/*
 * vpnimpl.h: a network and its peers as their own files see them.
 *
 *   vpnnet.c      the network: TUN, addresses, gateway, name servers
 *   vpnpeer.c     a peer: its prefixes and routes
 *      |     \
 *   vpnway.c  |   the way of each packet
 *      |     /
 *   vpnouter.c    the way outside, which never leads into the tunnel
 */
#ifndef DIALTONE_VPN_VPNIMPL_H
#define DIALTONE_VPN_VPNIMPL_H

#include "tunnels/flow/loop.h"
#include "tunnels/vpn/coalesce.h"
#include "tunnels/vpn/fq.h"
#include "tunnels/vpn/hostnet.h"
#include "tunnels/vpn/netlink.h"
#include "tunnels/vpn/segment.h"
#include "tunnels/vpn/tun.h"
#include "tunnels/vpn/vpnnet.h"
#include "tunnels/vpn/vpnpeer.h"

enum { VPN_OUTSIDE_MAX = 32 };

struct vpnnet {
	struct le le;
	struct loop *loop;
	char name[VPN_NAME_SIZE];
	struct tun *tun;
	struct netlink *nl;
	struct hostnet *host;
	struct prefixtab *tab;
	struct prefixes own;            /* our addresses */
	struct list peerl;              /* struct vpnpeer */
	struct coalesce co;
	struct segment seg;
	struct fqpool *pool;
	uint8_t *buf;                   /* of a packet that has waited */
	struct vpnpeer *to, *from;      /* of the packet in hand */
	struct netlink_route outsidev[VPN_OUTSIDE_MAX];
	size_t outsidec;                /* kept out: servers of this sipd */
	struct timer outside;           /* the next look at them */
	bool exit;                      /* everything leads here */
	size_t mtu, mtu_max;
	bool peer_to_peer;
	bool dns;
	int here;
};

struct vpnpeer {
	struct le le;
	struct vpnnet *net;
	struct dgram *dgram;
	struct fq *fq;                  /* NULL: none has ever waited */
	bool holds;                     /* some wait in fq */
	bool partial;
	struct prefixes routes;         /* in the kernel, by us */
	struct netlink_route kept;      /* to its outer address */
	bool has_kept;
	uint64_t kept_at;
	struct vpn_counters c;
};

#endif
