/*
 * segment.h: what the kernel hands out by the TUN, at times one packet for
 * many, becomes packets that fit into the path.
 *
 *   super packet:  | headers | payload 1 | payload 2 | payload 3 |
 *   packets out:   | headers | payload 1 |
 *                     | headers' | payload 2 |      over what is sealed
 *                                 | headers'' | payload 3 |
 */
#ifndef DIALTONE_VPN_SEGMENT_H
#define DIALTONE_VPN_SEGMENT_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4       /* Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
	SEGMENT_ROOM = 64,      /* bytes before the packet that are ours */
	SEGMENT_HEADERS = 256,  /* the longest row of headers repeated */
};

struct segment {
	size_t mtu;             /* of what goes out, at least 68 */
	bool partial;           /* the peer takes INNER_PARTIAL */
	/* Once per packet, in order; p is free afterwards. Any error but 0
	 * ends the packet and is returned. */
	int (*puth)(const void *p, size_t n, void *arg);
	/* The packet does not fit and may not be cut: an ICMP message of n
	 * bytes for who sent it. */
	void (*toobigh)(const void *p, size_t n, void *arg);
	void *arg;
	uint32_t id;            /* of IPv6 fragments, counts up */
};

/* One packet of n bytes with what the kernel says of it; it is overwritten.
 * 0; EBADMSG: it makes no sense; EMSGSIZE: answered by toobigh; or what puth
 * said. */
int segment_packet(struct segment *s, const struct virtio_net_hdr *vh,
		   uint8_t *p, size_t n);

#endif
