/*
 * quic.h: a flow that is a QUIC connection (RFC 9000) pinned to the peer's
 * key in both directions. The only file that includes ngtcp2 is quic.c and
 * its helpers.
 *
 * quic_alloc, quic_path, quic_close and the handlers belong to the control
 * thread; the connection itself lives on the worker.
 */
#ifndef DIALTONE_QUIC_H
#define DIALTONE_QUIC_H

#include "tunnels/flow/flow.h"
#include "tunnels/flow/flowend.h"
#include "tunnels/flow/worker.h"

struct quic;
struct identity;

enum { QUIC_SEED_SIZE = 32 };

struct quic_conf {
	bool client;                    /* a=setup:active is the client */
	const struct identity *identity; /* own key; outlives the quic */
	uint8_t peer_fp[32];            /* SHA-256 of the peer's certificate */
	bool chain;                     /* keep them for quic_chain */
	/* Known to both sides from the descriptions. The client's first
	 * destination connection id is made of it, so that many sessions
	 * between the same two sockets are told apart from the first
	 * packet on. */
	uint8_t seed[QUIC_SEED_SIZE];
	uint64_t keepalive;             /* ns, default 5 s */
	uint64_t idle;                  /* ns without a packet from the peer
	                                   until it is lost, default 20 s */
};

struct quic_handlers {
	/* The peer's key is the expected one and the handshake done on this
	 * side: the client may hear later that its own is refused. On the
	 * control thread. The flow may be used on the worker from now on. */
	void (*securedh)(struct flow *f, void *arg);
	/* on the control thread */
	flow_end_h *endh;
};

/* Nothing is sent before the first quic_path. mem_deref closes with code 0
 * if quic_close was not called; no handler is called after it. */
int quic_alloc(struct quic **qp, struct worker *w,
	       const struct quic_conf *conf, const struct quic_handlers *h,
	       void *arg);

/* Where to send from now on: the agent's selected pair, named as link.h says.
 * The connection does not notice: no reset of window, no new handshake. The
 * check that was answered on it is consent for 30 s. */
void quic_path(struct quic *q, int proto, const struct sa *local,
	       const struct sa *remote);

/* Nothing is sent after `until` (CLOCK_MONOTONIC ns), RFC 7675. */
void quic_consent(struct quic *q, uint64_t until);

/* Close with a code and a reason that the peer's endh is told. Buffered
 * stream data is dropped. */
void quic_close(struct quic *q, uint64_t code, const char *text);

/* The peer's certificates, DER, one behind the other, its own first, at most
 * 16 KB; 0 bytes unless conf.chain asked for them and it is secured. Valid as
 * long as the handle. */
size_t quic_chain(const struct quic *p, const uint8_t **der);

/* Counters, updated by the worker, read from any thread. */
struct quic_stats {
	uint64_t rx_bytes, tx_bytes;    /* UDP payload */
	uint64_t rtt, lost;             /* ns; packets */
	uint64_t strays;                /* packets from another address than
	                                   the path's; accepted */
};
void quic_stats(const struct quic *q, struct quic_stats *st);

#endif
