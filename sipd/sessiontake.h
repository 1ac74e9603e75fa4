/*
 * sessiontake.h: descriptions of the peer's within the call; for
 * sessionbundle.c, which starts what is agreed on then.
 */
#ifndef DIALTONE_SESSIONTAKE_H
#define DIALTONE_SESSIONTAKE_H

#include "sipd/sessioncore.h"

/* The answer to our offer. Owners hear of tunnels that the peer has ended;
 * an error is the end of the session. */
int session_take_answer(struct session *s, const struct call_body *b);

/* The peer's offer: s->local is the answer to it then. EACCES: new tunnels
 * alone, and *rp says why none is taken; on any error nothing new is. */
int session_take_offer(struct session *s, const struct call_body *b,
		       enum reason *rp);

#endif
