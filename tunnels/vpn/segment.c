/*
 * segment.c: cuts what comes from the kernel into packets.
 *
 *   GSO, or TCP that is too long     cut as the kernel cuts (tcp_offload.c)
 *   IPv4 without DF                  fragments (RFC 791)
 *   IPv6 of up to 1280 bytes         fragments, of fragments too: a link must
 *                                    carry them, and a path may be narrower
 *   else                             ICMP too big, and EMSGSIZE
 */
#include <errno.h>
#include "tunnels/vpn/inner.h"
#include "tunnels/vpn/segment.h"
#include "tunnels/vpn/toobig.h"

enum {
	TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_URG = 0x20, TCP_CWR = 0x80,
	TCP_SYN = 0x02, TCP_RST = 0x04,
	DF = 0x4000, MF = 0x2000,
	MTU6_MIN = 1280,        /* RFC 8200, 5 */
	MSS_MIN = 8,
	FRAGMENT_HEADERS = 256, /* of IPv6, in front of a fragment header */
};

/* What is repeated in front of each payload. */
struct headers {
	struct inner in;
	size_t n;
	bool tcp;
	uint32_t seq;
	uint16_t id;
	uint8_t flags;
	uint8_t buf[SEGMENT_HEADERS];
};

static int toobig(struct segment *s, const uint8_t *p, const struct inner *in)
{
	uint8_t buf[TOOBIG_MAX];
	const size_t n = toobig_make(buf, p, in, s->mtu);

	if (n)
		s->toobigh(buf, n, s->arg);
	return EMSGSIZE;
}

/* Send one packet whose headers are right but for the transport's checksum. */
static int put(struct segment *s, uint8_t *p, const struct inner *in)
{
	if (s->partial)
		p[0] |= INNER_PARTIAL;
	else
		inner_l4_sum(p, in);
	return s->puth(p, in->len, s->arg);
}

static int read_headers(struct headers *h, const uint8_t *p, size_t n,
			size_t l4, bool tcp)
{
	if (inner_parse(&h->in, p, n) || h->in.fragment || h->in.len != n ||
	    h->in.l4 != l4 || h->in.proto != (tcp ? IP_TCP : IP_UDP))
		return EBADMSG;
	h->tcp = tcp;
	h->n = l4 + 8;
	if (tcp && n < l4 + 20)
		return EBADMSG;
	if (tcp)
		h->n = l4 + (size_t)(p[l4 + 12] >> 4) * 4;
	if (h->n > n || h->n > sizeof h->buf || h->n < l4 + (tcp ? 20 : 8))
		return EBADMSG;
	memcpy(h->buf, p, h->n);
	h->id = inner_get16(p + 4);
	if (tcp) {
		h->seq = inner_get32(p + l4 + 4);
		h->flags = p[l4 + 13];
	}
	return 0;
}

