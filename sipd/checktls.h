/*
 * checktls.h: does TLS go out to TCP port 443? What answers does not matter.
 */
#ifndef DIALTONE_CHECKTLS_H
#define DIALTONE_CHECKTLS_H

#include "sdp/base/clock.h"
#include <re.h>

struct checktls;

enum checktls_result {
	CHECKTLS_YES,           /* a TLS server answers */
	CHECKTLS_OTHER,         /* something else does */
	CHECKTLS_REFUSED,       /* the host refuses: so one gets there */
	CHECKTLS_SILENT,
};

/* h comes once, within 3 s, and may drop it. */
int checktls_alloc(struct checktls **cp, struct timers *timers,
		   const struct sa *server,
		   void (*h)(enum checktls_result r, uint64_t ns, void *arg),
		   void *arg);

#endif
