/*
 * filesend.h: the sending side of the file tunnel.
 */
#ifndef DIALTONE_FILESEND_H
#define DIALTONE_FILESEND_H

#include <re.h>
#include "tunnels/flow/flow.h"
#include "tunnels/tunnel.h"

struct filesend;

/* Send argv (absolute paths, copied). It is done with err 0 only when the
 * peer has said that all of it is on its disk. */
int filesend_alloc(struct filesend **fp, struct flow *flow, unsigned number,
		   char *const *argv, size_t argc, const char *peer,
		   const struct tunnel_events *ev);

int filesend_status(struct re_printf *pf, const struct filesend *f);

#endif
