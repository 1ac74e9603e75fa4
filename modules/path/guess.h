/*
 * guess.h: the rule for NATs that give every destination another port
 * ("hard"), when nothing else has led to a direct pair. Off unless both sides
 * allow it.
 */
#ifndef DIALTONE_GUESS_H
#define DIALTONE_GUESS_H

#include "modules/path/ice.h"

/* A new generation: begin anew. */
void guess_reset(struct agent *a);

/* No more of it. */
void guess_stop(struct agent *a);

/* Is this one of the sockets that were opened for guessing? */
bool guess_expects(const struct agent *a, int proto, const struct sa *local);

/* A check that is proven came to it: from now on it is a base. */
void guess_base(struct agent *a, const struct sa *local);

/* All that is due. */
void guess_run(struct agent *a, uint64_t now);
uint64_t guess_next(const struct agent *a);

#endif
