/*
 * outside.h: whom this process itself talks to: SIP servers, relays. The way
 * to them must stay outside of every tunnel that it makes, an exit to the
 * Internet included. Said by who has the connection, asked by the VPNs; from
 * any thread.
 */
#ifndef DIALTONE_OUTSIDE_H
#define DIALTONE_OUTSIDE_H

#include <re.h>

struct outside;

/* As long as *op is there, this address is one. Several may name the same. */
int outside_alloc(struct outside **op, const struct sa *sa);

/* All of them, each once, max at most: how many. */
size_t outside_list(struct sa *v, size_t max);

#endif
