/*
 * dtlsin.h: datagrams that came for a DTLS association.
 */
#ifndef DIALTONE_DTLSIN_H
#define DIALTONE_DTLSIN_H

#include "tunnels/flow/dtlsimpl.h"

/* Packets on their way to a tunnel; all zero is empty. */
struct rxbatch {
	struct dconn *c;                /* whose */
	size_t n;
	struct iovec v[DGRAM_BATCH];
};

/* A datagram that begins with a record of a handshake of the generation
 * `gen`; tags are taken off. Hold a reference. */
void dtlsin_handshake(struct dconn *c, unsigned gen, uint8_t *p, size_t n,
		      struct rxbatch *b, uint64_t now);

/* A datagram of protected records. false: not authentic, and as it was. Its
 * packets join b. Hold a reference. */
bool dtlsin_data(struct dconn *c, uint8_t *p, size_t n, struct rxbatch *b,
		 uint64_t now);

/* Give them to their tunnel. */
void rxbatch_flush(struct rxbatch *b);

#endif
