/*
 * sessionstart.h: what caller.c and callee.c share.
 */
#ifndef DIALTONE_SESSIONSTART_H
#define DIALTONE_SESSIONSTART_H

#include "sipd/sessioncore.h"

/* A session in SESSION_IDLE with path and bundle; an outgoing one has an
 * empty description too. */
int session_alloc(struct session **sp, struct house *h, const struct peer *p,
		  bool incoming, unsigned flags,
		  const struct session_handlers *sh);

/* s->remote is known and its key accepted: on to the checks. */
void session_begin(struct session *s);

#endif
