/*
 * segment.c: tests tunnels/vpn/segment.c and toobig.c: super packets are cut
 * as the kernel's own code cuts them (slownet.h), long ones are answered or
 * fragmented, nothing is ever longer than the path takes.
 */
#include <errno.h>
#include "tests/unit/tunnels/slownet.h"
#include "tunnels/vpn/inner.h"
#include "tunnels/vpn/segment.h"

enum { OUT_MAX = 1200 };

static uint8_t room[SEGMENT_ROOM + 65536], *const pkt = room + SEGMENT_ROOM;
static uint8_t copy[65536], whole[65536];
static struct slow_packet out[OUT_MAX], want[OUT_MAX];
static int outc, wantc, bigs, stop_at;
static uint8_t big[2048];
static size_t bign;

static int put_handler(const void *p, size_t n, void *arg)
{
	const struct segment *s = arg;

	CU_ASSERT_FATAL(n <= s->mtu && n <= sizeof out[0].buf);
	if (outc == stop_at)
		return EAGAIN;
	memcpy(out[outc].buf, p, n);
	out[outc++].n = n;
	return 0;
}

static void toobig_handler(const void *p, size_t n, void *arg)
{
	(void)arg;
	bigs++;
	bign = n;
	CU_ASSERT_FATAL(n <= sizeof big);
	memcpy(big, p, n);
}

static void want_handler(const uint8_t *p, size_t n, void *arg)
{
	(void)arg;
	memcpy(want[wantc].buf, p, n);
	want[wantc++].n = n;
}

static struct segment segment_to(size_t mtu, bool partial)
{
	struct segment s = { .mtu = mtu, .partial = partial,
			     .puth = put_handler,
			     .toobigh = toobig_handler };

	outc = wantc = bigs = 0;
	stop_at = -1;
	return s;
}

static int cut(struct segment *s, const struct virtio_net_hdr *vh, size_t n)
{
	s->arg = s;
	return segment_packet(s, vh, pkt, n);
}

/* A super packet as the kernel hands it out. */
static size_t make_super(struct virtio_net_hdr *vh, struct slow_flow *f,
			 size_t len, size_t size)
{
	static struct slow_packet k;
	const size_t l4 = f->v6 ? 40 : 20;
	size_t hl;

	slow_make(&k, f, 0);
	hl = k.n;
	memcpy(pkt, k.buf, hl);
	for (size_t i = 0; i < len; i++)
		pkt[hl + i] = (uint8_t)rand();
	f->seq += (uint32_t)len;
	*vh = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start =
		(uint16_t)l4, .csum_offset = f->udp ? 6 : 16,
		.gso_size = (uint16_t)size, .hdr_len = (uint16_t)hl,
		.gso_type = f->udp ? VIRTIO_NET_HDR_GSO_UDP_L4 : f->v6 ?
			VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4
	};
	slow_finish(pkt, hl + len, l4, f->udp);
	if (f->udp)
		slow_put16(pkt + l4 + 4, (unsigned)len + 8);
	return hl + len;
}

static void restore(uint8_t *p, size_t n)
{
	const bool v6 = (p[0] & 0x7f) / 16 == 6;

	CU_ASSERT(p[0] & INNER_PARTIAL);
	p[0] &= 0x7f;
	slow_finish(p, n, v6 ? 40 : 20, p[v6 ? 6 : 9] == 17);
}

static void same_as_kernel(struct slow_flow *f, size_t len, size_t size,
			   bool partial)
{
	struct segment s = segment_to(1460, partial);
	struct virtio_net_hdr vh;
	const size_t n = make_super(&vh, f, len, size);

	slow_cut(&vh, pkt, n, want_handler, NULL);
	CU_ASSERT_EQUAL(cut(&s, &vh, n), 0);
	CU_ASSERT_EQUAL_FATAL(outc, wantc);
	for (int i = 0; i < outc; i++) {
		if (partial)
			restore(out[i].buf, out[i].n);
		CU_ASSERT_EQUAL(out[i].n, want[i].n);
		CU_ASSERT(!memcmp(out[i].buf, want[i].buf, out[i].n));
	}
}

static void test_super(void)
{
	static const uint8_t flagv[] = { 0x10, 0x18, 0x11, 0x90, 0xd8, 0x50,
					 0x30, 0x39 };
	struct slow_flow f = { .port = 9, .seq = 0xffffff00, .id = 0xfffe };

	srand(1);
	for (int i = 0; i < 600; i++) {
		f.v6 = i & 1;
		f.udp = (i & 6) == 6;
		f.options = (size_t)(i % 11) * 4;
		f.flags = flagv[(size_t)rand() % sizeof flagv];
		f.tos = (uint8_t)rand();
		same_as_kernel(&f, 1 + (size_t)rand() % (i % 9 ? 9000 : 65000),
			       100 + (size_t)rand() % 1260, i & 8);
	}
}

