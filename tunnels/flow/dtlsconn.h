/*
 * dtlsconn.h: a DTLS association, and the next one, on their worker.
 */
#ifndef DIALTONE_DTLSCONN_H
#define DIALTONE_DTLSCONN_H

#include "tunnels/flow/dtlsimpl.h"

/* On the control thread: all but what the network needs. */
int dtlsconn_alloc(struct dconn **cp, struct worker *w,
		   const struct dtls_conf *conf, orders_h *h);

/* The rest on the worker. */
void dtlsconn_start(struct dconn *c, struct dpool *p);

/* Send from here to there from now on; the first starts the handshake. */
void dtlsconn_path(struct dconn *c, int proto, const struct sa *local,
		   const struct sa *remote);

/* Control is done with us: gone when closed. */
void dtlsconn_drop(struct dconn *c);

#endif
