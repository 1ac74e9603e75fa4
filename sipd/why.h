/*
 * why.h: `dial why PEER`: how a session has found its path, or why not: what
 * each side offered, every pair that was tried, what stood in the way, and
 * the one change that would help.
 */
#ifndef DIALTONE_WHY_H
#define DIALTONE_WHY_H

#include "sipd/session.h"

struct why;

/* The last stories of sessions that are over, one for each peer. */
int why_alloc(struct why **wp);

/* Keep this session's. It is over, and its descriptions are still there. */
void why_note(struct why *w, struct session *s);

/* The story of a session that lives; *textp is the caller's. */
int why_tell(char **textp, struct session *s);

/* That of the last one with this peer; NULL: there was none. */
const char *why_last(const struct why *w, const char *peer);

#endif
