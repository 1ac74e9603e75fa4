/*
 * place.h: where a suite keeps its files. What cases call is in unit.h.
 */
#ifndef DIALTONE_PLACE_H
#define DIALTONE_PLACE_H

#include "tests/unit/unit.h"

/* Before anything else is forked or opened. Returns errno. */
int place_open(void);

/* Remove what the cases have left there. */
void place_renew(void);

/* Remove it all; needs not be called. */
void place_close(void);

#endif
