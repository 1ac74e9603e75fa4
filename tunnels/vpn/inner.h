/*
 * inner.h: the packets inside the tunnel: what is where in them, and their
 * checksums. Nothing is kept.
 */
#ifndef DIALTONE_VPN_INNER_H
#define DIALTONE_VPN_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_FRAGMENT = 44,
	IP_ICMPV6 = 58,
	INNER_MIN = 20,
	INNER_MAX = 65535,
	/* In the first byte, whose upper half is the version 4 or 6: the
	 * checksum of TCP or UDP has not been made, what carries it is
	 * authentic. Only between ends that have agreed on it. */
	INNER_PARTIAL = 0x80,
};

struct inner {
	bool v6;
	bool fragment;
	bool plain;             /* no IPv4 options, no extension headers */
	uint8_t proto;          /* of what is at l4 */
	uint16_t l4;            /* where the transport's header begins */
	uint16_t len;           /* of the packet by its own header */
};

/* EBADMSG: no IP packet, or longer than the n bytes at p. */
int inner_parse(struct inner *in, const uint8_t *p, size_t n);

/* Where TCP's or UDP's checksum is from l4, 0 for other protocols. */
size_t inner_check(uint8_t proto);

/* May a packet come without its checksum? TCP or UDP with a whole header. */
bool inner_can_partial(const struct inner *in);

/* One's complement sums (RFC 1071) in the machine's own byte order. Only the
 * last piece of a sum may have an odd length. */
uint64_t inner_sum(uint64_t sum, const void *p, size_t n);
uint16_t inner_fold(uint64_t sum);

/* Sum of the pseudo header of len bytes of proto (RFC 9293, 8200). */
uint64_t inner_pseudo(const uint8_t *ip, bool v6, uint8_t proto, size_t len);

/* Finish a checksum: of n bytes from start to the end, into p[at]; what is in
 * the field now counts (the pseudo header's sum, as the kernel leaves it). */
void inner_finish(uint8_t *p, size_t n, size_t start, size_t at);

/* Write an IPv4 header's checksum. */
void inner_ip4_sum(uint8_t *ip, size_t hl);

/* Make the checksum of a TCP or UDP packet from nothing. */
void inner_l4_sum(uint8_t *ip, const struct inner *in);

static inline uint16_t inner_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void inner_put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint32_t inner_get32(const uint8_t *p)
{
	return (uint32_t)inner_get16(p) << 16 | inner_get16(p + 2);
}

static inline void inner_put32(uint8_t *p, uint32_t v)
{
	inner_put16(p, v >> 16);
	inner_put16(p + 2, v & 0xffff);
}

#endif
