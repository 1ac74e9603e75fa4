/*
 * fwconn.h: the forwarded connections of one tunnel, both those that we have
 * accepted and those that we make for the peer.
 */
#ifndef DIALTONE_FWCONN_H
#define DIALTONE_FWCONN_H

#include <re.h>
#include "tunnels/flow/flow.h"
#include "tunnels/forward/fwwire.h"

enum { FWCONN_MAX = 8192 };

struct fwconns;

/* What the tunnel decides. None may free the connections. */
struct fwconn_handlers {
	/* A CONNECT: fill in where to (host, port), or refuse: EACCES... */
	int (*targeth)(struct fwwire *w, void *arg);
	/* After the look-up: may it be this address? */
	bool (*allowh)(const struct fwwire *w, const struct sa *sa,
		       void *arg);
	/* A stream that begins with HELLO: it is the tunnel's. n bytes have
	 * come after it; stream_consumed is still to be said for them. EPROTO
	 * refuses it. */
	int (*orderh)(struct stream *s, const uint8_t *p, size_t n,
		      void *arg);
	/* One could not be made; by us if `here`, else by the peer. */
	void (*refusedh)(const char *host, uint16_t port, int err, bool here,
			 void *arg);
};

/* Takes the peer's streams for this tunnel. */
int fwconns_alloc(struct fwconns **cp, struct flow *flow, unsigned number,
		  const struct fwconn_handlers *h, void *arg);

/* fd has been accepted: ask the peer to connect as w says. host and port are
 * for people. fd is taken, also on error: then it is reset. */
int fwconns_add(struct fwconns *c, int fd, const struct fwwire *w,
		const char *host, uint16_t port);

int fwconns_status(struct re_printf *pf, const struct fwconns *c);

#endif
