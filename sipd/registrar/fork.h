/*
 * fork.h: one request on its way to one or several targets, and the choice of
 * the response (RFC 3261 section 16.6-16.10).
 */
#ifndef DIALTONE_REGISTRAR_FORK_H
#define DIALTONE_REGISTRAR_FORK_H

#include "sipd/registrar/core.h"

struct fork;

/* For msg, which came by flow. in_user: bindings_hash of the sender if flow
 * is one of his bindings, else 0. routes: Route values of ours to remove. */
int fork_alloc(struct fork **fp, struct core *c, const struct sip_msg *msg,
	       const struct flow *flow, uint32_t in_user, unsigned routes);

struct fork_target {
	struct flow flow;
	const char *uri;
	const char *instance;   /* one at a time of each instance; or NULL */
	uint32_t user;          /* as in struct route */
};

int fork_add(struct fork *f, const struct fork_target *target);

/* Go; takes the reference. what: the sentence for the caller if no target can
 * be reached at all. */
void fork_start(struct fork *f, const char *what);

#endif
