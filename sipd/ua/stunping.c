/*
 * stunping.c: 20 bytes out, one attribute back; nothing else of STUN is
 * needed to keep a NAT's binding and to notice when it changed.
 */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include "sipd/ua/stunping.h"

enum {
	HEADER = 20, COOKIE = 0x2112a442,
	BINDING_REQUEST = 0x0001, BINDING_SUCCESS = 0x0101,
	XOR_MAPPED_ADDRESS = 0x0020,
	UNANSWERED_MAX = 3,
};

int stunping_send(struct stunping *p, struct transp *t,
		  const struct hop *hop)
{
	uint8_t buf[HEADER] = { 0 };
	struct mbuf mb = { .buf = buf, .size = HEADER, .end = HEADER };
	uint32_t cookie = htonl(COOKIE);

	buf[1] = BINDING_REQUEST;
	memcpy(buf + 4, &cookie, 4);
	if (!p->open)
		rand_bytes(p->tid, sizeof p->tid);
	memcpy(buf + 8, p->tid, sizeof p->tid);
	++p->open;
	return transp_send(t, hop, &mb, NULL);
}

static bool mapped_read(struct sa *sa, const uint8_t *msg, const uint8_t *a,
			size_t n)
{
	uint8_t ip[16];
	uint16_t port;
	uint32_t in;

	if (n < 8)
		return false;
	port = (uint16_t)(((a[2] << 8) | a[3]) ^ (COOKIE >> 16));
	for (size_t i = 0; i < 16 && i + 4 < n; i++)
		ip[i] = a[4 + i] ^ msg[4 + i];
	if (a[1] == 1) {
		memcpy(&in, ip, 4);
		sa_set_in(sa, ntohl(in), port);
		return true;
	}
	if (a[1] == 2 && n >= 20) {
		sa_set_in6(sa, ip, port);
		return true;
	}
	return false;
}

bool stunping_recv(struct stunping *p, const struct mbuf *mb)
{
	const uint8_t *m = mbuf_buf(mb);
	size_t n = mbuf_get_left(mb), pos, len;
	struct sa sa, old = p->mapped;

	if (n < HEADER || ((m[0] << 8) | m[1]) != BINDING_SUCCESS ||
	    memcmp(m + 8, p->tid, sizeof p->tid) || !p->open)
		return false;
	p->open = 0;
	for (pos = HEADER; pos + 4 <= n; pos += 4 + ((len + 3) & ~3UL)) {
		len = (size_t)((m[pos + 2] << 8) | m[pos + 3]);
		if (pos + 4 + len > n)
			return false;
		if (((m[pos] << 8) | m[pos + 1]) != XOR_MAPPED_ADDRESS)
			continue;
		if (!mapped_read(&sa, m, m + pos + 4, len))
			return false;
		p->mapped = sa;
		return sa_isset(&old, SA_ALL) && !sa_cmp(&old, &sa, SA_ALL);
	}
	return false;
}

bool stunping_open(const struct stunping *p)
{
	return p->open > 0;
}

bool stunping_unanswered(const struct stunping *p)
{
	return p->open >= UNANSWERED_MAX;
}
