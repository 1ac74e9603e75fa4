/*
 * renew.h: a fresh pair before the NAT ends the mapping of the one in use.
 */
#ifndef DIALTONE_RENEW_H
#define DIALTONE_RENEW_H

#include "modules/path/ice.h"

/* p has answered that it is seen as `mapped`. Before that is noted in p. */
void renew_heard(struct agent *a, struct candpair *p, const struct sa *mapped,
		 uint64_t now);

/* This base is no more; before its pairs go. */
void renew_gone(struct agent *a, const struct sa *base, uint64_t now);

/* Ask for another socket if it is time to. */
void renew_run(struct agent *a, uint64_t now);
uint64_t renew_next(const struct agent *a);

/* The pair to move to before the selected one ends; NULL: none, or no need. */
struct candpair *renew_pair(const struct agent *a, uint64_t now);

/* Controlled, and such a pair is there: checks that come to local, and not to
 * its base, go unanswered for a while, so that the peer moves. */
bool renew_mute(struct agent *a, const struct sa *local, uint64_t now);

#endif
