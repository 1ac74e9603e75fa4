/*
 * fworders.h: the stream on which a forward's caller says what it wants of
 * the callee, and hears the answers (fwwire.h).
 */
#ifndef DIALTONE_FWORDERS_H
#define DIALTONE_FWORDERS_H

#include "tunnels/forward/fwwire.h"
#include "tunnels/flow/flow.h"

struct fworders;

struct fworders_handlers {
	/* CHECK and LISTEN, at the callee; ANSWER, at the caller. EBADMSG if
	 * it is not for us. May not free the orders. */
	int (*orderh)(struct fwwire *w, void *arg);
	/* the peer ends it (ECONNRESET), breaks the protocol (EBADMSG,
	 * ENOTSUP), or the flow is gone */
	void (*overh)(int err, void *arg);
};

/* The caller's: open the stream. */
int fworders_open(struct fworders **op, struct flow *f, unsigned number,
		  const struct fworders_handlers *h, void *arg);

/* The callee's: a stream that began with HELLO, after which n bytes came. */
int fworders_take(struct fworders **op, struct stream *s,
		  const struct fworders_handlers *h, void *arg);
void fworders_rx(struct fworders *o, const uint8_t *p, size_t n);

int fworders_say(struct fworders *o, const struct fwwire *w);

#endif
