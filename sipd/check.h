/*
 * check.h: what the network in front of this host lets through: the order
 * `dial check`.
 */
#ifndef DIALTONE_CHECK_H
#define DIALTONE_CHECK_H

#include "sipd/conn.h"

/* One "check" event for each finding, with "what", "value" and "text", in
 * less than five seconds; with "lifetime":true one more, within two minutes
 * and with notes before it. */
void check_order(struct conn *cn, const struct odict *o, const char *tag);

#endif
