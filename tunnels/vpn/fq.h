/*
 * fq.h: packets that wait for a peer's way out, a queue per inner flow:
 * FlowQueue-CoDel (RFC 8290). A ping does not wait behind a download, and
 * who makes others wait is told early, by a packet dropped.
 *
 *   fq_put -> hash of addresses, ports -> flow -> CoDel (RFC 8289) -> fq_get
 *
 * The packets are copied into blocks of a pool that all peers of a network
 * share; when it has none left, the longest flow of the peer loses.
 */
#ifndef DIALTONE_VPN_FQ_H
#define DIALTONE_VPN_FQ_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fq;
struct fqpool;

/* What is known of a packet besides its bytes. */
struct fqinfo {
	struct virtio_net_hdr vh;
	bool whole;             /* not to be cut: INNER_PARTIAL is set */
};

/* So many bytes at most, taken from the heap as they are needed; what the
 * last bursts needed is kept for the next. */
int fqpool_alloc(struct fqpool **pp, size_t bytes);

int fq_alloc(struct fq **fp, struct fqpool *pool);

/* Take a copy of a packet. Returns how many were dropped for it, itself
 * perhaps. */
unsigned fq_put(struct fq *f, const struct fqinfo *info, const uint8_t *p,
		size_t n, uint64_t now);

/* The next packet, into p, which has room for 64 KiB: its length, 0: none
 * waits. How many were dropped before it is added to *dropped. */
size_t fq_get(struct fq *f, struct fqinfo *info, uint8_t *p, uint64_t now,
	      uint64_t *dropped);

#endif
