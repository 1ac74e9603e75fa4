/*
 * dialout.h: a connection to a host by name or address: looked up on a
 * thread, its addresses tried one after another; or to a Unix socket.
 */
#ifndef DIALTONE_DIALOUT_H
#define DIALTONE_DIALOUT_H

#include <re.h>
#include "tunnels/flow/loop.h"

struct dialout;

/* On the loop, once, not from inside dialout_alloc; may free it. err 0: fd is
 * connected, non-blocking, and the taker's. */
typedef void (dialout_h)(int err, int fd, void *arg);

/* May this address be tried? Asked for each, after the look-up; not for a
 * Unix socket. */
typedef bool (dialout_allow_h)(const struct sa *sa, void *arg);

/* type: SOCK_STREAM; or SOCK_DGRAM, where the first address is the one.
 * A host that begins with '/' is a Unix socket's path, port is then 0.
 * EACCES if all addresses are refused by allowh (NULL: none is), ENOENT if
 * the name has none, else the error of the first. */
int dialout_alloc(struct dialout **dp, struct loop *l, int type,
		  const char *host, uint16_t port, dialout_allow_h *allowh, dialout_h *h,
		  void *arg);

/* A connected or listening socket as all of ours are. */
void dialout_options(int fd);

#endif
