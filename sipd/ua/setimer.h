/*
 * setimer.h: session timers (RFC 4028).
 */
#ifndef DIALTONE_UA_SETIMER_H
#define DIALTONE_UA_SETIMER_H

#include "sipd/ua/callcore.h"

/* The header for a request of ours: "Session-Expires: ...\r\nMin-SE: ...". */
int setimer_offer(struct re_printf *pf, const struct call *c);

/* 0, or 422 if a request asks for a time too short. */
uint16_t setimer_check(const struct call *c, const struct sip_msg *req);

/* Answer a request: what goes into the 2xx is written by setimer_answer; the
 * timer starts anew. */
void setimer_request(struct call *c, const struct sip_msg *req);
int setimer_answer(struct re_printf *pf, const struct call *c);

/* A 2xx to a request of ours: the timer starts as it says. */
void setimer_response(struct call *c, const struct sip_msg *resp);

/* A 422: take its Min-SE; false if that makes no difference. */
bool setimer_too_small(struct call *c, const struct sip_msg *resp);

#endif
