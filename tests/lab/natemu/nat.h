/*
 * nat.h: what becomes of a packet from either side.
 */
#ifndef NATEMU_NAT_H
#define NATEMU_NAT_H

#include "wire.h"

void nat_inside(struct pkt *k);
void nat_outside(struct pkt *k);

#endif
