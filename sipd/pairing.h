/*
 * pairing.h: `dial pair`: two people make their machines know each other's
 * keys by telling each other a short code (tunnels/pair.c).
 */
#ifndef DIALTONE_PAIRING_H
#define DIALTONE_PAIRING_H

#include "sipd/conn.h"

/* {"cmd":"pair"}: make a code, tell it by a "pairing" event, and wait ten
 * minutes for who knows it; three wrong guesses end it.
 * {"cmd":"pair","code":..,"peer":..}: call who has made it.
 * Either ends with "paired", and the peer's key is pinned then. */
void order_pair(struct conn *cn, const struct odict *o, const char *tag);

#endif
