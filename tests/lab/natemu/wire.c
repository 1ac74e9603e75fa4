/*
 * wire.c: parse packets, change an endpoint, keep checksums right (RFC 1624).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include "wire.h"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

struct addr addr4(const uint8_t *p)
{
	struct addr a;

	memcpy(a.b, v4_prefix, 12);
	memcpy(a.b + 12, p, 4);
	return a;
}

bool addr_is4(const struct addr *a)
{
	return !memcmp(a->b, v4_prefix, 12);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return !memcmp(a, b, sizeof *a);
}

bool ep_eq(const struct ep *a, const struct ep *b)
{
	return a->p == b->p && addr_eq(&a->a, &b->a);
}

bool addr_parse(struct addr *a, const char *s)
{
	uint8_t b[4];

	if (inet_pton(AF_INET, s, b) != 1)
		return inet_pton(AF_INET6, s, a->b) == 1;
	*a = addr4(b);
	return true;
}

const char *addr_text(const struct addr *a)
{
	static char s[4][INET6_ADDRSTRLEN];
	static unsigned i;

	i = (i + 1) % 4;
	if (addr_is4(a))
		inet_ntop(AF_INET, a->b + 12, s[i], sizeof s[i]);
	else
		inet_ntop(AF_INET6, a->b, s[i], sizeof s[i]);
	return s[i];
}

uint32_t sum16(const uint8_t *p, int n, uint32_t s)
{
	for (; n > 1; n -= 2, p += 2)
		s += get16(p);
	return n ? s + ((uint32_t)p[0] << 8) : s;
}

uint16_t sum_fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* Adjust the checksum at c for n bytes that change from o to w, n even. */
static void csum_adjust(uint8_t *c, const uint8_t *o, const uint8_t *w, int n)
{
	uint32_t s = (uint16_t)~get16(c);

	for (; n > 0; n -= 2, o += 2, w += 2)
		s += (uint16_t)~get16(o) + (uint32_t)get16(w);
	put16(c, (uint16_t)~sum_fold(s));
}

void ip4_csum(uint8_t *b)
{
	put16(b + 10, 0);
	put16(b + 10, (uint16_t)~sum_fold(sum16(b, (b[0] & 15) * 4, 0)));
}

void l4_csum(uint8_t *b, int n, int hl, int ipproto)
{
	int off = ipproto == IPPROTO_TCP ? 16 : ipproto == IPPROTO_UDP ? 6 : 2;
	uint8_t *l4 = b + hl;
	int l4n = n - hl;
	uint32_t s = 0;

	if (l4n < off + 2)
		return;
	put16(l4 + off, 0);
	if (ipproto != IPPROTO_ICMP) {
		s = b[0] >> 4 == 4 ? sum16(b + 12, 8, 0) : sum16(b + 8, 32, 0);
		s += (uint32_t)(ipproto + l4n);
	}
	s = (uint16_t)~sum_fold(sum16(l4, l4n, s));
	put16(l4 + off, !s && ipproto == IPPROTO_UDP ? 0xffff : s);
}

static bool parse4(struct pkt *k, uint8_t *b, int n)
{
	k->hl = (b[0] & 15) * 4;
	if (k->hl < 20 || get16(b + 2) < k->hl || get16(b + 2) > n)
		return false;
	k->n = get16(b + 2);
	k->ipproto = b[9];
	k->src.a = addr4(b + 12);
	k->dst.a = addr4(b + 16);
	k->fragid = get16(b + 4);
	if (get16(b + 6) & 0x1fff)
		k->frag = FRAG_LATER;
	else if (get16(b + 6) & 0x2000)
		k->frag = FRAG_FIRST;
	return true;
}

/* Hop-by-hop, routing, destination options and fragment headers. */
static bool parse6(struct pkt *k, uint8_t *b, int n)
{
	int nh = b[6];

	if (n < 40 || get16(b + 4) + 40 > n)
		return false;
	memcpy(k->src.a.b, b + 8, 16);
	memcpy(k->dst.a.b, b + 24, 16);
	k->n = n = get16(b + 4) + 40;
	k->hl = 40;
	while (nh == 0 || nh == 43 || nh == 60 || nh == 44) {
		uint8_t *h = b + k->hl;

		if (n < k->hl + 8)
			return false;
		if (nh == 44) {
			k->fragid = get32(h + 4);
			if (get16(h + 2) & 0xfff8)
				k->frag = FRAG_LATER;
			else if (h[3] & 1)
				k->frag = FRAG_FIRST;
		}
		k->hl += nh == 44 ? 8 : (h[1] + 1) * 8;
		nh = h[0];
		if (k->frag == FRAG_LATER)
			break;
	}
	k->ipproto = nh;
	return n >= k->hl;
}

