/*
 * turnlink.h: the connection to a TURN server and, once it has made an
 * allocation, the links (link.h) that send from its relayed addresses.
 *
 *   control: turnlink_* --posts--> worker: socket or TCP, ChannelData
 *            uph, downh <--reports--
 *   STUN from the server comes as all STUN does: local is what uph told,
 *   src is the server.
 *
 * What is said to the server is the caller's (modules/path/turn.c); here a
 * packet gets its channel header, and nothing is sent to a peer without a
 * channel. Called on the control thread.
 */
#ifndef DIALTONE_TURNLINK_H
#define DIALTONE_TURNLINK_H

#include "tunnels/flow/worker.h"

struct turnlink;

enum turnlink_transp { TURNLINK_UDP, TURNLINK_TCP, TURNLINK_TLS };

enum { TURNLINK_CHANNELS = 64 };        /* more are not sent to */

struct turnlink_conf {
	enum turnlink_transp transp;
	struct sa dst;          /* the server, or the HTTP proxy before it */
	const char *connect;    /* see tcpconn.h; NULL for UDP */
	const char *login;
	const char *name;       /* the server's name in its certificate */
	const char *ca;
};

struct turnlink_handlers {
	/* what is sent now goes; once */
	void (*uph)(const struct sa *local, const struct sa *server,
		    void *arg);
	/* over; why is one clause for people. The link may be freed. */
	void (*downh)(int err, const char *why, void *arg);
};

/* mem_deref says the last words, if any, and lets what was sent before go
 * out; no handler is called after it. */
int turnlink_open(struct turnlink **tp, struct worker *w,
		  const struct turnlink_conf *conf,
		  const struct turnlink_handlers *h, void *arg);

/* One STUN message to the server. */
int turnlink_send(struct turnlink *t, const uint8_t *buf, size_t len);

/* The server has allocated this address: at most one of each family. */
int turnlink_relayed(struct turnlink *t, const struct sa *relayed);

/* This channel is the peer's from now on. */
int turnlink_bind(struct turnlink *t, uint16_t channel,
		  const struct sa *peer);

/* To be said to the server a moment after mem_deref, when the goodbyes of
 * the flows are through. */
int turnlink_last(struct turnlink *t, const uint8_t *buf, size_t len);

#endif
