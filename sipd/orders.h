/*
 * orders.h: `dial` and `wait` of the control socket.
 */
#ifndef DIALTONE_ORDERS_H
#define DIALTONE_ORDERS_H

#include "sipd/conn.h"

/* {"cmd":"dial","peer":..,"tunnels":[{"kind":..,"args":[..]}],"cwd":..,
 *  "ask":bool,"anew":bool}: events until "closed". anew: not in a session that
 * runs already. */
void order_dial(struct conn *cn, const struct odict *o, const char *tag);

/* {"cmd":"wait","kind":..,"from":..,"into":..,"once":bool,"ask":bool}: events
 * of each session; with once the first "closed" is the end. */
void order_wait(struct conn *cn, const struct odict *o, const char *tag);

#endif
