/*
 * inner.c: finds its way through the headers of a packet that may be hostile,
 * and adds up checksums.
 */
#include <arpa/inet.h>
#include <errno.h>
#include "tunnels/vpn/inner.h"

enum {
	HOP_BY_HOP = 0, ROUTING = 43, DEST_OPTS = 60,
	EXT_MAX = 8,            /* extension headers looked through */
};

static int parse4(struct inner *in, const uint8_t *p, size_t n)
{
	const size_t hl = (size_t)(p[0] & 15) * 4;
	const size_t len = inner_get16(p + 2);

	if (n < INNER_MIN || hl < INNER_MIN || len < hl || len > n)
		return EBADMSG;
	in->v6 = false;
	in->plain = hl == INNER_MIN;
	in->fragment = inner_get16(p + 6) & 0x3fff;     /* MF and offset */
	in->proto = p[9];
	in->l4 = (uint16_t)hl;
	in->len = (uint16_t)len;
	return 0;
}

/* RFC 8200, 4: through the extension headers to what they lead to. */
static void skip_extensions(struct inner *in, const uint8_t *p)
{
	size_t at = 40, hl;
	uint8_t next = p[6];

	for (int i = 0; i < EXT_MAX && at + 8 <= in->len; i++) {
		if (next == IP_FRAGMENT) {
			in->fragment = true;
			break;
		}
		if (next != HOP_BY_HOP && next != ROUTING &&
		    next != DEST_OPTS)
			break;
		hl = ((size_t)p[at + 1] + 1) * 8;
		if (at + hl > in->len)
			break;
		next = p[at];
		at += hl;
	}
	in->plain = at == 40;
	in->proto = next;
	in->l4 = (uint16_t)at;
}

static int parse6(struct inner *in, const uint8_t *p, size_t n)
{
	size_t len;

	if (n < 40)
		return EBADMSG;
	len = 40 + (size_t)inner_get16(p + 4);
	if (len > n || len > INNER_MAX)
		return EBADMSG;
	in->v6 = true;
	in->fragment = false;
	in->len = (uint16_t)len;
	skip_extensions(in, p);
	return 0;
}

int inner_parse(struct inner *in, const uint8_t *p, size_t n)
{
	if (n < INNER_MIN)
		return EBADMSG;
	switch (p[0] >> 4) {
	case 4:  return parse4(in, p, n);
	case 6:  return parse6(in, p, n);
	default: return EBADMSG;
	}
}

size_t inner_check(uint8_t proto)
{
	return proto == IP_TCP ? 16 : proto == IP_UDP ? 6 : 0;
}

bool inner_can_partial(const struct inner *in)
{
	return !in->fragment && inner_check(in->proto) &&
		in->len >= in->l4 + (in->proto == IP_TCP ? 20u : 8u);
}

uint64_t inner_sum(uint64_t sum, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t a = 0, b = 0;
	uint32_t v[8];
	uint16_t w;

	for (; n >= sizeof v; p += sizeof v, n -= sizeof v) {
		memcpy(v, p, sizeof v);
		a += (uint64_t)v[0] + v[1] + v[2] + v[3];
		b += (uint64_t)v[4] + v[5] + v[6] + v[7];
	}
	for (; n >= 2; p += 2, n -= 2) {
		memcpy(&w, p, 2);
		a += w;
	}
	if (n) {
		w = 0;
		memcpy(&w, p, 1);
		a += w;
	}
	a += b;
	return sum + (a & 0xffffffff) + (a >> 32);
}

uint16_t inner_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t inner_pseudo(const uint8_t *ip, bool v6, uint8_t proto, size_t len)
{
	const uint64_t sum = v6 ? inner_sum(0, ip + 8, 32) :
				  inner_sum(0, ip + 12, 8);

	return sum + htons(proto) + htons((uint16_t)len);
}

/* RFC 768: UDP writes a sum of zero as ones, for zero means none. */
static void put_sum(uint8_t *p, uint64_t sum, bool udp)
{
	uint16_t w = (uint16_t)~inner_fold(sum);

	if (udp && !w)
		w = 0xffff;
	memcpy(p, &w, sizeof w);
}

void inner_finish(uint8_t *p, size_t n, size_t start, size_t at)
{
	put_sum(p + at, inner_sum(0, p + start, n - start), at - start == 6);
}

void inner_ip4_sum(uint8_t *ip, size_t hl)
{
	ip[10] = ip[11] = 0;
	put_sum(ip + 10, inner_sum(0, ip, hl), false);
}

void inner_l4_sum(uint8_t *ip, const struct inner *in)
{
	const size_t len = (size_t)in->len - in->l4;
	uint8_t *field = ip + in->l4 + inner_check(in->proto);

	field[0] = field[1] = 0;
	put_sum(field, inner_pseudo(ip, in->v6, in->proto, len) +
		inner_sum(0, ip + in->l4, len), in->proto == IP_UDP);
}
