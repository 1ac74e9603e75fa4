/*
 * route.h: Record-Route tokens: where requests within a dialog go.
 */
#ifndef DIALTONE_REGISTRAR_ROUTE_H
#define DIALTONE_REGISTRAR_ROUTE_H

#include <re.h>
#include "sipd/registrar/transport.h"

enum { ROUTE_KEY = 32 };

/* A flow and, if it is one of a user's bindings, bindings_hash of that user
 * (else 0): after a reconnection the user's newest flow takes its place. */
struct route {
	struct flow flow;
	uint32_t user;
};

/* The user part of a Record-Route URI: hex digits, signed with the key. */
struct route_token {
	const struct route *route;
	const uint8_t *key;
};

int route_print(struct re_printf *pf, const struct route_token *t);

/* False if it is no token made with that key. */
bool route_decode(struct route *r, const struct pl *token,
		  const uint8_t key[ROUTE_KEY]);

#endif
