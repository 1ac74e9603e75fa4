/*
 * framed.h: a TCP connection as a link: each packet behind its length in two
 * bytes (RFC 4571), so that checks, QUIC and DTLS go by it as by UDP.
 *
 *   connecting --> up --> down        accepted --> up --> down
 *
 * One to a STUN server has no such lengths: its messages have their own. With
 * TLS around it (tlsshape.h) it looks like what each network lets out.
 * All of it on the worker's thread; the table of links holds it while it
 * lives. It ends by itself: refused, broken, not proven in time, not used.
 */
#ifndef DIALTONE_FRAMED_H
#define DIALTONE_FRAMED_H

#include "tunnels/flow/frames.h"
#include "tunnels/flow/workerimpl.h"

/* Somebody who came to us was answered: whom we answer knows a secret of
 * ours. */
typedef void (framed_proven_h)(const struct sa *remote, void *arg);

/* It is over and not in the table any more. */
typedef void (framed_down_h)(const struct sa *local, const struct sa *remote,
			     bool proven, void *arg);

struct framed_conf {
	struct worker *w;
	enum framing framing;
	struct sa local;        /* its name; port 9: any (RFC 6544, 4.5) */
	struct sa remote;
	struct ssl_ctx_st *tls; /* NULL: none. Who connects begins by it; to who
	                           comes it is given if he does. Outlives it */
	bool again;             /* simultaneous open: a refusal may mean that
	                           the peer is not that far yet */
	framed_proven_h *provenh;       /* accepted ones only */
	framed_down_h *downh;
	void *arg;              /* a mem object: a reference is kept */
};

/* Connect from local, or any port if it is 9. `first` is sent when it is up;
 * another may take its place until then. */
int framed_connect(const struct framed_conf *conf, const uint8_t *first,
		   size_t len);

/* What a listener brought; takes fd in any case. */
int framed_accept(const struct framed_conf *conf, int fd);

/* What of the same name is not connected yet goes without a word: the other
 * side was faster. false: it is up, or no such link. */
bool framed_give_way(struct link *l);

/* The options of sockets on one port: listeners, simultaneous open. */
int framed_share_port(int fd);

#endif
