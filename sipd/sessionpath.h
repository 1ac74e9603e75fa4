/*
 * sessionpath.h: the session's way to the peer, and the words about it:
 * descriptions, trickled candidates, offers within the call.
 */
#ifndef DIALTONE_SESSIONPATH_H
#define DIALTONE_SESSIONPATH_H

#include "sipd/sessioncore.h"

/* A path that has not gathered yet; the offerer controls. */
int session_path_open(struct session *s);

/* The peer's description is there, and trusted: begin with the checks. */
int session_path_meet(struct session *s);

/* Gather; readyh is called (perhaps within) once there is enough to speak. */
int session_gather(struct session *s, void (*readyh)(struct session *s));

/* Fill in what our description says of us: ICE, key, setup. */
void session_describe(struct session *s);

/* It as the body of a message; it is in mb, the caller's to mem_deref. */
int session_body(struct mbuf **mbp, struct call_body *b,
		 const struct session *s);

/* Tell the peer of candidates that it has not heard of, once it has said that
 * it wants that: of those that came while it rang, when it has answered. */
void session_trickle(struct session *s);

/* As call_handlers, arg is the session: INFO or MESSAGE from the peer. */
void session_info_recv(const char *method, const struct call_body *b,
		       void *arg);

#endif
