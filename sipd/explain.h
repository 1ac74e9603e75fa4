/*
 * explain.h: says what a peer may do here, also one whose key nobody has
 * pinned.
 */
#ifndef DIALTONE_EXPLAIN_H
#define DIALTONE_EXPLAIN_H

#include "sipd/peers.h"

/* As lines for people, each without a newline. */
void explain_peer(const struct conf *c, const struct peer *p,
		  void (*h)(const char *line, void *arg), void *arg);

#endif
