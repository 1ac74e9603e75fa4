/*
 * dtlsend.h: how a DTLS association ends.
 */
#ifndef DIALTONE_DTLSEND_H
#define DIALTONE_DTLSEND_H

#include "tunnels/flow/dtlsimpl.h"

/* Over, and control is told, without a word to the peer. */
void dtlsend_silent(struct dconn *c, enum flow_end why, uint64_t code,
		    const char *text);

/* Control's close: close_notify goes to the peer. */
void dtlsend_close(struct dconn *c);

/* An authenticated alert of the peer's. */
void dtlsend_alert(struct dconn *c, unsigned level, unsigned alert);

/* A handshake that made the first keys failed; as dconn.failedh. */
void dtlsend_handshake(struct dconn *c, const struct dassoc *a,
		       uint64_t alert, bool peers);

/* Nothing is sent or received any more; c itself is gone if control has
 * dropped it. */
void dtlsend_over(struct dconn *c);

#endif
