/*
 * filerecv.h: the receiving side of the file tunnel.
 */
#ifndef DIALTONE_FILERECV_H
#define DIALTONE_FILERECV_H

#include <re.h>
#include "tunnels/file/filestore.h"
#include "tunnels/flow/flow.h"
#include "tunnels/tunnel.h"

struct filerecv;

struct filerecv_conf {
	struct flow *flow;
	unsigned number;                /* of the tunnel */
	const char *folder;             /* made if it is not there */
	uint64_t max;                   /* bytes taken in all, 0: no limit */
	uint64_t quota;                 /* bytes in the folder, 0: no limit */
	enum filestore_taken taken;
	const char *peer;               /* its name, for sentences */
	bool asked;                     /* for it: what it cannot read is
	                                   our failure, too */
};

/* An unusable folder is told by ev. mem_deref: what has come whole still gets
 * its name, the rest is kept for the next time. */
int filerecv_alloc(struct filerecv **rp, const struct filerecv_conf *c,
		   const struct tunnel_events *ev);

int filerecv_status(struct re_printf *pf, const struct filerecv *r);

#endif
