/*
 * fwbind.h: sockets that are listened on, on one address or on both families
 * of localhost or all, then on one port.
 */
#ifndef DIALTONE_FWBIND_H
#define DIALTONE_FWBIND_H

#include <re.h>

struct fwbind {
	int fdv[2];
	struct sa addrv[2];
	size_t n;
};

/* The addresses that `bind` means: itself; both loopbacks for "localhost";
 * both wildcards for "*". Returns how many, 0 if it is none of these. */
size_t fwbind_addrs(struct sa v[2], const char *bind, uint16_t port);

/* Sockets of that type (SOCK_STREAM: they listen), non-blocking, and what
 * they are bound to; port 0: any that all of them get. EADDRINUSE...: then
 * there are none. They are the caller's. */
int fwbind_open(struct fwbind *b, int type, const char *bind, uint16_t port);

void fwbind_close(struct fwbind *b);

#endif
