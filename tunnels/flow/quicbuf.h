/*
 * quicbuf.h: a stream's send buffer: bytes stay where they were written until
 * the peer has acknowledged them.
 */
#ifndef DIALTONE_QUICBUF_H
#define DIALTONE_QUICBUF_H

#include "tunnels/flow/quiccompat.h"
#include "tunnels/flow/quicimpl.h"

struct chunk;

/* All zero is empty. Offsets are of the stream. */
struct quicbuf {
	struct chunk *head, *tail, *cur;
	size_t cur_off;                 /* in cur, of the first unsent byte */
	uint64_t written, sent, acked;
};

/* At least `min` bytes of room at the end; 0: out of memory. Valid until the
 * next call but quicbuf_commit. */
size_t quicbuf_reserve(struct quicbuf *b, struct quicpool *pool, uint8_t **pp,
		       size_t min);
void quicbuf_commit(struct quicbuf *b, size_t n);

/* Up to max vectors of unsent bytes, *len altogether. */
size_t quicbuf_vec(const struct quicbuf *b, ngtcp2_vec *v, size_t max,
		   uint64_t *len);
void quicbuf_sent(struct quicbuf *b, size_t n);

/* All before `offset` has arrived; how many bytes that is new for. */
uint64_t quicbuf_acked(struct quicbuf *b, struct quicpool *pool,
		       uint64_t offset);

void quicbuf_end(struct quicbuf *b, struct quicpool *pool);

/* Those kept to be used again, when nobody is left to use them. */
void quicbuf_drop_chunks(struct quicpool *pool);

#endif
