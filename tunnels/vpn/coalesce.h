/*
 * coalesce.h: many packets from the path become one for the kernel: TCP
 * segments in order, and UDP datagrams of one size, of one flow. The kernel
 * would cut such a packet into exactly those that came; whatever it would
 * cut differently is left alone.
 *
 *   add(p1) add(p2) add(p3) flush -> writeh([vnet|headers 1|payload 1],
 *                                           [payload 2], [payload 3])
 *
 * Nothing is copied: packets stay where they are until the flush.
 */
#ifndef DIALTONE_VPN_COALESCE_H
#define DIALTONE_VPN_COALESCE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "tunnels/vpn/inner.h"

enum {
	COALESCE_ROOM = sizeof(struct virtio_net_hdr),
	COALESCE_RUNS = 16,     /* flows at a time */
	COALESCE_MAX = 64,      /* packets in one */
};

/* One packet for the kernel: a struct virtio_net_hdr and then the packet. */
typedef void (coalesce_write_h)(const struct iovec *v, int n, void *arg);

struct run {
	struct iovec v[COALESCE_MAX];
	int n;                  /* packets */
	bool closed;            /* takes no more */
	bool partial;           /* checksums were not made */
	struct inner in;        /* of the first, len grows */
	size_t headers;
	size_t size;            /* payload of all but the last */
	uint32_t seq;           /* TCP: next */
};

struct coalesce {
	bool tcp, udp;          /* what the kernel can cut */
	coalesce_write_h *writeh;
	void *arg;
	int runc;
	struct run runv[COALESCE_RUNS];
};

/* Take one packet that inner_parse has read. COALESCE_ROOM bytes before p
 * are overwritten, and p is changed; it must stay until the flush. partial:
 * its checksum was not made, as the peer may say (INNER_PARTIAL, which is
 * taken off again); only if inner_can_partial. */
void coalesce_add(struct coalesce *c, uint8_t *p, const struct inner *in,
		  bool partial);

/* Write all that is left. */
void coalesce_flush(struct coalesce *c);

#endif