/* The path got narrower than the kernel's MSS: cut finer, lose nothing. */
static void test_narrow(void)
{
	struct slow_flow f = { .port = 9, .seq = 5, .options = 12 };
	struct virtio_net_hdr vh;
	struct segment s = segment_to(600, false);
	size_t n = make_super(&vh, &f, 14000, 1400);

	vh.gso_size = 548;
	slow_cut(&vh, pkt, n, want_handler, NULL);
	vh.gso_size = 1400;
	CU_ASSERT_EQUAL(cut(&s, &vh, n), 0);
	CU_ASSERT_EQUAL_FATAL(outc, wantc);
	for (int i = 0; i < outc; i++)
		CU_ASSERT(!memcmp(out[i].buf, want[i].buf, out[i].n));
	f.udp = true;
	s = segment_to(600, false);
	n = make_super(&vh, &f, 14000, 1400);
	CU_ASSERT_EQUAL(cut(&s, &vh, n), EMSGSIZE);
	CU_ASSERT_EQUAL(bigs, 1);
	CU_ASSERT_EQUAL(outc, 0);
}

static void test_full_socket(void)
{
	struct slow_flow f = { .port = 9 };
	struct virtio_net_hdr vh;
	struct segment s = segment_to(1460, false);
	const size_t n = make_super(&vh, &f, 14000, 1400);

	stop_at = 3;
	CU_ASSERT_EQUAL(cut(&s, &vh, n), EAGAIN);
	CU_ASSERT_EQUAL(outc, 3);
}

static size_t make_plain(struct slow_flow *f, size_t len)
{
	static struct slow_packet k;

	slow_make(&k, f, len);
	memcpy(pkt, k.buf, k.n);
	memcpy(copy, k.buf, k.n);
	return k.n;
}

static void test_plain(void)
{
	struct slow_flow f = { .port = 9 };
	struct virtio_net_hdr vh = { 0 };

	for (int i = 0; i < 16; i++) {
		struct segment s = segment_to(1460, i & 4);
		const size_t l4 = i & 1 ? 40 : 20;
		size_t n;

		f.v6 = i & 1;
		f.udp = i & 2;
		n = make_plain(&f, 700);
		memset(&vh, 0, sizeof vh);
		if (i & 8) {            /* the checksum is ours to make */
			const size_t at = l4 + (f.udp ? 6 : 16);

			vh.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
			vh.csum_start = (uint16_t)l4;
			vh.csum_offset = f.udp ? 6 : 16;
			slow_put16(pkt + at, slow_pseudo(pkt, f.udp ? 17 : 6,
							 n - l4));
		}
		CU_ASSERT_EQUAL(cut(&s, &vh, n), 0);
		CU_ASSERT_EQUAL(outc, 1);
		if (i & 8 && i & 4)
			restore(out[0].buf, out[0].n);
		CU_ASSERT_EQUAL(out[0].n, n);
		CU_ASSERT(!memcmp(out[0].buf, copy, n));
	}
}

/* RFC 791: put together again, they are what came in. */
static void test_fragments4(void)
{
	struct slow_flow f = { .port = 9, .udp = true, .id = 99 };
	struct virtio_net_hdr vh = { 0 };
	size_t got = 0, n;

	for (size_t mtu = 68; mtu < 1400; mtu += 61) {
		struct segment s = segment_to(mtu, false);

		n = make_plain(&f, 1500);
		pkt[6] = 0;
		slow_finish(pkt, n, 20, true);
		memcpy(copy, pkt, n);
		CU_ASSERT_EQUAL(cut(&s, &vh, n), 0);
		got = 0;
		for (int i = 0; i < outc; i++) {
			const uint8_t *p = out[i].buf;
			const unsigned field = slow_get16(p + 6);

			CU_ASSERT_EQUAL(slow_sum(0, p, 20), 65535);
			CU_ASSERT_EQUAL(field % 8192 * 8, got);
			CU_ASSERT_EQUAL(field / 8192, i + 1 < outc);
			CU_ASSERT_EQUAL(slow_get16(p + 4),
					slow_get16(copy + 4));
			memcpy(whole + got, p + 20, out[i].n - 20);
			got += out[i].n - 20;
		}
		CU_ASSERT_EQUAL(got, n - 20);
		CU_ASSERT(!memcmp(whole, copy + 20, got));
	}
}

