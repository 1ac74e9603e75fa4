/*
 * checknat.h: NATs and gateways, as findings.
 */
#ifndef DIALTONE_CHECKNAT_H
#define DIALTONE_CHECKNAT_H

#include "sipd/checkimpl.h"

/* Ask the STUN servers, both families. */
void check_nat(struct check *ck);

/* What the mapper has learnt by now; arg is the check. One part done. */
void check_gates(void *arg);

#endif
