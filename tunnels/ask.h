/*
 * ask.h: what the kinds of tunnels make of a struct tunnel_ask alike.
 */
#ifndef DIALTONE_ASK_H
#define DIALTONE_ASK_H

#include "tunnels/tunnel.h"

/* One sentence into ask->why, if somebody wants it; returns err. */
int ask_refuse(const struct tunnel_ask *ask, int err, const char *fmt, ...);

/* *peer: what messages call it, the caller's to mem_deref. */
int ask_peer(char **peer, const struct tunnel_ask *ask);

#endif
