/*
 * fwudp.h: the UDP flows of one forward tunnel: packets of one client to one
 * target, each way. A flow that is idle for two minutes is over, as in a NAT
 * (RFC 4787, 4.3).
 */
#ifndef DIALTONE_FWUDP_H
#define DIALTONE_FWUDP_H

#include "tunnels/flow/flow.h"
#include "tunnels/forward/fwwire.h"

enum { FWUDP_MAX = 4096, FWUDP_PACKET_MAX = 65535 };

struct fwudps;
struct fwudp;

/* May the peer's be made? As in fwconn.h. */
struct fwudps_handlers {
	int (*targeth)(struct fwwire *w, void *arg);
	bool (*allowh)(const struct fwwire *w, const struct sa *sa,
		       void *arg);
};

int fwudps_alloc(struct fwudps **up, struct flow *flow, unsigned number,
		 bool caller, const struct fwudps_handlers *h, void *arg);

/* After flow_listen. */
void fwudps_go(struct fwudps *u);

/* A stream of the peer's that began with this CONNECT, after which n bytes
 * came. EPROTO and the like: it is the caller's to reset. */
int fwudps_take(struct fwudps *u, struct stream *s, const struct fwwire *w,
		const uint8_t *p, size_t n);

/* One for a client of ours: packets for it, and its end, which may be long
 * after its last; the taker then derefs it. EMFILE: too many. */
struct fwudp_handlers {
	void (*recvh)(const uint8_t *p, size_t n, void *arg);
	void (*overh)(void *arg);
};
int fwudp_open(struct fwudp **fp, struct fwudps *u, const struct fwwire *w,
	       const struct fwudp_handlers *h, void *arg);

void fwudp_send(struct fwudp *f, const uint8_t *p, size_t n);

/* Room for one packet that is received, until the loop's next event; NULL: no
 * memory. */
uint8_t *fwudps_buf(struct fwudps *u);

int fwudps_status(struct re_printf *pf, const struct fwudps *u);

#endif
