/* fuzz: tunnels/vpn/coalesce.c tunnels/vpn/segment.c tunnels/vpn/toobig.c tunnels/vpn/inner.c */
/*
 * Packets as a hostile peer sends them on their way to the kernel, and what
 * the kernel could hand out on its way to the path, whole or cut:
 *
 *   u8 how, then packets of u16 length: coalesced, or each with a struct
 *   virtio_net_hdr in front: segmented
 */
#include <stdlib.h>
#include <string.h>
#include "tunnels/vpn/coalesce.h"
#include "tunnels/vpn/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t in_bytes, out_bytes;

static void write_handler(const struct iovec *v, int n, void *arg)
{
	size_t len = 0;
	(void)arg;

	for (int i = 0; i < n; i++) {
		volatile uint8_t sum = 0;

		for (size_t k = 0; k < v[i].iov_len; k++)
			sum ^= ((uint8_t *)v[i].iov_base)[k];
		len += v[i].iov_len;
	}
	if (len > INNER_MAX + sizeof(struct virtio_net_hdr))
		abort();
	out_bytes += len;
}

static int put_handler(const void *p, size_t n, void *arg)
{
	const struct segment *s = arg;
	uint8_t copy[65536];

	if (n > s->mtu || n > sizeof copy)
		abort();
	memcpy(copy, p, n);
	return 0;
}

static void toobig_handler(const void *p, size_t n, void *arg)
{
	struct inner in;
	(void)arg;

	if (inner_parse(&in, p, n) || in.len != n)
		abort();
}

static void coalesce(uint8_t *p, size_t n)
{
	static struct coalesce c;
	static uint8_t buf[80000];
	size_t used = 0;
	struct inner in;

	c = (struct coalesce){ .tcp = true, .udp = true,
			       .writeh = write_handler };
	in_bytes = out_bytes = 0;
	while (n > 2) {
		size_t len = (size_t)(p[0] << 8 | p[1]);
		const bool partial = p[0] & 0x80;
		uint8_t *d = buf + used + COALESCE_ROOM;

		len &= 0x7fff;
		p += 2;
		n -= 2;
		if (len > n)
			len = n;
		if (used + len + COALESCE_ROOM > sizeof buf)
			break;
		memcpy(d, p, len);
		p += len;
		n -= len;
		if (inner_parse(&in, d, len))
			continue;
		in_bytes += in.len;
		coalesce_add(&c, d, &in, partial && inner_can_partial(&in));
		used += COALESCE_ROOM + len;
	}
	coalesce_flush(&c);
	if (out_bytes > 2 * in_bytes)
		abort();
}

static void segment(const uint8_t *p, size_t n, unsigned how)
{
	static uint8_t buf[SEGMENT_ROOM + 65536];
	struct virtio_net_hdr vh;
	struct segment s = {
		.mtu = how & 2 ? 1200 : 68 + (how & 0xf0) * 8u,
		.partial = how & 4, .puth = put_handler,
		.toobigh = toobig_handler, .arg = &s
	};
	size_t len = 0;

	if (n < sizeof vh)
		return;
	memcpy(&vh, p, sizeof vh);
	p += sizeof vh;
	n -= sizeof vh;
	while (n && len + n <= (how & 8 ? INNER_MAX : n)) {
		memcpy(buf + SEGMENT_ROOM + len, p, n);
		len += n;
	}
	if (len > 40 && how & 8) {      /* lengths that fit */
		uint8_t *d = buf + SEGMENT_ROOM;

		inner_put16(d[0] >> 4 == 4 ? d + 2 : d + 4,
			    d[0] >> 4 == 4 ? len : len - 40);
	}
	(void)segment_packet(&s, &vh, buf + SEGMENT_ROOM, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t copy[20000];

	if (!size || size > sizeof copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		segment(copy, size - 1, data[0]);
	else
		coalesce(copy, size - 1);
	return 0;
}
