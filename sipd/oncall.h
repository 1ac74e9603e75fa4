/*
 * oncall.h: the program that tells somebody of a call that rings (on-call in
 * [sipd]): a desktop notification, a mail, a lamp.
 */
#ifndef DIALTONE_ONCALL_H
#define DIALTONE_ONCALL_H

#include "sipd/session.h"

/* Run it, without a shell, with DIALTONE_CALL (for `dial approve`), _PEER,
 * _ADDRESS, _KEY and _TUNNELS in its environment, and forget it. What the
 * caller claims has its control characters replaced. */
void oncall_tell(const char *program, const struct session *s);

#endif
