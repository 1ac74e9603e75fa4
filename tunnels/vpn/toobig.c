/*
 * toobig.c: writes ICMP errors. They come from the address that the packet
 * was for: it is the one that is surely routed through the tunnel.
 */
#include "tunnels/vpn/toobig.h"

enum {
	UNREACHABLE = 3, FRAG_NEEDED = 4,       /* ICMP */
	PACKET_TOO_BIG = 2,                     /* ICMPv6 */
	HOPS = 64,
	QUOTE4 = 8 + 20,        /* of the transport, enough for all users */
	MTU6_MIN = 1280,        /* RFC 8200, 5 */
};

/* RFC 1122, 3.2.2: no error about an error, a later fragment, a group. */
static bool may_answer4(const uint8_t *p, const struct inner *in)
{
	if (inner_get16(p + 6) & 0x1fff || p[16] >= 224 || p[12] >= 224 ||
	    !inner_get32(p + 12))
		return false;
	if (in->proto != IP_ICMP)
		return true;
	return in->len > in->l4 && (p[in->l4] == 8 || p[in->l4] == 0);
}

static size_t make4(uint8_t *buf, const uint8_t *p, const struct inner *in,
		    size_t mtu)
{
	size_t quote = in->len, n;

	if (!may_answer4(p, in))
		return 0;
	if (quote > (size_t)in->l4 + QUOTE4)
		quote = (size_t)in->l4 + QUOTE4;
	n = 28 + quote;
	memset(buf, 0, 28);
	buf[0] = 0x45;
	buf[1] = 0xc0;                  /* RFC 1812, 4.3.2.5 */
	inner_put16(buf + 2, n);
	buf[8] = HOPS;
	buf[9] = IP_ICMP;
	memcpy(buf + 12, p + 16, 4);
	memcpy(buf + 16, p + 12, 4);
	inner_ip4_sum(buf, 20);
	buf[20] = UNREACHABLE;
	buf[21] = FRAG_NEEDED;
	inner_put16(buf + 26, mtu);
	memcpy(buf + 28, p, quote);
	inner_finish(buf, n, 20, 22);
	return n;
}

/* RFC 4443, 2.4 e: the same; a group may be answered for this one error. */
static bool may_answer6(const uint8_t *p, const struct inner *in)
{
	static const uint8_t nobody[16];

	if (p[8] == 0xff || !memcmp(p + 8, nobody, sizeof nobody))
		return false;
	return in->proto != IP_ICMPV6 ||
		(in->len > in->l4 && p[in->l4] & 0x80);
}

static size_t make6(uint8_t *buf, const uint8_t *p, const struct inner *in,
		    size_t mtu)
{
	size_t quote = in->len, n;
	uint16_t sum;

	if (!may_answer6(p, in) || p[24] == 0xff)
		return 0;
	if (quote > TOOBIG_MAX - 48)
		quote = TOOBIG_MAX - 48;
	n = 48 + quote;
	memset(buf, 0, 48);
	buf[0] = 0x60;
	inner_put16(buf + 4, n - 40);
	buf[6] = IP_ICMPV6;
	buf[7] = HOPS;
	memcpy(buf + 8, p + 24, 16);
	memcpy(buf + 24, p + 8, 16);
	buf[40] = PACKET_TOO_BIG;
	inner_put32(buf + 44, (uint32_t)(mtu < MTU6_MIN ? MTU6_MIN : mtu));
	memcpy(buf + 48, p, quote);
	sum = (uint16_t)~inner_fold(inner_pseudo(buf, true, IP_ICMPV6,
						 n - 40) +
				    inner_sum(0, buf + 40, n - 40));
	memcpy(buf + 42, &sum, sizeof sum);
	return n;
}

size_t toobig_make(uint8_t buf[TOOBIG_MAX], const uint8_t *p,
		   const struct inner *in, size_t mtu)
{
	return in->v6 ? make6(buf, p, in, mtu) : make4(buf, p, in, mtu);
}
