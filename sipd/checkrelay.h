/*
 * checkrelay.h: round-trip times to the relays of the configuration.
 */
#ifndef DIALTONE_CHECKRELAY_H
#define DIALTONE_CHECKRELAY_H

#include "sipd/checkimpl.h"

/* Ask every relay that is known by now, each by its first way. */
void check_relays(struct check *ck);

#endif
