/*
 * callin.h: what peers ask, within calls and outside of them.
 */
#ifndef DIALTONE_UA_CALLIN_H
#define DIALTONE_UA_CALLIN_H

#include "sipd/ua/callcore.h"

/* A request that is no retransmission; it is answered, now or by the call's
 * owner. */
void callin_request(struct calls *calls, const struct sip_msg *msg);

#endif
