/*
 * callans.h: our answers to what the peer asks.
 */
#ifndef DIALTONE_UA_CALLANS_H
#define DIALTONE_UA_CALLANS_H

#include "sipd/ua/callcore.h"

/* To what is in hand, as call_progress, call_answer and call_reject of ua.h
 * have it. */
int callans_progress(struct call *c, uint16_t scode, const char *phrase,
		     const struct call_body *b);
int callans_answer(struct call *c, const struct call_body *b);
int callans_reject(struct call *c, uint16_t scode, const char *phrase,
		   uint16_t warn_code, const char *warn);

#endif
