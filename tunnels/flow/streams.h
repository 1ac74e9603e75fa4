/*
 * streams.h: the TCP side of a worker: listeners, connections in and out as
 * ICE wants them (RFC 6544). Packets on them are framed (framed.h).
 *
 *   streams_send --no link of that name?--> connect, send when up
 *   listener --accept--> link, dropped unless proven in 10 s
 *
 * Called on the control thread.
 */
#ifndef DIALTONE_STREAMS_H
#define DIALTONE_STREAMS_H

#include "tunnels/flow/worker.h"

struct streams;

enum { STREAMS_SERVERS = 8 };

/* A connection of this name has come to its end, or could not be made. */
typedef void (streams_lost_h)(const struct sa *local, const struct sa *remote,
			      void *arg);

/* Listen on the worker's ports where they are free, else on any. */
int streams_alloc(struct streams **sp, struct worker *w,
		  streams_lost_h *losth, void *arg);

/* The port that is listened on, 0 if the family is absent. */
uint16_t streams_port(const struct streams *s, int af);

/* Listen on this port, too, of each family that there is: there TLS is taken
 * (tlsshape.h). EACCES, EADDRINUSE: it is not to be had. */
int streams_tls(struct streams *s, uint16_t port);

/* That port, 0: none in this family. */
uint16_t streams_tls_port(const struct streams *s, int af);

/* STUN servers: what goes there has no frames. Replaces those before. */
void streams_servers(struct streams *s, const struct sa *sav, size_t sac);

/* Send one packet by the connection from local to remote; if there is none,
 * make it, with TLS around it or not. local: port 9 is any port, ours that of
 * simultaneous open, from a listener only what came in by it. What cannot be
 * sent is lost. */
int streams_send(struct streams *s, bool tls, const struct sa *local,
		 const struct sa *remote, const uint8_t *buf, size_t len);

#endif
