/*
 * stunq.h: STUN packets on their way from a worker to the control thread: a
 * ring of fixed size, so that a flood costs the flooder's packets only.
 */
#ifndef DIALTONE_STUNQ_H
#define DIALTONE_STUNQ_H

#include "tunnels/flow/report.h"
#include "tunnels/flow/udp.h"
#include "tunnels/flow/worker.h"

struct stunq;

/* By the control thread; mem_deref there when the worker has stopped. */
int stunq_alloc(struct stunq **qp, struct reports *reports,
		worker_stun_h *h, void *arg);

/* On the worker: copy one datagram; dropped if the ring is full. */
void stunq_push(struct stunq *q, const struct udp_rx *rx);

#endif
