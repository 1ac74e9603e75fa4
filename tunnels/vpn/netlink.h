/*
 * netlink.h: links, addresses and routes of this host (rtnetlink, RFC 3549).
 * Blocking, but the kernel answers at once.
 */
#ifndef DIALTONE_VPN_NETLINK_H
#define DIALTONE_VPN_NETLINK_H

#include "tunnels/vpn/prefix.h"

struct netlink;

enum {
	/* Marks our routes and addresses (rt_protos, IFA_PROTO): whoever
	 * finds one knows whose. modules/path keeps off them. */
	NETLINK_PROTO = 0xd1,
	/* Metric of a route that keeps something out of interface INDEX: it
	 * is left over when there is no such interface any more. */
	NETLINK_KEEP = 0x0d000000,
};

struct netlink_route {
	struct prefix dst;
	int index;              /* of the interface out */
	bool has_via;
	uint8_t via[16];        /* gateway */
	uint32_t metric;        /* 0: the usual one */
};

int netlink_alloc(struct netlink **np);

/* Set the MTU, and bring the interface up. */
int netlink_up(struct netlink *n, int index, size_t mtu);

/* Give the interface an address; IPv6 without duplicate detection, there is
 * nobody else on the link. */
int netlink_address(struct netlink *n, int index, const struct prefix *p);

int netlink_route_add(struct netlink *n, const struct netlink_route *r);
int netlink_route_del(struct netlink *n, const struct netlink_route *r);

/* The way to an address that does not lead by interface `except`; dst of r is
 * set to it. ENETUNREACH. */
int netlink_route_around(struct netlink *n, const struct prefix *to,
			 int except, struct netlink_route *r);

/* The interface by which the kernel sends there, 0: none. */
int netlink_leads(struct netlink *n, const struct prefix *to);

/* Does another interface but ours have this address, or is it connected to
 * a network that overlaps, or is there the same route? Its name in `where`.
 * 0: no. */
int netlink_conflict(struct netlink *n, const struct prefix *p, int ours,
		     char where[16]);

/* Take away the routes of ours that a crash has left. */
int netlink_clean(struct netlink *n);

#endif
