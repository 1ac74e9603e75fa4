/*
 * checksip.h: does somebody on the way rewrite SIP (an "ALG")? An OPTIONS by
 * UDP to a server, which is asked what it has seen (registrar/seen.h).
 */
#ifndef DIALTONE_CHECKSIP_H
#define DIALTONE_CHECKSIP_H

#include "sdp/base/clock.h"
#include <re.h>

struct checksip;

enum checksip_result {
	CHECKSIP_CLEAN,         /* all has arrived as it was sent */
	CHECKSIP_CHANGED,       /* what: a list of words */
	CHECKSIP_UNKNOWN,       /* the answer tells nothing about it */
	CHECKSIP_SILENT,        /* there was no answer */
};

/* h comes once, within 2 s, and may drop it. */
int checksip_alloc(struct checksip **cp, struct timers *timers,
		   const struct sa *server,
		   void (*h)(enum checksip_result r, const char *what,
			     void *arg), void *arg);

#endif
