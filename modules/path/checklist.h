/*
 * checklist.h: the local and remote candidates of one agent and the pairs
 * formed of them, within limits (RFC 8445 section 6.1.2).
 */
#ifndef DIALTONE_CHECKLIST_H
#define DIALTONE_CHECKLIST_H

#include "modules/path/candpair.h"

enum {
	LOCAL_MAX  = 32,        /* local candidates */
	REMOTE_MAX = 64,        /* remote candidates that were described */
	PRFLX_MAX  = 16,        /* and those that were not */
	PAIRS_MAX  = 100,
};

struct checklist {
	struct list locall, remotel, pairl;
	struct creds *creds;    /* of the present generation */
	unsigned pairc;
	bool controlling;
	bool no_relay;          /* the peer's are not paired */
};

/* Drop everything but the selected pair; the next generation has creds. */
void checklist_reset(struct checklist *cl, struct creds *creds);

/* Add a local candidate and form its pairs. EALREADY: known or redundant
 * (RFC 8445 section 5.1.3); EOVERFLOW: too many. */
int checklist_add_local(struct checklist *cl, const struct cand *c);

/* Add a base that nobody is told of. paired: with all of the peer's
 * candidates; else by the checks that come to it. Same errors. */
int checklist_add_base(struct checklist *cl, const struct sa *base,
		       bool paired);

/* Add a remote candidate and form its pairs. One that was peer-reflexive
 * takes on what the description says of it. Same errors; too many: a
 * server-reflexive one that leads nowhere goes first. */
int checklist_add_remote(struct checklist *cl, const struct cand *c);

/* A remote candidate that nobody described: its check came from src
 * (RFC 8445 section 7.3.1.3). NULL: too many, or no memory. */
struct rcand *checklist_add_prflx(struct checklist *cl,
				  enum cand_transp transp,
				  const struct sa *src, uint32_t prio,
				  uint32_t early);

/* The peer's candidate of this address, NULL: none. */
struct rcand *checklist_remote(const struct checklist *cl, int proto,
			       const struct sa *addr);

/* The host or relay candidate that is sent from at this address. By TCP more
 * than one may be: that which suits the remote candidate, if it is known. */
struct lcand *checklist_base(const struct checklist *cl, int proto,
			     const struct sa *addr,
			     const struct rcand *remote);

/* The pair of this generation on a way that is in use. */
struct candpair *checklist_way(const struct checklist *cl, int proto,
			       const struct sa *base, const struct sa *remote);

/* The pair of these two; formed if it does not exist, even if a worse one
 * must go for it. NULL: no memory, or only better ones. */
struct candpair *checklist_pair(struct checklist *cl, struct lcand *local,
				struct rcand *remote);

/* Out of the list, with the reference it holds: p may be gone. */
void checklist_drop_pair(struct checklist *cl, struct candpair *p);

/* Drop all that has this local base, or is by TCP from the same address;
 * true if the selected pair had. */
bool checklist_drop_local(struct checklist *cl, const struct sa *base);

/* Drop peer-reflexive candidates that gave another ufrag than `keep`. */
void checklist_drop_early(struct checklist *cl, uint32_t keep);

/* Change our role: all priorities change (RFC 8445 section 7.3.1.1). */
void checklist_role(struct checklist *cl, bool controlling);

#endif
