/*
 * worker.h: a thread that owns one UDP socket per address family, and links
 * (link.h), and moves the packets of all its flows, in batches.
 *
 *   recvmmsg + UDP_GRO --> first byte (RFC 7983, 9443)
 *        0..3   STUN  -> control thread (bounded queue, copied)
 *        64..127, 128..255 QUIC -> by connection id -> flow
 *        20..63 DTLS  -> by source address -> dgram
 *
 * Called on the control thread unless said otherwise.
 */
#ifndef DIALTONE_WORKER_H
#define DIALTONE_WORKER_H

#include <re.h>
#include "tunnels/flow/loop.h"

struct worker;
struct identity;

/* STUN for the control thread: called there, by its mailbox. proto, local:
 * the way it came, see link.h. */
typedef void (worker_stun_h)(int proto, const struct sa *local,
			     const struct sa *src, const uint8_t *buf,
			     size_t len, void *arg);

struct worker_conf {
	uint16_t port;                  /* 0: any; both families the same
	                                   where possible */
	struct mailbox *control;        /* of the control thread */
	worker_stun_h *stunh;
	void *arg;
};

/* Open the sockets (wildcard bound, PKTINFO) and start the thread. A family
 * that the host lacks is left out; EADDRINUSE if the port is taken. */
int worker_alloc(struct worker **wp, const struct worker_conf *conf);

/* The ports in use, 0 if the family is absent. */
uint16_t worker_port(const struct worker *w, int af);

/* Send one small packet, from the control thread, from local to dst. By the
 * socket if local has its port or none, now: 0 or errno. Else by the link of
 * that name, a moment later: if there is none or it has no room, the packet
 * is lost. */
int worker_send(struct worker *w, int proto, const struct sa *local,
		const struct sa *dst, const uint8_t *buf, size_t len);

struct loop *worker_loop(struct worker *w);

#endif
