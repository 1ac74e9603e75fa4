/*
 * record.h: what becomes of a call, as a line of the call log.
 */
#ifndef DIALTONE_RECORD_H
#define DIALTONE_RECORD_H

#include "sipd/incoming.h"

/* A session that is closed. */
void record_session(struct calllog *cl, const struct session *s);

/* A tunnel that the peer offered within a session, and why it is refused. */
void record_offer(struct calllog *cl, const struct session *s,
		  const char *tunnel, enum reason r);

/* A call that did not become one: in->reason and in->text say why. */
void record_refused(struct calllog *cl, const struct incoming *in,
		    const struct call *c);

#endif
