/*
 * quicdgram.h: DATAGRAM frames (RFC 9221) of a QUIC connection on their way
 * out: unreliable, and ahead of every stream.
 */
#ifndef DIALTONE_QUICDGRAM_H
#define DIALTONE_QUICDGRAM_H

#include "tunnels/flow/quicimpl.h"

/* flow_ops.datagram: queued until the end of this turn. */
int quicdgram_put(struct flow *f, const uint8_t *hdr, size_t hdr_len,
		  const uint8_t *p, size_t n);

/* What is queued into the packet at p. 0 and *len: it is complete, as ngtcp2
 * says; EAGAIN: there is room for streams. */
int quicdgram_write(struct qconn *c, ngtcp2_pkt_info *pi, uint8_t *p,
		    size_t size, uint64_t now, ngtcp2_ssize *len);

/* The part of ngtcp2's callbacks that is about them. */
void quicdgram_callbacks(ngtcp2_callbacks *cb);

void quicdgram_end(struct qconn *c);

#endif
