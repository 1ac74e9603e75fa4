/*
 * quicconn.h: a QUIC connection on its worker.
 */
#ifndef DIALTONE_QUICCONN_H
#define DIALTONE_QUICCONN_H

#include "tunnels/flow/quicimpl.h"

/* On the control thread: all but what the network needs. */
int quicconn_alloc(struct qconn **cp, struct worker *w,
		   const struct quic_conf *conf, orders_h *h);

/* The rest on the worker. */
void quicconn_start(struct qconn *c);

/* Send from here to there from now on; the first starts the handshake. */
void quicconn_path(struct qconn *c, int proto, const struct sa *local,
		   const struct sa *remote);

/* Control is done with us: gone when closed. */
void quicconn_drop(struct qconn *c);

#endif
