/*
 * cpace.h: CPace (draft-irtf-cfrg-cpace-21), the password-authenticated key
 * exchange, in its suite CPACE-RISTR255-SHA512: initiator and responder, with
 * key confirmation (section 10.4). Who does not know the password learns
 * nothing but that one guess was wrong.
 *
 *   initiator --share--> responder --share, tag--> initiator --tag-->
 */
#ifndef DIALTONE_CPACE_H
#define DIALTONE_CPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CPACE_SHARE  = 32,      /* Ya, Yb: encoded elements */
	CPACE_SCALAR = 32,
	CPACE_ISK    = 64,
	CPACE_TAG    = 64,
	CPACE_CI_MAX = 256,     /* of the channel identifier, bytes */
};

/* One run; by value, wiped with cpace_clear. */
struct cpace {
	bool initiator;
	uint8_t scalar[CPACE_SCALAR];
	uint8_t share[CPACE_SHARE];     /* ours, to be sent */
	uint8_t isk[CPACE_ISK];
	uint8_t mac_key[CPACE_ISK];
	uint8_t peer[CPACE_SHARE];
};

/* What both sides have to agree on. */
struct cpace_input {
	const char *password;           /* PRS */
	const uint8_t *ci;              /* what the channel is, e.g. both
	                                   keys of its ends */
	size_t ci_len;                  /* EMSGSIZE above CPACE_CI_MAX */
	const uint8_t *sid;             /* session identifier, or NULL */
	size_t sid_len;
	const uint8_t *scalar;          /* NULL but in tests: a random one */
};

/* Our share. */
int cpace_begin(struct cpace *c, bool initiator,
		const struct cpace_input *in);

/* The peer's share has come. EACCES: it is none, the run must be given up. */
int cpace_finish(struct cpace *c, const struct cpace_input *in,
		 const uint8_t share[CPACE_SHARE]);

/* Our tag, by which the peer sees that we know the password; after
 * cpace_finish. */
void cpace_tag(const struct cpace *c, uint8_t tag[CPACE_TAG]);

/* Does the peer know it? In constant time. */
bool cpace_verify(const struct cpace *c, const uint8_t tag[CPACE_TAG]);

void cpace_clear(struct cpace *c);

#endif
