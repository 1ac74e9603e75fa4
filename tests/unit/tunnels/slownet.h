/*
 * slownet.h: packets for the tests of the VPN: made, summed up and cut again
 * by code that is slow, plain and independent of what it tests.
 */
#ifndef DIALTONE_SLOWNET_H
#define DIALTONE_SLOWNET_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/unit.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

struct slow_packet {
	size_t n;
	uint8_t buf[2048];
};

struct slow_flow {
	bool v6, udp;
	uint8_t net;            /* last byte of the addresses */
	uint16_t port;
	uint32_t seq;
	uint16_t id;
	uint8_t tos, flags;
	size_t options;         /* bytes of TCP options */
};

static inline uint16_t slow_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] * 256 + p[1]);
}

static inline void slow_put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v / 256);
	p[1] = (uint8_t)(v % 256);
}

static inline void slow_put32(uint8_t *p, uint32_t v)
{
	slow_put16(p, v >> 16);
	slow_put16(p + 2, v & 0xffff);
}

/* RFC 1071 word by word; sum of what is there. */
static inline uint32_t slow_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : p[i] * 256u;
		sum = sum % 65536 + sum / 65536;
	}
	return sum;
}

static inline uint32_t slow_pseudo(const uint8_t *p, unsigned proto,
				   size_t len)
{
	uint32_t s = p[0] / 16 == 6 ? slow_sum(0, p + 8, 32)
				    : slow_sum(0, p + 12, 8);
	const uint8_t tail[4] = { 0, (uint8_t)proto, (uint8_t)(len / 256),
				  (uint8_t)len };

	return slow_sum(s, tail, 4);
}

/* Both checksums of a TCP or UDP packet whose transport is at l4. */
static inline void slow_finish(uint8_t *p, size_t n, size_t l4, bool udp)
{
	uint8_t *c = p + l4 + (udp ? 6 : 16);
	unsigned v;

	if (p[0] / 16 == 4) {
		slow_put16(p + 2, (unsigned)n);
		slow_put16(p + 10, 0);
		slow_put16(p + 10, 65535 - slow_sum(0, p, (p[0] % 16) * 4u));
	}
	else {
		slow_put16(p + 4, (unsigned)n - 40);
	}
	slow_put16(c, 0);
	v = 65535 - slow_sum(slow_pseudo(p, udp ? 17 : 6, n - l4), p + l4,
			     n - l4);
	slow_put16(c, udp && !v ? 65535 : v);
}

/* Are all checksums of the packet right? */
static inline bool slow_right(const uint8_t *p, size_t n, size_t l4,
			      unsigned proto)
{
	if (p[0] / 16 == 4 && slow_sum(0, p, (p[0] % 16) * 4u) != 65535)
		return false;
	return slow_sum(slow_pseudo(p, proto, n - l4), p + l4, n - l4)
		== 65535;
}

/* The next packet of a flow, with len random bytes. */
static inline void slow_make(struct slow_packet *k, struct slow_flow *f,
			     size_t len)
{
	uint8_t *p = k->buf, *t;
	const size_t l4 = f->v6 ? 40 : 20;
	const size_t hl = l4 + (f->udp ? 8 : 20 + f->options);

	memset(p, 0, hl);
	if (f->v6) {
		p[0] = 0x60 | f->tos >> 4;
		p[1] = (uint8_t)(f->tos << 4);
		p[6] = f->udp ? 17 : 6;
		p[7] = 60;
		p[8] = p[24] = 0xfd;
		p[23] = f->net;
		p[39] = 1;
	}
	else {
		p[0] = 0x45;
		p[1] = f->tos;
		slow_put16(p + 4, f->id++);
		p[6] = 0x40;
		p[8] = 61;
		p[9] = f->udp ? 17 : 6;
		p[12] = p[16] = 10;
		p[15] = f->net;
		p[19] = 1;
	}
	t = p + l4;
	slow_put16(t, f->port);
	slow_put16(t + 2, 5201);
	if (f->udp) {
		slow_put16(t + 4, (unsigned)len + 8);
	}
	else {
		slow_put32(t + 4, f->seq);
		slow_put32(t + 8, 77);
		t[12] = (uint8_t)((20 + f->options) / 4 * 16);
		t[13] = f->flags ? f->flags : 0x10;
		slow_put16(t + 14, 501);
		memset(t + 20, 1, f->options);
		f->seq += (uint32_t)len;
	}
	for (size_t i = 0; i < len; i++)
		p[hl + i] = (uint8_t)rand();
	k->n = hl + len;
	slow_finish(p, k->n, l4, f->udp);
}

typedef void (slow_h)(const uint8_t *p, size_t n, void *arg);

/* Cut a packet as the kernel does: tcp_gso_segment, __udp_gso_segment and
 * the checksums that were left to it. */
static inline void slow_cut(const struct virtio_net_hdr *vh,
			    const uint8_t *p, size_t n, slow_h *h, void *arg)
{
	const unsigned type = vh->gso_type & 0x7f;
	const bool udp = type == VIRTIO_NET_HDR_GSO_UDP_L4;
	const size_t l4 = vh->csum_start;
	static uint8_t d[65536];
	size_t hl, off, len;
	unsigned i = 0;

	if (type == VIRTIO_NET_HDR_GSO_NONE) {
		memcpy(d, p, n);
		if (vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
			CU_ASSERT_EQUAL(slow_get16(p + l4 + vh->csum_offset),
					slow_pseudo(p, vh->csum_offset == 6 ?
						    17 : 6, n - l4));
			slow_finish(d, n, l4, vh->csum_offset == 6);
		}
		h(d, n, arg);
		return;
	}
	CU_ASSERT(vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	CU_ASSERT_EQUAL(vh->csum_offset, udp ? 6 : 16);
	CU_ASSERT_EQUAL(type, udp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			p[0] / 16 == 6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
			VIRTIO_NET_HDR_GSO_TCPV4);
	hl = l4 + (udp ? 8 : p[l4 + 12] / 16 * 4u);
	CU_ASSERT_EQUAL(vh->hdr_len, hl);
	for (off = hl; off < n; off += len, i++) {
		const bool last = n - off <= vh->gso_size;

		len = last ? n - off : vh->gso_size;
		memcpy(d, p, hl);
		memcpy(d + hl, p + off, len);
		if (p[0] / 16 == 4)
			slow_put16(d + 4, slow_get16(p + 4) + i);
		if (udp) {
			slow_put16(d + l4 + 4, 8 + (unsigned)len);
		}
		else {
			slow_put32(d + l4 + 4,
				   ((uint32_t)slow_get16(p + l4 + 4) << 16) +
				   slow_get16(p + l4 + 6) +
				   (uint32_t)(off - hl));
			if (!last)
				d[l4 + 13] &= 0xf6;
			if (i)
				d[l4 + 13] &= 0x7f;
		}
		slow_finish(d, hl + len, l4, udp);
		h(d, hl + len, arg);
	}
}

#endif
