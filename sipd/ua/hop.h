/*
 * hop.h: where a message goes next.
 */
#ifndef DIALTONE_UA_HOP_H
#define DIALTONE_UA_HOP_H

#include <re.h>

/* How an IPv6-only network reaches this IPv4 address; false: not at all. */
typedef bool (hop_nat64_h)(struct sa *out, const struct sa *v4, void *arg);

struct hop {
	enum sip_transp tp;
	struct sa dst;
	const char *name;       /* TLS: whom the certificate must name */
	void *sock;             /* a socket or connection to prefer, or NULL */
	uint32_t timeout;       /* ms to connect; 0: the default */
};

#endif
