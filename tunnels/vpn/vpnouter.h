/*
 * vpnouter.h: the way to a peer's outer address, and to the servers that this
 * process talks to (outside.h), kept out of the tunnel.
 */
#ifndef DIALTONE_VPN_VPNOUTER_H
#define DIALTONE_VPN_VPNOUTER_H

#include "tunnels/vpn/prefix.h"

struct sa;
struct vpnnet;
struct vpnpeer;

/* A route for that address alone: longer than any other, and so before those
 * into the tunnel. The one before is taken back. */
int vpnouter_keep(struct vpnpeer *p, const struct prefix *to);
void vpnouter_drop(struct vpnpeer *p);

/* The path leads there now: a dgram's outerh, of a struct vpnpeer. */
void vpnouter_moved(const struct sa *outer, void *arg);

/* Is dst where the peer's packets go? Then our own have come to us: the way
 * outside has changed and took the route with it, which is set anew. */
bool vpnouter_looped(struct vpnpeer *p, bool v6, const uint8_t *dst);

/* The peer's routes are set. Look now, and every second from now on, whether
 * a server of ours would be sent to by the tunnel, and set a route to it if
 * so. It stays until the network goes. */
void vpnouter_watch(struct vpnpeer *p);
void vpnouter_close(struct vpnnet *net);

#endif
