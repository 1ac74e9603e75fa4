/*
 * dgramimpl.h: what a transport (dtls.c; a pair in memory in the tests) gives
 * to be a dgram, and what it reports. Tunnels include dgram.h only.
 *
 *   tunnel -- dgram.h --> dgram.c -- dgram_ops --> transport
 *   tunnel <- handlers -- dgram.c <- dgram_rx ... - transport
 *
 * A transport embeds struct dgram at the start of its own.
 */
#ifndef DIALTONE_DGRAMIMPL_H
#define DIALTONE_DGRAMIMPL_H

#include <re.h>
#include "tunnels/flow/dgram.h"

struct dgram_ops {
	/* as dgram_put; n is at least 1, at most mtu */
	int (*put)(struct dgram *d, const void *p, size_t n);
	/* as dgram_full; dgram_room is called if it said so. NULL: never */
	bool (*full)(struct dgram *d);
};

struct dgram {
	const struct dgram_ops *ops;
	struct dgram_handlers h;
	void *arg;
	size_t mtu;
	struct sa outer;
	int want;                       /* writeh is owed */
	int over;                       /* nothing is taken any more */
};

/* Facts. In any of them the tunnel may dgram_handle(NULL). */
void dgram_rx(struct dgram *d, struct iovec *v, size_t n);
void dgram_room(struct dgram *d);
void dgram_set_mtu(struct dgram *d, size_t mtu);
void dgram_set_outer(struct dgram *d, const struct sa *outer);

#endif