static bool parse_icmp(struct pkt *k)
{
	int t = k->l4[0];
	bool echo = k->ver == 4 ? t == 8 || t == 0 : t == 128 || t == 129;

	if (k->l4n < 8)
		return false;
	if (echo)
		k->src.p = k->dst.p = get16(k->l4 + 4);
	else if (k->ver == 4 ? t == 3 || t == 4 || t == 11 || t == 12
			     : t >= 1 && t <= 4)
		k->icmperr = true;
	else
		k->known = false;
	return true;
}

static bool parse_l4(struct pkt *k)
{
	k->l4 = k->b + k->hl;
	k->l4n = k->n - k->hl;
	k->known = true;
	if (k->ipproto == IPPROTO_UDP)
		k->proto = P_UDP;
	else if (k->ipproto == IPPROTO_TCP)
		k->proto = P_TCP;
	else if (k->ipproto == (k->ver == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		k->proto = P_ICMP;
	else
		k->known = false;
	if (k->frag == FRAG_LATER || !k->known)
		return true;
	if (k->proto == P_ICMP)
		return parse_icmp(k);
	if (k->l4n < (k->proto == P_TCP ? 20 : 8))
		return false;
	k->src.p = get16(k->l4);
	k->dst.p = get16(k->l4 + 2);
	if (k->proto == P_TCP)
		k->tcpf = k->l4[13];
	return true;
}

bool pkt_parse(struct pkt *k, uint8_t *b, int n)
{
	memset(k, 0, sizeof *k);
	k->b = b;
	if (n < 20)
		return false;
	k->ver = b[0] >> 4;
	if (k->ver == 4)
		return parse4(k, b, n) && parse_l4(k);
	return k->ver == 6 && parse6(k, b, n) && parse_l4(k);
}

/* Where in the transport part the checksum is; -1 if there is none. */
static int csum_offset(const struct pkt *k)
{
	switch (k->proto) {
	case P_TCP: return 16;
	case P_UDP: return get16(k->l4 + 6) ? 6 : -1;
	default:    return 2;
	}
}

static void set_l4(struct pkt *k, bool src, const uint8_t *oa,
		   const uint8_t *na, int al, unsigned port)
{
	int off = k->proto == P_ICMP ? 4 : src ? 0 : 2;
	int c = csum_offset(k);
	uint8_t np[2];

	put16(np, port);
	if (c >= 0) {
		if (k->proto != P_ICMP || k->ver == 6)
			csum_adjust(k->l4 + c, oa, na, al);
		csum_adjust(k->l4 + c, k->l4 + off, np, 2);
		if (k->proto == P_UDP && !get16(k->l4 + c))
			put16(k->l4 + c, 0xffff);
	}
	memcpy(k->l4 + off, np, 2);
}

void pkt_set(struct pkt *k, bool src, const struct ep *e)
{
	bool v4 = k->ver == 4;
	uint8_t *oa = k->b + (v4 ? (src ? 12 : 16) : (src ? 8 : 24));
	const uint8_t *na = e->a.b + (v4 ? 12 : 0);
	int al = v4 ? 4 : 16;

	if (k->frag != FRAG_LATER)
		set_l4(k, src, oa, na, al, e->p);
	if (v4)
		csum_adjust(k->b + 10, oa, na, 4);
	memcpy(oa, na, (size_t)al);
	if (src)
		k->src = *e;
	else
		k->dst = *e;
}

void pkt_ttl(struct pkt *k)
{
	uint8_t old[2];

	if (k->ver == 6) {
		if (k->b[7] < 255)
			k->b[7]++;
	} else if (k->b[8] < 255) {
		memcpy(old, k->b + 8, 2);
		k->b[8]++;
		csum_adjust(k->b + 10, old, k->b + 8, 2);
	}
}

bool pkt_syn(const struct pkt *k)
{
	return k->proto == P_TCP && (k->tcpf & (F_SYN | F_ACK)) == F_SYN;
}
