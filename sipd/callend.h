/*
 * callend.h: SIP's ways to end a call, as one of our reasons.
 */
#ifndef DIALTONE_CALLEND_H
#define DIALTONE_CALLEND_H

#include "sipd/reason.h"
#include "sipd/ua/ua.h"

/* Why did this call end? `answered`: after the 2xx. *text is set to what the
 * peer said of it, or "". */
enum reason callend_reason(const struct call_end *end, bool answered,
			   const char **text);

/* "word: sentence", how a refusal travels in a Warning or Reason text. */
int callend_warning(char *buf, size_t size, enum reason r,
		    const char *text);

#endif
