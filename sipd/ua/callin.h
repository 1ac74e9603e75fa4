/*
 * callin.h: what peers ask, within calls and outside of them.
 */
#ifndef DIALTONE_UA_CALLIN_H
#define DIALTONE_UA_CALLIN_H

#include "sipd/ua/callcore.h"

/* A request that is no retransmission; it is answered, now or by the call's
 * owner. */
void callin_request(struct calls *calls, const struct sip_msg *msg);

/* Answers to what is in hand, as in ua.h. */
int callin_progress(struct call *c, uint16_t scode, const char *phrase,
		    const struct call_body *b);
int callin_answer(struct call *c, const struct call_body *b);
int callin_reject(struct call *c, uint16_t scode, const char *phrase,
		  uint16_t warn_code, const char *warn);

#endif
