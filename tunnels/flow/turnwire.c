/*
 * turnwire.c: ChannelData messages and Data indications.
 *
 *   | channel | length | data ... (padding, on a stream) |
 *   | 00 17 | length | cookie | transaction id | XOR-PEER-ADDRESS, DATA |
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/turnwire.h"

enum {
	STUN_HEAD = 20,
	DATA_INDICATION = 0x0017,
	PEER_ADDRESS = 0x0012,
	DATA = 0x0013,
	IPV4 = 1, IPV6 = 2,             /* RFC 8489 section 14.1 */
	COOKIE = 4,                     /* where it is */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

size_t turnwire_padding(size_t n)
{
	return -n & 3;
}

void turnwire_head(uint8_t h[TURNWIRE_HEADER], uint16_t channel, size_t len)
{
	h[0] = (uint8_t)(channel >> 8);
	h[1] = (uint8_t)channel;
	h[2] = (uint8_t)(len >> 8);
	h[3] = (uint8_t)len;
}

int turnwire_next(struct turnwire *m, const uint8_t *buf, size_t len,
		  bool stream)
{
	size_t n;

	memset(m, 0, sizeof *m);
	if (len < TURNWIRE_HEADER)
		return stream ? EAGAIN : EBADMSG;
	n = get16(buf + 2);
	if (buf[0] <= 3) {
		m->p = buf;
		m->len = m->size = STUN_HEAD + n;
		if (n & 3)
			return EBADMSG;
	}
	else {
		m->channel = get16(buf);
		if (m->channel < TURNWIRE_CHANNEL_MIN ||
		    m->channel > TURNWIRE_CHANNEL_MAX)
			return EBADMSG;
		m->p = buf + TURNWIRE_HEADER;
		m->len = n;
		m->size = TURNWIRE_HEADER + n;
		if (stream)
			m->size += turnwire_padding(n);
	}
	if (m->size > len)
		return stream ? EAGAIN : EBADMSG;
	return 0;
}

/* RFC 8489 section 14.2: XORed with the cookie and the transaction id. */
static bool get_peer(struct sa *peer, const uint8_t *p, size_t n,
		     const uint8_t *cookie)
{
	uint16_t port;
	uint8_t a[16];

	if (n < 8)
		return false;
	port = (uint16_t)(get16(p + 2) ^ get16(cookie));
	for (size_t i = 0; i < n - 4 && i < sizeof a; i++)
		a[i] = p[4 + i] ^ cookie[i];
	if (p[1] == IPV4 && n == 8)
		sa_set_in(peer, (uint32_t)get16(a) << 16 | get16(a + 2),
			  port);
	else if (p[1] == IPV6 && n == 20)
		sa_set_in6(peer, a, port);
	else
		return false;
	return true;
}

bool turnwire_data(const uint8_t *buf, size_t len, struct sa *peer,
		   const uint8_t **p, size_t *n)
{
	bool from = false, data = false;
	size_t size;

	if (len < STUN_HEAD || get16(buf) != DATA_INDICATION)
		return false;
	for (size_t pos = STUN_HEAD; len - pos >= 4; pos += size) {
		const uint8_t *at = buf + pos + 4;
		const size_t alen = get16(buf + pos + 2);

		size = 4 + alen + turnwire_padding(alen);
		if (size > len - pos)
			return false;
		if (get16(buf + pos) == PEER_ADDRESS && !from)
			from = get_peer(peer, at, alen, buf + COOKIE);
		if (get16(buf + pos) == DATA && !data) {
			*p = at;
			*n = alen;
			data = true;
		}
	}
	return from && data;
}
