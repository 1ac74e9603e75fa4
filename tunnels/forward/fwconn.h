/*
 * fwconn.h: the forwarded connections of one tunnel, both those that we have
 * accepted and those that we make for the peer.
 */
#ifndef DIALTONE_FWCONN_H
#define DIALTONE_FWCONN_H

#include <re.h>
#include "tunnels/flow/flow.h"
#include "tunnels/forward/fwwire.h"
#include "tunnels/forward/socks.h"

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
	/* A CONNECT that is UDP's: its stream, and n bytes after it. EPROTO:
	 * it is not. */
	int (*udph)(struct stream *s, const struct fwwire *w,
		    const uint8_t *p, size_t n, void *arg);
	/* One could not be made; by us if `here`, else by the peer. */
	void (*refusedh)(const char *host, uint16_t port, int err, bool here,
			 void *arg);
};

/* Nothing happens before fwconns_go: that takes the peer's streams for this
 * tunnel, those that are waiting at once. */
int fwconns_alloc(struct fwconns **cp, struct flow *flow, unsigned number,
		  const struct fwconn_handlers *h, void *arg);
int fwconns_go(struct fwconns *c);

/* A connection that we have accepted. */
struct fwconn_ask {
	const struct fwwire *w;         /* the CONNECT for the peer */
	const char *host;               /* where it leads, for people */
	uint16_t port;
	const struct socks *socks;      /* its client waits for a reply; or
	                                   NULL */
	const uint8_t *early;           /* bytes that have come already */
	size_t early_n;
	/* it is over, or NULL: opened as in relay.h. Not refusedh then. */
	void (*overh)(bool opened, int err, void *arg);
	void *arg;
};

/* fd has been accepted: ask the peer to connect. fd is taken, also on error:
 * then it is reset. */
int fwconns_add(struct fwconns *c, int fd, const struct fwconn_ask *ask);

int fwconns_status(struct re_printf *pf, const struct fwconns *c);

#endif
