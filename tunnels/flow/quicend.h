/*
 * quicend.h: how a QUIC connection ends.
 */
#ifndef DIALTONE_QUICEND_H
#define DIALTONE_QUICEND_H

#include "tunnels/flow/quicimpl.h"

/* Over, and control is told, without a word to the peer. */
void quicend_silent(struct qconn *c, enum flow_end why, uint64_t code,
		    const char *text);

/* What ngtcp2 returned: whatever follows of it. */
void quicend_failed(struct qconn *c, int liberr);

/* Back to WAITING, as if the first packet had never come. */
void quicend_restart(struct qconn *c);

/* Control's close: the application's code and reason go to the peer. */
void quicend_close(struct qconn *c, uint64_t code, const char *text);

/* A packet came for a connection that is CLOSING. */
void quicend_rx(struct qconn *c);

/* The parts: streams and ngtcp2 go; what the network reaches goes; that, and
 * c itself if control has dropped it. */
void quicend_down(struct qconn *c);
void quicend_release(struct qconn *c);
void quicend_over(struct qconn *c);

#endif
