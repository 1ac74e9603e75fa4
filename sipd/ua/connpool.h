/*
 * connpool.h: the TCP and TLS connections of an account.
 */
#ifndef DIALTONE_UA_CONNPOOL_H
#define DIALTONE_UA_CONNPOOL_H

#include "sipd/ua/hop.h"
#include "sipd/sip/sipconn.h"

struct connpool;

struct connpool_conf {
	struct timers *timers;
	struct tlsctx *tls;
	struct quota *quota;
	struct sipcounts *counts;
	void (*msgh)(const struct sip_msg *msg, void *arg);
	/* one has failed; it is out of the pool */
	void (*failh)(const struct sipconn *c, int err, const char *why,
		      void *arg);
	void *arg;
};

int connpool_alloc(struct connpool **pp, const struct connpool_conf *conf);

/* The connection to send to hop by: hop's own while it is open, one that
 * fits, or a new one. The pool holds it. */
int connpool_get(struct sipconn **cp, struct connpool *p,
		 const struct hop *hop);

/* Take the connection that waits in ts, or refuse it. */
void connpool_accept(struct connpool *p, struct tcp_sock *ts,
		     const struct sa *peer, bool tls);

/* Fail those from an address that this host has no more, and those of ours
 * that would now be made from another one. */
void connpool_drop(struct connpool *p);

/* Close all; failh is not called. */
void connpool_flush(struct connpool *p);

#endif
