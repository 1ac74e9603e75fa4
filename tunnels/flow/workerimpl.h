/*
 * workerimpl.h: what QUIC and DTLS need of a worker beyond worker.h. All on
 * the worker's thread but worker_reports.
 */
#ifndef DIALTONE_WORKERIMPL_H
#define DIALTONE_WORKERIMPL_H

#include "tunnels/flow/report.h"
#include "tunnels/flow/udp.h"
#include "tunnels/flow/worker.h"

enum {
	CID_LEN = 8,            /* of those we choose: a short header does not
	                           say how long its id is (RFC 9000, 17.3) */
	CID_MAX = 20,
};

/* One datagram whose destination connection id is yours. */
typedef void (worker_quic_h)(const struct udp_rx *rx, void *arg);

/* Embed one per connection id; all zero is "not known". */
struct worker_cid {
	struct le le;
	uint8_t id[CID_MAX];
	size_t len;
	worker_quic_h *h;
	void *arg;
};

/* EEXIST if the id is taken. len >= CID_LEN. */
int worker_cid_add(struct worker *w, struct worker_cid *c, const uint8_t *id,
		   size_t len, worker_quic_h *h, void *arg);
void worker_cid_del(struct worker_cid *c);

/* udp_batch_write by the socket of to->remote's family. */
int worker_write(struct worker *w, struct udp_to *to, const uint8_t *buf,
		 size_t len, size_t seg, size_t *done);

/* Call h once when a socket that said EAGAIN has room again. */
struct worker_wait {
	struct le le;
	void (*h)(void *arg);
	void *arg;
};
void worker_wait(struct worker *w, struct worker_wait *wait, int af,
		 void (*h)(void *arg), void *arg);

/* A buffer of UDP_BATCH_MAX bytes that anybody may use until it returns to
 * the loop. */
uint8_t *worker_buf(struct worker *w);

/* What the worker keeps for QUIC: the slot of one mem object, dropped on the
 * worker's thread when the worker stops. */
void **worker_quic(struct worker *w);

/* The same for DTLS; and its datagrams, those in a row at once: of rx->seg
 * bytes each, the last may be shorter. They may be changed in place, and
 * UDP_ROOM bytes in front of the first. All stay where they are until it is
 * called with NULL: nothing more has come. */
typedef void (worker_dtls_h)(const struct udp_rx *rx, void *arg);
void **worker_dtls(struct worker *w);
void worker_dtls_handler(struct worker *w, worker_dtls_h *h, void *arg);

struct reports *worker_reports(struct worker *w);

#endif
