/*
 * consent.h: whether the selected pair still works (RFC 7675), and what is
 * done when it does not.
 */
#ifndef DIALTONE_CONSENT_H
#define DIALTONE_CONSENT_H

#include "modules/path/ice.h"

/* The selected pair has answered. */
void consent_heard(struct agent *a, uint64_t now);

/* Something hints that the selected pair may be dead: ask it now, or in a
 * moment if it has just answered, and do not wait long. */
void consent_probe(struct agent *a, uint64_t now);

/* The selected pair is gone or silent: check all pairs again. */
void consent_suspect(struct agent *a, uint64_t now);

/* All that is due: requests, spare pairs, suspicion, the end. */
void consent_run(struct agent *a, uint64_t now);
uint64_t consent_next(const struct agent *a);

#endif
