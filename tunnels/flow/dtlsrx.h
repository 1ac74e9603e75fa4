/*
 * dtlsrx.h: whose a DTLS datagram is.
 */
#ifndef DIALTONE_DTLSRX_H
#define DIALTONE_DTLSRX_H

#include "tunnels/flow/dtlsimpl.h"

/* The worker's pool, with its datagrams coming here; NULL: no memory. */
struct dpool *dtlsrx_open(struct worker *w);

#endif
