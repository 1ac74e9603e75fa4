/*
 * filesend.h: the sending side of the file tunnel.
 */
#ifndef DIALTONE_FILESEND_H
#define DIALTONE_FILESEND_H

#include <re.h>
#include "tunnels/file/filewalk.h"
#include "tunnels/file/filezip.h"
#include "tunnels/flow/flow.h"
#include "tunnels/tunnel.h"

struct filesend;

struct filesend_conf {
	struct flow *flow;
	unsigned number;                /* of the tunnel */
	const struct filewalk_arg *argv;        /* copied */
	size_t argc;
	const char *peer;               /* its name, for sentences */
	enum filezip_when zip;
};

/* It is done with err 0 only when the peer has said that all of it is on its
 * disk. */
int filesend_alloc(struct filesend **fp, const struct filesend_conf *c,
		   const struct tunnel_events *ev);

int filesend_status(struct re_printf *pf, const struct filesend *f);

#endif
