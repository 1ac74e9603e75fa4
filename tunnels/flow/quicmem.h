/*
 * quicmem.h: what the connections of a worker may hold in memory, all
 * together: bytes of ours that are not acknowledged, and the peers' that wait
 * for a lost packet or for a reader.
 */
#ifndef DIALTONE_QUICMEM_H
#define DIALTONE_QUICMEM_H

#include <stdbool.h>
#include <stdint.h>

struct quicmem {
	uint64_t budget;                /* bytes, of each kind */
	uint64_t granted;               /* receive windows */
	uint64_t sending;               /* send buffers */
};

void quicmem_init(struct quicmem *m);

/* The largest receive window of one more connection: a share of what is left,
 * so that the first may fill a long path and thousands still get some. */
uint64_t quicmem_grant(struct quicmem *m);
void quicmem_return(struct quicmem *m, uint64_t n);

/* Send buffers may grow. */
bool quicmem_room(const struct quicmem *m);

#endif
