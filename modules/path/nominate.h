/*
 * nominate.h: which of the valid pairs is used (RFC 8445 section 8), and
 * moving to a better one later (draft-thatcher-ice-renomination).
 */
#ifndef DIALTONE_NOMINATE_H
#define DIALTONE_NOMINATE_H

#include "modules/path/ice.h"

/* Use p from now on. */
void nominate_select(struct agent *a, struct candpair *p, uint64_t now);

/* Controlling: choose and nominate if it is time to. Does nothing else. */
void nominate_run(struct agent *a, uint64_t now);
uint64_t nominate_next(const struct agent *a);

/* Controlling: the pair in use is about to be asked for consent. If another
 * was nominated since and that came to nothing, it takes the last word. */
void nominate_repeat(struct agent *a);

/* A check has come on p. Controlled: a direct pair that works is used until
 * the peer has chosen, if it can choose again. */
void nominate_asked(struct agent *a, struct candpair *p, uint64_t now);

/* Controlled: the peer has nominated p; value 0: it gave no number. */
void nominate_by_peer(struct agent *a, struct candpair *p, uint32_t value,
		      uint64_t now);

/* p has answered. Controlled: if it was nominated it is used. */
void nominate_valid(struct agent *a, struct candpair *p, uint64_t now);

#endif
