/*
 * turnin.h: what a TURN server sends: peers' datagrams, in ChannelData and in
 * Data indications, and its answers. On the worker.
 */
#ifndef DIALTONE_TURNIN_H
#define DIALTONE_TURNIN_H

#include "tunnels/flow/turnlinkimpl.h"

/* A udp_rx_h of a turnconn. */
void turnin_udp(const struct udp_rx *rx, void *arg);

/* The same of a stream: how much of it was whole messages; SIZE_MAX: it is no
 * TURN. */
size_t turnin_tcp(uint8_t *p, size_t n, void *arg);

#endif
