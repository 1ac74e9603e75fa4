/*
 * quicstream.h: the streams of a QUIC connection and what they have to send.
 */
#ifndef DIALTONE_QUICSTREAM_H
#define DIALTONE_QUICSTREAM_H

#include "tunnels/flow/quicimpl.h"

enum { QUICSTREAM_VECS = 3 };

struct qstream;

extern const struct flow_ops quicstream_ops;

void quicstream_init(struct qconn *c);

/* The part of ngtcp2's callbacks that is about streams. */
void quicstream_callbacks(ngtcp2_callbacks *cb);

/* Before sending: open what is queued, tell writers of their room. */
void quicstream_turn(struct qconn *c);
/* While sending: tell the writers whose bytes have gone. */
void quicstream_refill(struct qconn *c);

/* Who is next to send; NULL: nobody. */
struct qstream *quicstream_next(const struct qconn *c);
int64_t quicstream_id(const struct qstream *s);
/* What it has: vectors, and whether that is all there will ever be. */
size_t quicstream_vec(const struct qstream *s, ngtcp2_vec *v, bool *fin);
/* n bytes of it went into a packet, and the end if fin. */
void quicstream_sent(struct qstream *s, size_t n, bool fin);
/* It cannot send now: the peer's window, or it is over. */
void quicstream_block(struct qstream *s);

/* Packets with stream data declared lost so far. */
uint64_t quicstream_lost(const struct qconn *c);

/* After flow_down: forget them all. ngtcp2 must not be used any more. */
void quicstream_end(struct qconn *c);

#endif
