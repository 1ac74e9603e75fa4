/*
 * stunping.h: a STUN Binding request as keepalive (RFC 5626 section 3.5.2).
 */
#ifndef DIALTONE_UA_STUNPING_H
#define DIALTONE_UA_STUNPING_H

#include "sipd/ua/transp.h"

/* All zero: nothing sent yet. */
struct stunping {
	uint8_t tid[12];
	struct sa mapped;       /* where the NAT has us, once known */
	unsigned open;          /* sent since the last answer */
};

/* Ask, or ask again. */
int stunping_send(struct stunping *p, struct transp *t,
		  const struct hop *hop);

/* An answer to it: true if the mapped address is another one than before. */
bool stunping_recv(struct stunping *p, const struct mbuf *mb);

/* Is one without an answer? Are there so many that there will be none? */
bool stunping_open(const struct stunping *p);
bool stunping_unanswered(const struct stunping *p);

#endif
