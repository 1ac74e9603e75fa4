/*
 * sessionhint.h: what this side could do so that there is a path.
 */
#ifndef DIALTONE_SESSIONHINT_H
#define DIALTONE_SESSIONHINT_H

#include "sipd/sessioncore.h"

/* What relays may be used for with this peer. */
enum path_relay session_relay(const struct session *s);

/* One clause on relays, "": they are as they should be. */
void session_relay_hint(const struct session *s, char *buf, size_t size);

#endif
