/*
 * quicsend.h: a QUIC connection's packets on their way out.
 */
#ifndef DIALTONE_QUICSEND_H
#define DIALTONE_QUICSEND_H

#include "tunnels/flow/quicimpl.h"

/* Whether anything may be sent now: a path, and consent (RFC 7675). */
bool quicsend_allowed(struct qconn *c, uint64_t now);

/* Write and send what congestion control and pacing allow. *again: there is
 * more, when others had a turn. 0, or an ngtcp2 error that ends it. */
int quicsend_flush(struct qconn *c, uint64_t now, bool *again);

/* One packet, right now; lost if the socket is full. */
void quicsend_one(struct qconn *c, const uint8_t *pkt, size_t len);

/* Start anew on another path. */
void quicsend_path(struct qconn *c, int proto, const struct sa *local,
		   const struct sa *remote);

/* The socket's rest is forgotten. */
void quicsend_end(struct qconn *c);

#endif