/* A link must take 1280 bytes of IPv6, whatever is below. */
static void test_fragments6(void)
{
	struct slow_flow f = { .port = 9, .udp = true, .v6 = true };
	struct segment s = segment_to(1195, true);
	struct virtio_net_hdr vh = { 0 };
	const size_t n = make_plain(&f, 1280 - 48);
	size_t got = 0;

	CU_ASSERT_EQUAL(cut(&s, &vh, n), 0);
	CU_ASSERT_EQUAL(outc, 2);
	for (int i = 0; i < outc; i++) {
		const uint8_t *p = out[i].buf;

		CU_ASSERT_EQUAL(slow_get16(p + 4) + 40u, out[i].n);
		CU_ASSERT_EQUAL(p[6], 44);
		CU_ASSERT_EQUAL(p[40], 17);
		CU_ASSERT_EQUAL(slow_get16(p + 42) & ~7u, got);
		CU_ASSERT_EQUAL(slow_get16(p + 42) & 1u, i + 1 < outc);
		CU_ASSERT(!memcmp(p + 44, out[0].buf + 44, 4));
		memcpy(whole + got, p + 48, out[i].n - 48);
		got += out[i].n - 48;
	}
	CU_ASSERT_EQUAL(got, n - 40);
	CU_ASSERT(!memcmp(whole, copy + 40, got));
	/* TCP is cut instead, without fragments */
	f.udp = false;
	s = segment_to(1195, false);
	CU_ASSERT_EQUAL(cut(&s, &vh, make_plain(&f, 1280 - 60)), 0);
	CU_ASSERT_EQUAL(outc, 2);
	CU_ASSERT_EQUAL(out[0].n + out[1].n, 1280 + 60);
	for (int i = 0; i < outc; i++)
		CU_ASSERT(slow_right(out[i].buf, out[i].n, 40, 6));
}

/* What comes out, put together from its place behind `head` bytes on. */
static size_t join6(size_t head, uint8_t proto, size_t from)
{
	size_t got = from;

	for (int i = 0; i < outc; i++) {
		const uint8_t *p = out[i].buf;

		CU_ASSERT_EQUAL(slow_get16(p + 4) + 40u, out[i].n);
		CU_ASSERT_EQUAL(p[head - 8], proto);
		CU_ASSERT_EQUAL(p[head - 7], 0);
		CU_ASSERT_EQUAL(slow_get16(p + head - 6) & ~7u, got);
		CU_ASSERT(!memcmp(p + head - 4, out[0].buf + head - 4, 4));
		memcpy(whole + got, p + head, out[i].n - head);
		got += out[i].n - head;
	}
	return got;
}

/* The kernel's own fragments fit its device, not a path below 1280: they are
 * cut again, and are fragments of the same packet still. */
static void test_fragments_again(void)
{
	static uint8_t sent[5000];
	static const uint8_t id[] = { 7, 8, 9, 10 };
	const size_t total = 5000, each = 1280 - 48;
	struct slow_flow f = { .port = 9, .udp = true, .v6 = true };
	struct virtio_net_hdr vh = { 0 };
	size_t got = 0;

	for (size_t off = 0; off < total; off += each) {
		const size_t len = total - off < each ? total - off : each;
		struct segment s = segment_to(1195, true);
		const bool last = off + len == total;

		(void)make_plain(&f, 100);
		pkt[4] = (uint8_t)((8 + len) >> 8);
		pkt[5] = (uint8_t)(8 + len);
		pkt[6] = 44;
		pkt[40] = 17;
		pkt[41] = 0;
		pkt[42] = (uint8_t)(off >> 8);
		pkt[43] = (uint8_t)(off | !last);
		memcpy(pkt + 44, id, sizeof id);
		for (size_t i = 0; i < len; i++)
			pkt[48 + i] = sent[off + i] = (uint8_t)(13 * i + off);
		CU_ASSERT_EQUAL(cut(&s, &vh, 48 + len), 0);
		CU_ASSERT_EQUAL(bigs, 0);
		CU_ASSERT_EQUAL(outc, len + 48 > 1195 ? 2 : 1);
		for (int i = 0; i < outc; i++)
			CU_ASSERT_EQUAL(slow_get16(out[i].buf + 42) & 1u,
					!last || i + 1 < outc);
		CU_ASSERT(!memcmp(out[0].buf + 44, id, sizeof id));
		got = join6(48, 17, got);
	}
	CU_ASSERT_EQUAL(got, total);
	CU_ASSERT(!memcmp(whole, sent, total));
}

