/*
 * relayimpl.h: a relay as relays.c makes it and relayops.c uses it.
 */
#ifndef DIALTONE_RELAYIMPL_H
#define DIALTONE_RELAYIMPL_H

#include <errno.h>
#include "sipd/relays.h"

/* Where one way leads, for TLS and for a proxy. */
struct relay_place {
	char host[256];
	uint16_t port;
};

struct relay_entry {
	struct relay r;         /* first: it is what paths know */
	struct relay_place placev[RELAY_WAYS];
	char *ca, *login;
	bool proxied;           /* all but UDP */
};

#endif
