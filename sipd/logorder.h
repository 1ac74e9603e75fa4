/*
 * logorder.h: `log` of the control socket.
 */
#ifndef DIALTONE_LOGORDER_H
#define DIALTONE_LOGORDER_H

#include "sipd/conn.h"

/* {"cmd":"log","lines":20,"peer":..,"denied":bool,"follow":bool} : an event
 * "call" for each line; with follow until the connection ends.
 * {"cmd":"log","verify":true}: was the log changed? */
void order_log(struct conn *cn, const struct odict *o, const char *tag);

#endif
