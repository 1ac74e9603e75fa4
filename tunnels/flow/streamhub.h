/*
 * streamhub.h: what of the streams lives on the worker: streams.c's orders to
 * it, and its report of what has come to its end.
 */
#ifndef DIALTONE_STREAMHUB_H
#define DIALTONE_STREAMHUB_H

#include "tunnels/flow/streams.h"

struct hub;

struct stream_name {
	struct sa local, remote;
};

/* What control has to say; each is run on the worker. */
struct stream_order {
	struct hub *hub;
	void (*h)(struct hub *hub, const struct stream_order *o);
	struct stream_name name;
	bool tls;               /* to be connected by TLS */
	size_t len;             /* bytes of buf */
	uint8_t buf[];
};

/* A socket that listens. */
struct stream_listen {
	int fd;
	struct ssl_ctx_st *tls; /* NULL: without; a reference */
};

/* On control, before the first order; afterwards it is the worker's, until
 * streamhub_close. losth is called on control and must not close it. */
int streamhub_alloc(struct hub **hp, struct worker *w, streams_lost_h *losth,
		    void *arg);

/* On control: losth is not called any more. */
void streamhub_quiet(struct hub *hub);

/* buf: a packet for the connection of that name */
void streamhub_send(struct hub *hub, const struct stream_order *o);
/* buf: the addresses of STUN servers */
void streamhub_servers(struct hub *hub, const struct stream_order *o);
/* buf: a stream_listen, on name.local */
void streamhub_listen(struct hub *hub, const struct stream_order *o);
/* the last one; connections end when they are not used any more */
void streamhub_close(struct hub *hub, const struct stream_order *o);

#endif
