/*
 * workerimpl.h: what QUIC and DTLS need of a worker beyond worker.h. All on
 * the worker's thread but worker_reports.
 */
#ifndef DIALTONE_WORKERIMPL_H
#define DIALTONE_WORKERIMPL_H

#include "tunnels/flow/link.h"
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

/* Where packets go from now on: finds the link, if they need one. to may be
 * all zero, and is dropped by worker_unroute. */
void worker_route(struct worker *w, struct udp_to *to, int proto,
		  const struct sa *local, const struct sa *remote);
void worker_unroute(struct udp_to *to);

/* udp_batch_write by the link of `to` or the socket of its family. */
int worker_write(struct worker *w, struct udp_to *to, const uint8_t *buf,
		 size_t len, size_t seg, size_t *done);

/* udp_batch_queued of the socket that leads there; 0 for a TCP connection,
 * which holds little and says EAGAIN. */
size_t worker_queued(struct worker *w, const struct udp_to *to);

/* Call h once when the way that said EAGAIN has room again. */
void worker_wait(struct worker *w, struct worker_wait *wait,
		 const struct udp_to *to, void (*h)(void *arg), void *arg);

/* A link is a way from now on; the table holds a reference until _del, or
 * until the worker stops. Whatever still writes to it then hears ENOTCONN. */
void worker_link_add(struct worker *w, struct link *l);
void worker_link_del(struct link *l);

/* link_find in the table. */
struct link *worker_link_find(const struct worker *w, int proto,
			      const struct sa *local,
			      const struct sa *remote);

/* What a link has brought: one datagram, or several of rx->seg bytes from
 * one source, told apart by their first bytes as those of a socket. They may
 * be changed in place, and UDP_ROOM bytes in front of the first, and must
 * stay where they are until worker_rx_end. */
void worker_rx(struct worker *w, const struct udp_rx *rx);
void worker_rx_end(struct worker *w);

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