/* Extension headers are in front of each fragment. */
static void test_fragments_extended(void)
{
	static const uint8_t ext[] = { 60, 0, 1, 4, 0, 0, 0, 0,
				       58, 1, 1, 12, 0, 0, 0, 0,
				       0, 0, 0, 0, 0, 0, 0, 0 };
	const size_t n = 1280, l4 = 40 + sizeof ext;
	struct slow_flow f = { .port = 9, .udp = true, .v6 = true };
	struct segment s = segment_to(1195, true);
	struct virtio_net_hdr vh = { 0 };

	(void)make_plain(&f, n - 48);
	pkt[6] = 0;                     /* hop by hop, destination, ICMPv6 */
	memcpy(pkt + 40, ext, sizeof ext);
	memcpy(copy, pkt, n);
	CU_ASSERT_EQUAL(cut(&s, &vh, n), 0);
	CU_ASSERT_EQUAL(outc, 2);
	for (int i = 0; i < outc; i++) {
		CU_ASSERT_EQUAL(out[i].buf[6], 0);
		CU_ASSERT_EQUAL(out[i].buf[48], 44);
		CU_ASSERT(!memcmp(out[i].buf + 49, ext + 9, 15));
	}
	CU_ASSERT_EQUAL(join6(l4 + 8, 58, 0), n - l4);
	CU_ASSERT(!memcmp(whole, copy + l4, n - l4));
}

static void test_toobig(void)
{
	struct slow_flow f = { .port = 9, .net = 4 };
	struct segment s = segment_to(1300, false);
	struct virtio_net_hdr vh = { 0 };
	size_t n = make_plain(&f, 1400);

	CU_ASSERT_EQUAL(cut(&s, &vh, n), EMSGSIZE);
	CU_ASSERT_EQUAL(bigs, 1);
	CU_ASSERT_EQUAL(big[9], 1);
	CU_ASSERT_EQUAL(slow_get16(big + 2), bign);
	CU_ASSERT_EQUAL(slow_sum(0, big, 20), 65535);
	CU_ASSERT_EQUAL(slow_sum(0, big + 20, bign - 20), 65535);
	CU_ASSERT(!memcmp(big + 16, copy + 12, 4));
	CU_ASSERT_EQUAL(big[20], 3);
	CU_ASSERT_EQUAL(big[21], 4);
	CU_ASSERT_EQUAL(slow_get16(big + 26), 1300);
	CU_ASSERT(!memcmp(big + 28, copy, bign - 28));
	f.v6 = true;
	s = segment_to(1300, false);
	n = make_plain(&f, 1400);
	CU_ASSERT_EQUAL(cut(&s, &vh, n), EMSGSIZE);
	CU_ASSERT_EQUAL(big[6], 58);
	CU_ASSERT_EQUAL(big[40], 2);
	CU_ASSERT_EQUAL(slow_get16(big + 46), 1300);
	CU_ASSERT(bign <= 1280);
	CU_ASSERT_EQUAL(slow_sum(slow_pseudo(big, 58, bign - 40), big + 40,
				 bign - 40), 65535);
	CU_ASSERT(!memcmp(big + 24, copy + 8, 16));
	CU_ASSERT(!memcmp(big + 48, copy, bign - 48));
	/* never an error about an error */
	s = segment_to(1300, false);
	f.v6 = false;
	n = make_plain(&f, 1400);
	pkt[9] = 1;
	pkt[20] = 3;
	CU_ASSERT_EQUAL(cut(&s, &vh, n), EMSGSIZE);
	CU_ASSERT_EQUAL(bigs, 0);
}

static void test_nonsense(void)
{
	struct slow_flow f = { .port = 9 };
	struct virtio_net_hdr vh, good;
	struct segment s = segment_to(1460, false);
	const size_t n = make_super(&good, &f, 9000, 1400);

	vh = good;
	vh.gso_size = 0;
	CU_ASSERT_EQUAL(cut(&s, &vh, n), EBADMSG);
	vh = good;
	vh.csum_start = 24;
	CU_ASSERT_EQUAL(cut(&s, &vh, n), EBADMSG);
	CU_ASSERT_EQUAL(cut(&s, &good, n - 1), EBADMSG);
	CU_ASSERT_EQUAL(cut(&s, &good, 39), EBADMSG);
	pkt[32] = 0xf0;
	CU_ASSERT_EQUAL(cut(&s, &good, 50), EBADMSG);
	pkt[0] = 0x55;
	CU_ASSERT_EQUAL(cut(&s, &good, n), EBADMSG);
	CU_ASSERT_EQUAL(outc, 0);
}

UNIT_SUITE("segment",
	   { "super packets", test_super },
	   { "narrow path", test_narrow },
	   { "full socket", test_full_socket },
	   { "plain packets", test_plain },
	   { "IPv4 fragments", test_fragments4 },
	   { "IPv6 fragments", test_fragments6 },
	   { "fragments of IPv6, cut again", test_fragments_again },
	   { "fragments of IPv6 with extensions", test_fragments_extended },
	   { "too big", test_toobig },
	   { "nonsense", test_nonsense })
