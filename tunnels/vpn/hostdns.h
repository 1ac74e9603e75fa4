/*
 * hostdns.h: name servers that are asked first as long as an interface is
 * there: by systemd-resolved (resolvectl) or by resolvconf.
 */
#ifndef DIALTONE_VPN_HOSTDNS_H
#define DIALTONE_VPN_HOSTDNS_H

#include "tunnels/vpn/prefix.h"

struct hostdns;

/* Hand them over; mem_deref takes them back. ENOENT: neither tool is there. */
int hostdns_alloc(struct hostdns **dp, const char *ifname,
		  const struct prefixes *servers);

/* Take back what a crash has left. */
void hostdns_clean(void);

#endif
