/*
 * pcp.c: the PCP codec (RFC 6887).
 *
 *   request   | 2 | op     | 0      | lifetime | client address, 16 bytes |
 *   answer    | 2 | R op   | result | lifetime | epoch | 12 reserved      |
 *   both, MAP | nonce, 12 | proto, 3 reserved | internal, external port |
 *             | external address, 16 |
 *
 * IPv4 addresses travel as ::ffff:a.b.c.d. Called by portmap.c.
 *
 * Deliberately absent: FILTER towards the peer (section 13.3). One mapping
 * serves all sessions, those of callers who are not known yet and of peers who
 * move from one network to another; each with its own would cost the gateway
 * a mapping for every address that a peer might have, and calls would wait for
 * it. What comes in has to prove itself anyway, and miniupnpd reads the option
 * but filters nothing.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/pcp.h"
#include "modules/path/wire.h"

enum { PCP_V2 = 2, HEADER = 24, MAP_SIZE = 36, ANSWER = 0x80, UDP = 17 };

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static void put_addr(uint8_t *p, const struct sa *sa)
{
	if (sa_af(sa) == AF_INET6) {
		memcpy(p, &sa->u.in6.sin6_addr, 16);
		return;
	}
	memcpy(p, v4_prefix, sizeof v4_prefix);
	wire_put32(p + 12, sa_in(sa));
}

static void get_addr(struct sa *sa, const uint8_t *p, uint16_t port)
{
	if (memcmp(p, v4_prefix, sizeof v4_prefix))
		sa_set_in6(sa, p, port);
	else
		sa_set_in(sa, wire_get32(p + 12), port);
}

static void put_header(uint8_t *buf, size_t len, enum pcp_op op,
		       uint32_t lifetime, const struct sa *client)
{
	memset(buf, 0, len);
	buf[0] = PCP_V2;
	buf[1] = (uint8_t)op;
	wire_put32(buf + 4, lifetime);
	put_addr(buf + 8, client);
}

size_t pcp_announce(uint8_t *buf, size_t size, const struct sa *client)
{
	if (size < HEADER)
		return 0;
	put_header(buf, HEADER, PCP_ANNOUNCE, 0, client);
	return HEADER;
}

/* No suggestion is an address of zeros of the wanted family, RFC 6887
 * section 11.1. */
size_t pcp_map(uint8_t *buf, size_t size, const struct pcp_want *want)
{
	uint8_t *p = buf + HEADER;

	if (size < HEADER + MAP_SIZE)
		return 0;
	put_header(buf, HEADER + MAP_SIZE, PCP_MAP, want->lifetime,
		   want->client);
	memcpy(p, want->nonce, PCP_NONCE_SIZE);
	p[12] = UDP;
	wire_put16(p + 16, sa_port(want->client));
	if (sa_isset(want->external, SA_ADDR)) {
		wire_put16(p + 18, sa_port(want->external));
		put_addr(p + 20, want->external);
	}
	else {
		wire_put16(p + 18, sa_port(want->client));
		if (sa_af(want->client) == AF_INET)
			memcpy(p + 20, v4_prefix, sizeof v4_prefix);
	}
	return HEADER + MAP_SIZE;
}

/* A server that refuses the version or the request may send back less than
 * a whole MAP, RFC 6887 section 8.3: only success must be complete. */
int pcp_decode(struct pcp_answer *a, const uint8_t *buf, size_t len)
{
	const uint8_t *p = buf + HEADER;

	if (len < HEADER || len > PCP_MSG_MAX || len % 4 ||
	    buf[0] != PCP_V2 || !(buf[1] & ANSWER))
		return EBADMSG;
	memset(a, 0, sizeof *a);
	a->op = (enum pcp_op)(buf[1] & ~ANSWER);
	a->result = buf[3];
	a->lifetime = wire_get32(buf + 4);
	a->epoch = wire_get32(buf + 8);
	sa_init(&a->external, AF_UNSPEC);
	if (a->op == PCP_ANNOUNCE)
		return 0;
	if (a->op != PCP_MAP || len < HEADER + MAP_SIZE || p[12] != UDP)
		return EBADMSG;
	a->nonce = p;
	a->internal = wire_get16(p + 16);
	get_addr(&a->external, p + 20, wire_get16(p + 18));
	return 0;
}

/* Back by one second it may have gone because answers overtake each other;
 * then, too, it must not be far behind what has passed here. */
bool pcp_epoch_lost(uint32_t before, uint32_t epoch, uint64_t passed)
{
	const int64_t here = (int64_t)min(passed, (uint64_t)UINT32_MAX);
	const int64_t went = (int64_t)epoch - (int64_t)before;

	if (went < -1)
		return true;
	return here + 2 < went - went / 16 || went + 2 < here - here / 16;
}
