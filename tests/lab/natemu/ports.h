/*
 * ports.h: which external port a new mapping gets (RFC 4787 section 4.2).
 */
#ifndef NATEMU_PORTS_H
#define NATEMU_PORTS_H

#include "wire.h"

/* Fill in the port of ext; false if none is left. */
bool port_pick(enum proto p, const struct ep *in, struct ep *ext);
/* Forget who has which block. */
void ports_reset(void);

#endif
