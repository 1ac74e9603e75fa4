/*
 * sessionflow.h: the session's flow and what travels on it.
 */
#ifndef DIALTONE_SESSIONFLOW_H
#define DIALTONE_SESSIONFLOW_H

#include "sipd/sessioncore.h"

/* Both descriptions are known: make the flows that the tunnels need and that
 * are not there yet; they wait for a path. ENOENT: no tunnel needs one. */
int session_flow_open(struct session *s);

/* Start the tunnels whose flow is there, once the first are; while greeting
 * only those that may come before the key is trusted. */
int session_flow_start(struct session *s);

/* A flow is there, or the key is trusted: start what may start now, and open
 * the session. */
void session_flow_go(struct session *s);

/* The path's news for all of them. */
void session_flow_path(struct session *s, int proto, const struct sa *local,
		       const struct sa *remote);
void session_flow_consent(struct session *s, uint64_t until);

/* Carried by all of them, both ways. */
uint64_t session_flow_bytes(const struct session *s);

/* Are we the DTLS and QUIC client? Known once both descriptions are. */
bool session_is_active(const struct session *s);

#endif
