/*
 * callout.h: calls that we make.
 */
#ifndef DIALTONE_UA_CALLOUT_H
#define DIALTONE_UA_CALLOUT_H

#include "sipd/ua/callcore.h"

/* Send the INVITE. EINVAL: no SIP URI. */
int callout_invite(struct call **cp, struct calls *calls, const char *uri,
		   const struct call_body *offer, const char *headers);

/* CANCEL; buried when the INVITE has its end. c->self is set. */
void callout_cancel(struct call *c);

#endif
