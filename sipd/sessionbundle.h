/*
 * sessionbundle.h: the tunnels of a session: which there are, by offers and
 * answers before and within the call.
 */
#ifndef DIALTONE_SESSIONBUNDLE_H
#define DIALTONE_SESSIONBUNDLE_H

#include "sipd/sessioncore.h"

/* The bundle that the tunnels are put in. */
int session_bundle_open(struct session *s);

/* The group of those that the call is made with. */
enum { SESSION_FIRST_GROUP = 1 };

/* Both descriptions are known for the first time: what the peer does not take
 * is dropped, and flows are made. ENOENT: no tunnel is left. */
int session_bundle_begin(struct session *s);

/* As call_handlers, arg is the session. A re-INVITE or UPDATE of the peer:
 * follow it, answer it. */
void session_reoffer(const struct call_body *offer, void *arg);

/* What became of ours. */
void session_reanswer(const struct call_body *answer, void *arg);
void session_rerefused(uint16_t scode, void *arg);

#endif
