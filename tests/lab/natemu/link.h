/*
 * link.h: the emulated link behind the box: delay, loss, rate, order.
 */
#ifndef NATEMU_LINK_H
#define NATEMU_LINK_H

#include "wire.h"

/* The two devices; they stay the caller's. */
void link_open(int fd_in, int fd_out);
/* Send a packet in this direction through the link. */
void link_emit(enum dir d, const uint8_t *b, int n);
/* Keep a packet that may be answered later; lateh of link_run gets it. */
void link_later(int64_t t, const uint8_t *b, int n);
/* Send what is due. */
void link_run(void (*lateh)(uint8_t *b, int n));
/* When something is due next, ns; 0 if nothing waits. */
int64_t link_due(void);

#endif
