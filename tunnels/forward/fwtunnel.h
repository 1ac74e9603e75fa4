/*
 * fwtunnel.h: the forward tunnel as its own files see it.
 *
 *   forward.c: the kind  -> fwcaller.c: what the user has asked for
 *                        -> fwcallee.c: what the peer may have
 */
#ifndef DIALTONE_FWTUNNEL_H
#define DIALTONE_FWTUNNEL_H

#include "tunnels/ending.h"
#include "tunnels/forward/fworders.h"
#include "tunnels/forward/fwports.h"
#include "tunnels/forward/fwspec.h"
#include "tunnels/forward/fwstdio.h"

struct tunnel {
	bool caller;
	struct fwspec *specv;           /* caller */
	size_t specc;
	struct fwallow *allow;          /* callee */
	char *peer;
	struct flow *flow;
	struct loop *loop;
	struct ending end;
	struct fwconns *conns;
	struct fwudps *udps;
	struct fwports *ports;
	struct fwport *portv[FWSPEC_MAX];       /* caller: by the spec's
	                                           place, NULL: not here */
	unsigned remotes;               /* callee: ports made so far */
	struct fworders *orders;
	struct pipefd fd_in, fd_out;    /* -W, until it starts */
	struct fwstdio *stdio;
	bool conn_over;                 /* of -W */
	unsigned notes;
};

#endif
