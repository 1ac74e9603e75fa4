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

/* Bind and listen; connections wait until fwlisten_go. bind as fwbind_addrs
 * takes it, EADDRINUSE...; one that begins with '/' is the path of a Unix
 * socket, which is removed at the end. */
int fwlisten_alloc(struct fwlisten **lp, struct loop *l, const char *bind,
		   uint16_t port, fwlisten_h *h, void *arg);

int fwlisten_go(struct fwlisten *fl);

/* The port it has; 0 for a Unix socket. */
uint16_t fwlisten_port(const struct fwlisten *fl);

#endif
