/*
 * fwstdio.h: -W: the user's stdin and stdout in the place of an accepted
 * connection, so that dial can be OpenSSH's ProxyCommand.
 */
#ifndef DIALTONE_FWSTDIO_H
#define DIALTONE_FWSTDIO_H

#include "tunnels/flow/loop.h"
#include "tunnels/pipe/pipefd.h"

struct fwstdio;

/* All that came through the connection is written to the user, and the
 * connection is over. On the loop, once. */
typedef void (fwstdio_h)(void *arg);

/* in and out become the fwstdio's. *fd: the connection, non-blocking, the
 * caller's. */
int fwstdio_alloc(struct fwstdio **sp, struct loop *l,
		  const struct pipefd *in, const struct pipefd *out, int *fd,
		  fwstdio_h *h, void *arg);

#endif
