/*
 * ask.h: what the kinds of tunnels make of a struct tunnel_ask alike.
 */
#ifndef DIALTONE_ASK_H
#define DIALTONE_ASK_H

#include "tunnels/tunnel.h"

/* One sentence into ask->why, if somebody wants it; returns err. */
int ask_refuse(const struct tunnel_ask *ask, int err, const char *fmt, ...);

/* Does the peer offer this, called so in messages, in the one version that
 * there is? EBADMSG: no. */
int ask_version(const struct tunnel_ask *ask, const struct desc_media *remote,
		const char *what);

/* *peer: what messages call it, the caller's to mem_deref. */
int ask_peer(char **peer, const struct tunnel_ask *ask);

#endif
