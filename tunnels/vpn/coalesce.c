/*
 * coalesce.c: which packets may travel to the kernel as one.
 *
 * The test is always the same: does tcp_gso_segment() or
 * __udp_gso_segment() of the kernel make of the whole what came in? So
 * checksums must be right (they are made again), IPv4 identifications must
 * count up, PSH and FIN may only be on the last, CWR and URG on none.
 */
#include "tunnels/vpn/coalesce.h"
#include "tunnels/vpn/segment.h"

enum {
	TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_ECE = 0x40,
	FRAG_BITS = 0xbf,       /* all but DF */
};

/* --- out --------------------------------------------------------------- */

/* The checksum's field holds the pseudo header's sum, not inverted: what
 * CHECKSUM_PARTIAL means in the kernel. */
static void leave_sum(uint8_t *p, const struct inner *in,
		      struct virtio_net_hdr *vh)
{
	const size_t at = inner_check(in->proto);
	const uint16_t sum = inner_fold(
		inner_pseudo(p, in->v6, in->proto, (size_t)in->len - in->l4));

	memcpy(p + in->l4 + at, &sum, sizeof sum);
	vh->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vh->csum_start = in->l4;
	vh->csum_offset = (uint16_t)at;
}

static uint8_t gso_type(const struct inner *in)
{
	if (in->proto == IP_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	return in->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
}

/* Headers for the sum of all. */
static void join(struct run *r, uint8_t *p, struct virtio_net_hdr *vh)
{
	if (r->in.v6) {
		inner_put16(p + 4, r->in.len - 40u);
	}
	else {
		inner_put16(p + 2, r->in.len);
		inner_ip4_sum(p, r->in.l4);
	}
	if (r->in.proto == IP_UDP)
		inner_put16(p + r->in.l4 + 4, (size_t)r->in.len - r->in.l4);
	vh->gso_type = gso_type(&r->in);
	vh->gso_size = (uint16_t)r->size;
	vh->hdr_len = (uint16_t)r->headers;
}

static void run_write(struct coalesce *c, struct run *r)
{
	struct virtio_net_hdr vh = { 0 };
	uint8_t *p = r->v[0].iov_base;

	if (r->n > 1)
		join(r, p, &vh);
	if (r->n > 1 || r->partial)
		leave_sum(p, &r->in, &vh);
	p -= COALESCE_ROOM;
	memcpy(p, &vh, sizeof vh);
	r->v[0].iov_base = p;
	r->v[0].iov_len += COALESCE_ROOM;
	c->writeh(r->v, r->n, c->arg);
	r->n = 0;
}

void coalesce_flush(struct coalesce *c)
{
	for (int i = 0; i < c->runc; i++)
		if (c->runv[i].n)
			run_write(c, &c->runv[i]);
	c->runc = 0;
}

/* --- in ---------------------------------------------------------------- */

static bool good_sum(const uint8_t *p, const struct inner *in)
{
	const size_t len = (size_t)in->len - in->l4;
	const uint16_t field = inner_get16(p + in->l4 +
					   inner_check(in->proto));

	/* one of the two zeros is never written by us or the kernel */
	if (field == (in->proto == IP_UDP ? 0 : 0xffff))
		return false;
	return inner_fold(inner_pseudo(p, in->v6, in->proto, len) +
			  inner_sum(0, p + in->l4, len)) == 0xffff;
}

/* Can it be one of many at all? Its headers' length, else 0. */
static size_t fit(const struct coalesce *c, const uint8_t *p,
		  const struct inner *in)
{
	const uint8_t *t = p + in->l4;
	size_t n;

	if (!in->plain || in->fragment)
		return 0;
	if (!in->v6 && (p[6] & FRAG_BITS || p[7] ||
			inner_get16(p + 10) == 0xffff ||
			inner_fold(inner_sum(0, p, 20)) != 0xffff))
		return 0;
	if (in->proto == IP_UDP)
		return c->udp && in->len > in->l4 + 8u &&
			inner_get16(t + 4) == in->len - in->l4 ?
			in->l4 + 8u : 0;
	if (in->proto != IP_TCP || !c->tcp || in->len < in->l4 + 20u)
		return 0;
	n = in->l4 + (size_t)(t[12] >> 4) * 4;
	if (n < in->l4 + 20u || n >= in->len || t[12] & 0x0f ||
	    !(t[13] & TCP_ACK) ||
	    t[13] & ~(TCP_ACK | TCP_PSH | TCP_FIN | TCP_ECE))
		return 0;
	return n;
}

static bool same_flow(const uint8_t *a, const uint8_t *b,
		      const struct inner *in)
{
	return in->v6 ? !memcmp(a + 8, b + 8, 36) :
			!memcmp(a + 12, b + 12, 12);
}

/* The run of a plain TCP or UDP packet's flow. */
static struct run *run_find(struct coalesce *c, const uint8_t *p,
			    const struct inner *in)
{
	for (int i = c->runc - 1; i >= 0; i--) {
		struct run *r = &c->runv[i];

		if (r->n && r->in.proto == in->proto &&
		    r->in.v6 == in->v6 && same_flow(r->v[0].iov_base, p, in))
			return r;
	}
	return NULL;
}

static bool same_ip(const struct run *r, const uint8_t *a, const uint8_t *b)
{
	if (r->in.v6)
		return !memcmp(a, b, 4) && a[7] == b[7];
	return a[1] == b[1] && a[6] == b[6] && a[8] == b[8] &&
		inner_get16(b + 4) ==
			((inner_get16(a + 4) + (unsigned)r->n) & 0xffff);
}

static bool same_tcp(const struct run *r, const uint8_t *a, const uint8_t *b)
{
	const unsigned last = TCP_PSH | TCP_FIN;

	return inner_get32(b + 4) == r->seq && !memcmp(a + 8, b + 8, 5) &&
		(a[13] | last) == (b[13] | last) &&
		!memcmp(a + 14, b + 14, 2) &&
		!memcmp(a + 18, b + 18, r->headers - r->in.l4 - 18);
}

/* The flow and the headers' length are the same: is it the next? */
static bool follows(const struct run *r, const uint8_t *p,
		    const struct inner *in, bool partial)
{
	const uint8_t *first = r->v[0].iov_base;
	const size_t len = in->len - r->headers;

	if (r->closed || r->n == COALESCE_MAX || partial != r->partial ||
	    len > r->size || r->in.len + len > INNER_MAX ||
	    !same_ip(r, first, p))
		return false;
	return in->proto == IP_UDP ||
		same_tcp(r, first + in->l4, p + in->l4);
}

static void append(struct run *r, uint8_t *p, const struct inner *in)
{
	const size_t len = in->len - r->headers;
	uint8_t *first = r->v[0].iov_base;

	r->v[r->n].iov_base = p + r->headers;
	r->v[r->n++].iov_len = len;
	r->in.len = (uint16_t)(r->in.len + len);
	r->seq += (uint32_t)len;
	r->closed = len < r->size;
	if (in->proto == IP_TCP && p[in->l4 + 13] & (TCP_PSH | TCP_FIN)) {
		first[in->l4 + 13] = p[in->l4 + 13];
		r->closed = true;
	}
}

static void begin(struct run *r, uint8_t *p, const struct inner *in,
		  size_t headers, bool partial)
{
	r->v[0].iov_base = p;
	r->v[0].iov_len = in->len;
	r->n = 1;
	r->in = *in;
	r->headers = headers;
	r->size = in->len - headers;
	r->partial = partial;
	r->closed = !headers;
	if (!headers || in->proto != IP_TCP)
		return;
	r->seq = inner_get32(p + in->l4 + 4) + (uint32_t)r->size;
	r->closed = p[in->l4 + 13] & (TCP_PSH | TCP_FIN);
}

/* Room for another flow; what is old goes out for it. */
static struct run *run_new(struct coalesce *c)
{
	if (c->runc == COALESCE_RUNS)
		coalesce_flush(c);
	return &c->runv[c->runc++];
}

static void write_alone(struct coalesce *c, uint8_t *p,
			const struct inner *in, bool partial)
{
	struct run r;

	begin(&r, p, in, 0, partial);
	run_write(c, &r);
}

void coalesce_add(struct coalesce *c, uint8_t *p, const struct inner *in,
		  bool partial)
{
	const size_t headers = fit(c, p, in);
	struct run *r;

	if (!in->plain || in->fragment ||
	    (in->proto != IP_TCP && in->proto != IP_UDP)) {
		coalesce_flush(c);      /* whatever flow it belongs to */
		write_alone(c, p, in, partial);
		return;
	}
	r = in->len >= in->l4 + 8u ? run_find(c, p, in) : NULL;
	if (!headers) {
		if (r)
			run_write(c, r);
		write_alone(c, p, in, partial);
		return;
	}
	if (r && headers == r->headers && follows(r, p, in, partial) &&
	    (partial || good_sum(p, in))) {
		append(r, p, in);
		return;
	}
	if (r)
		run_write(c, r);
	else
		r = run_new(c);
	if (partial || good_sum(p, in))
		begin(r, p, in, headers, partial);
	else
		write_alone(c, p, in, false);
}
