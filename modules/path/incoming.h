/*
 * incoming.h: connectivity checks that come in, and answers to ours
 * (RFC 8445 sections 7.2.5 and 7.3).
 */
#ifndef DIALTONE_INCOMING_H
#define DIALTONE_INCOMING_H

#include "modules/path/ice.h"

/* A check that came to local from src: hostile until its key is checked. It is
 * answered, or refused by an error that is no longer. */
void incoming_request(struct agent *a, int proto, const struct sa *local,
		      const struct sa *src, const struct stun_pkt *m,
		      uint64_t now);

/* An answer or an error for one of our checks; dropped if it is none's, or
 * has no key. */
void incoming_answer(struct agent *a, int proto, const struct sa *local,
		     const struct sa *src, const struct stun_pkt *m,
		     uint64_t now);

/* Take the other role (RFC 8445 section 7.3.1.1). */
void incoming_role(struct agent *a, bool controlling);

#endif
