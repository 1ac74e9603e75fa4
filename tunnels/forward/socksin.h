/*
 * socksin.h: clients of -D that have connected and not yet said where to.
 */
#ifndef DIALTONE_SOCKSIN_H
#define DIALTONE_SOCKSIN_H

#include "tunnels/flow/loop.h"
#include "tunnels/forward/socks.h"

/* It has said so. fd is the taker's; the n bytes at p have come already after
 * the request, or are its first data. Its reply is still to be sent. */
typedef void (socksin_h)(int fd, const struct socks *so, const uint8_t *p,
			 size_t n, void *arg);

/* Listen to one more; fd is taken, also on error. Joins `clientl`, leaves it
 * by itself; list_flush ends them all. */
int socksin_add(struct list *clientl, struct loop *l, int fd, socksin_h *h,
		void *arg);

/* Send a reply to a client that has said what it wants; err as errno. */
void socksin_reply(int fd, const struct socks *so, int err);

#endif
