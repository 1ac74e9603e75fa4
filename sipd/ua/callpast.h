/*
 * callpast.h: calls of ours that are over, while another branch of their
 * INVITE may still answer it.
 */
#ifndef DIALTONE_UA_CALLPAST_H
#define DIALTONE_UA_CALLPAST_H

#include "sipd/ua/callcore.h"

/* It is over: kept for 64 * T1, the oldest of too many are not. */
void callpast_keep(struct call *c);

/* The dialog of the call whose INVITE this 2xx answers, from another branch;
 * NULL: there was none, or it is the branch that was taken. */
struct dialog *callpast_find(struct calls *calls, const struct sip_msg *resp);

#endif
