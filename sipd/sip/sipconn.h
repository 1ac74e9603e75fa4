/*
 * sipconn.h: one TCP or TLS connection that carries SIP.
 */
#ifndef DIALTONE_SIP_SIPCONN_H
#define DIALTONE_SIP_SIPCONN_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/sip/quota.h"
#include "sipd/sip/sipcounts.h"
#include "sipd/sip/tlsctx.h"

struct sipconn;

/* One message, decoded; msg->sock is the connection, the body is msg->mb
 * from pos to end. */
typedef void (sipconn_msg_h)(struct sip_msg *msg, void *arg);

/* Closed; err is never 0, EACCES: the certificate was not accepted, and why
 * says how. The connection itself lives as long as somebody refers to it. */
typedef void (sipconn_close_h)(struct sipconn *c, int err, const char *why,
			       void *arg);

struct sipconn_conf {
	struct timers *timers;
	struct tlsctx *tls;     /* NULL: TCP */
	struct quota *quota;    /* or NULL */
	struct sipcounts *counts;
	uint32_t idle;          /* s without a byte before it is closed */
	sipconn_msg_h *msgh;
	sipconn_close_h *closeh;
	void *arg;
};

/* Connect within timeout ms. name: whom the certificate must name. */
int sipconn_connect(struct sipconn **cp, const struct sipconn_conf *conf,
		    const struct sa *peer, const char *name, uint32_t timeout);

/* The connection that waits in ts. EBUSY: too many of that peer have said
 * nothing yet. */
int sipconn_accept(struct sipconn **cp, const struct sipconn_conf *conf,
		   struct tcp_sock *ts, const struct sa *peer);

/* Send, or queue until connected. ENOTCONN after it was closed. */
int sipconn_send(struct sipconn *c, struct mbuf *mb);

/* RFC 5626 section 3.5.1: double CRLF. The connection is closed with ETIMEDOUT
 * if nothing comes within so many seconds; 0: nothing is expected. */
int sipconn_ping(struct sipconn *c, unsigned wait);

bool sipconn_open(const struct sipconn *c);
bool sipconn_secure(const struct sipconn *c);
const struct sa *sipconn_peer(const struct sipconn *c);
const struct sa *sipconn_local(const struct sipconn *c);

/* Whom we wanted to talk to; NULL for accepted connections and TCP. */
const char *sipconn_name(const struct sipconn *c);

/* Close it, with or without a call of closeh. */
void sipconn_abort(struct sipconn *c, int err);
void sipconn_close(struct sipconn *c);

#endif