/* The headers of the piece whose payload of n bytes is at `off`. */
static void write_headers(struct headers *h, uint8_t *d, size_t n, bool first,
			  bool last)
{
	uint8_t *t = d + h->in.l4;

	memcpy(d, h->buf, h->n);
	h->in.len = (uint16_t)(h->n + n);
	if (h->in.v6) {
		inner_put16(d + 4, h->in.len - 40u);
	}
	else {
		inner_put16(d + 2, h->in.len);
		inner_put16(d + 4, h->id++);
		inner_ip4_sum(d, h->in.l4);
	}
	if (!h->tcp) {
		inner_put16(t + 4, 8 + n);
		return;
	}
	inner_put32(t + 4, h->seq);
	h->seq += (uint32_t)n;
	if (!last)
		t[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (!first)
		t[13] &= (uint8_t)~TCP_CWR;
}

static int cut(struct segment *s, struct headers *h, uint8_t *p, size_t n,
	       size_t size)
{
	int err = 0;

	for (size_t off = h->n; off < n && !err; off += size) {
		const size_t len = n - off < size ? n - off : size;
		uint8_t *d = p + off - h->n;

		write_headers(h, d, len, off == h->n, off + len == n);
		err = put(s, d, &h->in);
	}
	return err;
}

/* A packet that the kernel left to us to cut. Where the path has become
 * narrower than the kernel knows, TCP is cut finer: nothing is lost. */
static int super(struct segment *s, const struct virtio_net_hdr *vh,
		 uint8_t *p, size_t n)
{
	const unsigned type = vh->gso_type &
		(unsigned)~VIRTIO_NET_HDR_GSO_ECN;
	const bool tcp = type != VIRTIO_NET_HDR_GSO_UDP_L4;
	size_t size = vh->gso_size;
	struct headers h;

	if (!size || !(vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
	    read_headers(&h, p, n, vh->csum_start, tcp) || h.n == n)
		return EBADMSG;
	if (h.n + size > s->mtu) {
		if (!tcp || h.n + MSS_MIN > s->mtu)
			return toobig(s, p, &h.in);
		size = s->mtu - h.n;
	}
	return cut(s, &h, p, n, size);
}

/* RFC 791, 3.2: the options stay in the first and, to be simple, in all:
 * those with the copied flag must, the others may be dropped anywhere. */
static int fragment4(struct segment *s, uint8_t *p, const struct inner *in)
{
	const size_t hl = in->l4, size = (s->mtu - hl) & ~(size_t)7;
	const unsigned field = inner_get16(p + 6);
	uint8_t hdr[60];
	int err = 0;

	memcpy(hdr, p, hl);
	for (size_t off = hl; off < in->len && !err; off += size) {
		const size_t left = in->len - off;
		const size_t len = left < size ? left : size;
		uint8_t *d = p + off - hl;

		memcpy(d, hdr, hl);
		inner_put16(d + 2, hl + len);
		inner_put16(d + 6, (field & MF) | (len < left ? MF : 0) |
			    ((field & 0x1fff) + (off - hl) / 8));
		inner_ip4_sum(d, hl);
		err = s->puth(d, hl + len, s->arg);
	}
	return err;
}

/* Where the header in front of l4 says what is there. */
static size_t next_field(const uint8_t *p, size_t l4)
{
	size_t field = 6;

	for (size_t at = 40; at < l4; at += (p[at + 1] + 1u) * 8)
		field = at;
	return field;
}

/* RFC 8200, 4.5. The headers that lead to the transport's, or to the fragment
 * header that is there already, are in front of each; a new fragment header
 * needs 8 bytes more, which are free in front of the packet. */
static int fragment6(struct segment *s, uint8_t *p, const struct inner *in)
{
	const size_t at = in->l4, head = at + 8;
	const size_t from = in->fragment ? head : at;
	const size_t size = (s->mtu - head) & ~(size_t)7;
	unsigned base = 0, more = 0;
	uint8_t hdr[FRAGMENT_HEADERS + 8];
	int err = 0;

	memcpy(hdr, p, from);
	if (in->fragment) {
		base = inner_get16(hdr + at + 2) & ~7u;
		more = hdr[at + 3] & 1;
	}
	else {
		hdr[at] = in->proto;
		hdr[next_field(p, at)] = IP_FRAGMENT;
		inner_put32(hdr + at + 4, ++s->id);
	}
	hdr[at + 1] = 0;
	if (base + in->len - from > 0xffff)
		return EBADMSG;
	for (size_t off = from; off < in->len && !err; off += size) {
		const size_t left = in->len - off;
		const size_t len = left < size ? left : size;
		uint8_t *d = p + off - head;

		memcpy(d, hdr, head);
		inner_put16(d + 4, head - 40 + len);
		inner_put16(d + at + 2, (base + off - from) |
			    (len < left || more));
		err = s->puth(d, head + len, s->arg);
	}
	return err;
}

/* TCP can be cut by anybody who knows how, unless something is urgent. */
static bool can_cut(const uint8_t *p, const struct inner *in, size_t mtu)
{
	const unsigned never = TCP_SYN | TCP_RST | TCP_URG;

	return in->proto == IP_TCP && !in->fragment &&
		in->len >= in->l4 + 20 && !(p[in->l4 + 13] & never) &&
		(size_t)in->l4 + 60 + MSS_MIN < mtu;
}

static int too_long(struct segment *s, uint8_t *p, const struct inner *in)
{
	struct headers h;

	if (in->v6 && in->len <= MTU6_MIN && can_cut(p, in, s->mtu) &&
	    !read_headers(&h, p, in->len, in->l4, true) && h.n < in->len)
		return cut(s, &h, p, in->len, s->mtu - h.n);
	if (in->v6 && in->len <= MTU6_MIN && in->l4 <= FRAGMENT_HEADERS &&
	    s->mtu >= in->l4 + 16u)
		return fragment6(s, p, in);
	if (!in->v6 && !(inner_get16(p + 6) & DF) &&
	    s->mtu >= (size_t)in->l4 + 8)
		return fragment4(s, p, in);
	return toobig(s, p, in);
}

int segment_packet(struct segment *s, const struct virtio_net_hdr *vh,
		   uint8_t *p, size_t n)
{
	const size_t start = vh->csum_start;
	struct inner in;

	if (vh->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return super(s, vh, p, n);
	if (inner_parse(&in, p, n))
		return EBADMSG;
	if (!(vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return in.len > s->mtu ? too_long(s, p, &in) :
			s->puth(p, in.len, s->arg);
	if (start + vh->csum_offset + 2u > in.len || start < INNER_MIN)
		return EBADMSG;
	if (s->partial && in.len <= s->mtu && !in.fragment &&
	    start == in.l4 && inner_check(in.proto) &&
	    vh->csum_offset == inner_check(in.proto)) {
		p[0] |= INNER_PARTIAL;
		return s->puth(p, in.len, s->arg);
	}
	inner_finish(p, in.len, start, start + vh->csum_offset);
	return in.len > s->mtu ? too_long(s, p, &in) :
		s->puth(p, in.len, s->arg);
}
