/*
 * hostnet.h: what else of this host a network may need: forwarding, NAT and
 * name servers. Each is put back when it is freed; what a crash has left is
 * put right at the next start.
 */
#ifndef DIALTONE_VPN_HOSTNET_H
#define DIALTONE_VPN_HOSTNET_H

#include "tunnels/vpn/prefix.h"

struct hostnet;

/* ifname is the TUN's. */
int hostnet_alloc(struct hostnet **hp, const char *ifname);

/* Pass packets on between interfaces, of one family. */
int hostnet_forward(struct hostnet *h, bool v6);

/* Let what comes from these networks leave with our own address. ENOENT:
 * there is no nft. */
int hostnet_nat(struct hostnet *h, const struct prefixes *from);

/* Ask these name servers first. ENOENT: neither resolvectl nor resolvconf
 * is there. */
int hostnet_dns(struct hostnet *h, const struct prefixes *servers);

#endif
