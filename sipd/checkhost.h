/*
 * checkhost.h: DNS, SIP and TLS towards the registrar, as findings.
 */
#ifndef DIALTONE_CHECKHOST_H
#define DIALTONE_CHECKHOST_H

#include "sipd/checkimpl.h"

void check_host(struct check *ck);

#endif
