/*
 * limits.h: how many calls, from whom, and for how long: what the rights of a
 * peer and [sipd] say about numbers. For switchboard.c.
 */
#ifndef DIALTONE_LIMITS_H
#define DIALTONE_LIMITS_H

#include "sipd/session.h"

struct limits;

int limits_alloc(struct limits **lp);

/* What there is, of all and of this peer. */
struct limits_load {
	uint32_t sessions, peer_sessions;
};

/* One more call of this peer, counted. REASON_NONE: it may come; else what to
 * answer, with a sentence for the log in text. */
enum reason limits_call(struct limits *l, const struct conf *c,
			const struct peer *p, const struct limits_load *load,
			char *text, size_t size);

/* Has this session had what its peer may have? Text as above. */
bool limits_over(const struct session_info *in, char *text, size_t size);

#endif
