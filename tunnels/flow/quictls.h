/*
 * quictls.h: TLS 1.3 for QUIC by GnuTLS: both sides show a certificate, and
 * each compares the other's with the one key it expects.
 */
#ifndef DIALTONE_QUICTLS_H
#define DIALTONE_QUICTLS_H

#include "tunnels/flow/quicimpl.h"

struct quictls;

/* What all sessions of one worker share; credentials are made once for each
 * identity. */
int quictls_alloc(struct quictls **tp);

/* Have the credentials ready while the path is still looked for. */
void quictls_warm(struct quictls *t, const struct identity *id);

/* Make c->tls, joined to c->conn by c->ref. */
int quictls_start(struct quictls *t, struct qconn *c);

/* Whether the peer speaks our protocol; when the handshake is complete. */
bool quictls_agreed(const struct qconn *c);

/* The peer's certificates, to c->ctl; when quictls_agreed. */
void quictls_chain(struct qconn *c);

void quictls_end(struct qconn *c);

/* Random bytes; at == NULL is an error of the caller. */
int quictls_random(void *p, size_t n);

/* The connection id that both sides make of the seed. */
int quictls_odcid(uint8_t *id, size_t len, const uint8_t *seed);

#endif
