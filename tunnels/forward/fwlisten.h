/*
 * fwlisten.h: listening for connections that are to be forwarded.
 */
#ifndef DIALTONE_FWLISTEN_H
#define DIALTONE_FWLISTEN_H

#include <re.h>
#include "tunnels/flow/loop.h"

struct fwlisten;

/* fd is the taker's, non-blocking. */
typedef void (fwlisten_h)(int fd, void *arg);

/* The addresses that `bind` means: itself; both loopbacks for "localhost";
 * both wildcards for "*". Returns how many, 0 if it is none of these. */
size_t fwlisten_addrs(struct sa v[2], const char *bind, uint16_t port);

/* Bind and listen; connections wait until fwlisten_go. EADDRINUSE... A bind
 * that begins with '/' is the path of a Unix socket; it is removed at the
 * end. */
int fwlisten_alloc(struct fwlisten **lp, struct loop *l, const char *bind,
		   uint16_t port, fwlisten_h *h, void *arg);

int fwlisten_go(struct fwlisten *fl);

/* The port it has; 0 for a Unix socket. */
uint16_t fwlisten_port(const struct fwlisten *fl);

#endif
