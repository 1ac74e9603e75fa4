/*
 * filerecv.h: the receiving side of the file tunnel.
 */
#ifndef DIALTONE_FILERECV_H
#define DIALTONE_FILERECV_H

#include <re.h>
#include "tunnels/flow/flow.h"
#include "tunnels/tunnel.h"

struct filerecv;

/* Receive into folder, made if it is not there. max: bytes taken in all, 0:
 * no limit. peer: its name, for sentences. An unusable folder is told by ev.
 * mem_deref: what has come whole still gets its name, the rest is kept for
 * the next time. */
int filerecv_alloc(struct filerecv **rp, struct flow *flow, unsigned number,
		   const char *folder, uint64_t max, const char *peer,
		   const struct tunnel_events *ev);

int filerecv_status(struct re_printf *pf, const struct filerecv *r);

#endif
