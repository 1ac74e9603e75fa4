/*
 * toobig.h: the answer to a packet that does not fit: ICMP "fragmentation
 * needed" (RFC 1191) or ICMPv6 "packet too big" (RFC 4443, 3.2).
 */
#ifndef DIALTONE_VPN_TOOBIG_H
#define DIALTONE_VPN_TOOBIG_H

#include "tunnels/vpn/inner.h"

enum { TOOBIG_MAX = 1280 };     /* bytes of an answer at most */

/* Write the answer to the packet p into buf. Its length, or 0 if none may be
 * given: to errors, fragments but the first, groups and nobody. */
size_t toobig_make(uint8_t buf[TOOBIG_MAX], const uint8_t *p,
		   const struct inner *in, size_t mtu);

#endif
