/*
 * nat64.c: RFC 6052 section 2.2: the four bytes of the IPv4 address follow
 * the prefix, and step over byte 8.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/nat64.h"
#include "modules/path/netif.h"

enum { U_BYTE = 8 };

static const uint8_t lenv[] = { 96, 64, 56, 48, 40, 32 };

static size_t place(unsigned len, size_t i)
{
	size_t at = len / 8 + i;

	return len < 96 && at >= U_BYTE ? at + 1 : at;
}

static uint32_t embedded(const uint8_t *a, unsigned len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 8 | a[place(len, i)];
	return v;
}

int nat64_learn(struct nat64 *n, const struct sa *sa)
{
	enum { WELL_KNOWN = 0xc00000aa };       /* .170, and .171 */
	const uint8_t *a = sa->u.in6.sin6_addr.s6_addr;

	if (sa_af(sa) != AF_INET6)
		return ENOENT;
	for (size_t i = 0; i < sizeof lenv; i++) {
		uint32_t v = embedded(a, lenv[i]);

		if ((v != WELL_KNOWN && v != WELL_KNOWN + 1) ||
		    (lenv[i] < 96 && a[U_BYTE]))
			continue;
		memset(n, 0, sizeof *n);
		n->len = lenv[i];
		memcpy(n->prefix, a, lenv[i] / 8);
		return 0;
	}
	return ENOENT;
}

bool nat64_map(struct sa *out, const struct nat64 *n, const struct sa *v4)
{
	uint8_t *a = out->u.in6.sin6_addr.s6_addr;

	if (!n->len || sa_af(v4) != AF_INET || netif_inside(v4))
		return false;
	sa_init(out, AF_INET6);
	memcpy(a, n->prefix, n->len / 8);
	for (size_t i = 0; i < 4; i++)
		a[place(n->len, i)] = (uint8_t)(sa_in(v4) >> (24 - 8 * i));
	sa_set_port(out, sa_port(v4));
	return true;
}
