/*
 * limits.h: how many calls, from whom, and for how long: what the rights of a
 * peer and [sipd] say about numbers. For switchboard.c.
 */
#ifndef DIALTONE_LIMITS_H
#define DIALTONE_LIMITS_H

#include "sipd/session.h"

struct limits;

int limits_alloc(struct limits **lp);

/* What there is: sessions of all, of this peer with its key proven, and those
 * from where the call comes with none proven yet. */
struct limits_load {
	uint32_t sessions, peer_sessions, unproven;
};

/* May one more call come that claims to be this peer's? Nothing is counted: a
 * stranger who claims a key of others must not use up what they may have.
 * REASON_NONE: it may; else what to answer, with a sentence in text. */
enum reason limits_call(struct limits *l, const struct conf *c,
			const struct peer *p, const struct limits_load *load,
			char *text, size_t size);

/* It was this peer's: counted, with peer_sessions of which this is one. Text
 * as above. */
enum reason limits_proven(struct limits *l, const struct conf *c,
			  const struct peer *p, uint32_t peer_sessions,
			  char *text, size_t size);

/* May a program be run to tell of one more stranger's call? Counted; who
 * calls and hangs up without end could have any number of them run. */
bool limits_tell(struct limits *l);

/* Has this session had what its peer may have? Text as above. */
bool limits_over(const struct session_info *in, char *text, size_t size);

#endif
