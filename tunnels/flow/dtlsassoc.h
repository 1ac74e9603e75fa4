/*
 * dtlsassoc.h: one handshake and the keys it makes.
 */
#ifndef DIALTONE_DTLSASSOC_H
#define DIALTONE_DTLSASSOC_H

#include "tunnels/flow/dtlsimpl.h"

/* c->next: a client's first flight leaves at once. Ends in c->readyh or
 * c->failedh, either of which may be called from here already. */
int dtlsassoc_begin(struct dconn *c, unsigned gen);

/* A handshake's datagram, tags taken off; may end as said. */
void dtlsassoc_feed(struct dassoc *a, const uint8_t *p, size_t n);

/* The peer has not got our last flight: send it again, not too often. */
void dtlsassoc_again(struct dassoc *a, uint64_t now);

/* With records made by SSL: what is in a datagram. Bytes at p, 0: nothing
 * more; *closed: by the peer. */
size_t dtlsassoc_read(struct dassoc *a, const uint8_t *in, size_t n,
		      uint8_t *p, size_t size, bool *closed);

/* With records made by SSL: close_notify. */
void dtlsassoc_shutdown(struct dassoc *a);

#endif
