/*
 * sessionflow.h: the session's flow and what travels on it.
 */
#ifndef DIALTONE_SESSIONFLOW_H
#define DIALTONE_SESSIONFLOW_H

#include "sipd/sessioncore.h"

/* The bundle that the tunnels are put in. */
int session_bundle_open(struct session *s);

/* Both descriptions are known: make the flow; it waits for a path. */
int session_flow_open(struct session *s);

/* Are we the DTLS and QUIC client? Known once both descriptions are. */
bool session_is_active(const struct session *s);

#endif
