/*
 * upgrade.h: looking for a better kind of path than the one in use, above all
 * while that is a relay or TCP.
 */
#ifndef DIALTONE_UPGRADE_H
#define DIALTONE_UPGRADE_H

#include "modules/path/ice.h"

/* Something has changed: what failed before may work now. */
void upgrade_now(struct agent *a, uint64_t now);

/* Every minute: check all pairs of a better kind again. */
void upgrade_run(struct agent *a, uint64_t now);
uint64_t upgrade_next(const struct agent *a);

#endif
