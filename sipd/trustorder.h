/*
 * trustorder.h: `trust` of the control socket.
 */
#ifndef DIALTONE_TRUSTORDER_H
#define DIALTONE_TRUSTORDER_H

#include "sipd/conn.h"

/* {"cmd":"trust","peer":..,"fingerprint":..}: pin it, without one show what is
 * pinned, without a peer list all. {"peer":..,"forget":true}: take it back;
 * {"peer":..,"explain":true}: say what it may do here. */
void order_trust(struct conn *cn, const struct odict *o, const char *tag);

#endif
