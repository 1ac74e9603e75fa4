/*
 * approval.h: `dial approve` and `dial deny`: calls of unknown keys that ring
 * until somebody decides (unknown = ask), and the program that tells of them.
 */
#ifndef DIALTONE_APPROVAL_H
#define DIALTONE_APPROVAL_H

#include "sipd/conn.h"

/* {"cmd":"approve","session":..,"ask":true}: the call is answered and is this
 * order's until its key is trusted: "ask" comes with the words to compare;
 * "end" when the session is open, which then goes on by itself. With
 * "fingerprint":.. instead nobody is asked if that is the call's key. */
void order_approve(struct conn *cn, const struct odict *o, const char *tag);

/* {"cmd":"deny","session":..} */
void order_deny(struct conn *cn, const struct odict *o, const char *tag);

#endif
