/*
 * checklife.h: the lifetime of an idle mapping, as a finding.
 */
#ifndef DIALTONE_CHECKLIFE_H
#define DIALTONE_CHECKLIFE_H

#include "sipd/checkimpl.h"

/* Begin to look for it, when all else is told; notes say how far it is, and
 * the check ends with the finding. */
void check_life(struct check *ck);

#endif
