/*
 * nat64.h: IPv4 addresses as an IPv6-only network reaches them: behind the
 * prefix of its NAT64 (RFC 6052), which the network tells by the name
 * ipv4only.arpa (RFC 7050).
 */
#ifndef DIALTONE_NAT64_H
#define DIALTONE_NAT64_H

#include <re.h>

/* All zero: none. */
struct nat64 {
	unsigned len;           /* 32, 40, 48, 56, 64, 96 */
	uint8_t prefix[12];
};

/* What ipv4only.arpa resolves to. ENOENT: no NAT64 made this address. */
int nat64_learn(struct nat64 *n, const struct sa *sa);

/* The way to a public IPv4 address and port; false if there is none. */
bool nat64_map(struct sa *out, const struct nat64 *n, const struct sa *v4);

#endif
