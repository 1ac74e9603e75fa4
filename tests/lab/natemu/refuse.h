/*
 * refuse.h: what is answered to packets that do not pass.
 */
#ifndef NATEMU_REFUSE_H
#define NATEMU_REFUSE_H

#include "wire.h"

/* A RST, or an ICMP error, back to where k came from: direction d. */
void refuse_rst(const struct pkt *k, enum dir d);
void refuse_icmp(const struct pkt *k, enum dir d, bool prohibited);
/* Nobody inside has asked for k; some boxes say so (RFC 5382 REQ-4). */
void refuse_unasked(struct pkt *k);
/* The same, some seconds later: for link_run(). */
void refuse_late(uint8_t *b, int n);
/* Is this remote banned? hit: it has sent something that was refused. */
bool refuse_banned(const struct addr *a, bool hit);

#endif
