/*
 * conn.h: one TCP or TLS connection that carries SIP.
 */
#ifndef DIALTONE_UA_CONN_H
#define DIALTONE_UA_CONN_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/tlsctx.h"

struct conn;

/* One message, decoded; msg->sock is the connection. */
typedef void (conn_msg_h)(struct sip_msg *msg, void *arg);

/* Closed; err is never 0, EACCES: the certificate was not accepted, and why
 * says how. The connection itself lives as long as somebody refers to it. */
typedef void (conn_close_h)(struct conn *c, int err, const char *why,
			    void *arg);

struct conn_conf {
	struct timers *timers;
	struct tlsctx *tls;     /* NULL: TCP */
	conn_msg_h *msgh;
	conn_close_h *closeh;
	void *arg;
};

/* Connect within timeout ms. name: whom the certificate must name. */
int conn_connect(struct conn **cp, const struct conn_conf *conf,
		 const struct sa *peer, const char *name, uint32_t timeout);

/* The connection that waits in ts. */
int conn_accept(struct conn **cp, const struct conn_conf *conf,
		struct tcp_sock *ts, const struct sa *peer);

/* Send, or queue until connected. ENOTCONN after it was closed. */
int conn_send(struct conn *c, struct mbuf *mb);

/* RFC 5626 section 3.5.1: double CRLF. With expect, the connection is closed
 * with ETIMEDOUT if nothing comes within 10 s. */
int conn_ping(struct conn *c, bool expect);

bool conn_open(const struct conn *c);
bool conn_secure(const struct conn *c);
const struct sa *conn_peer(const struct conn *c);
const struct sa *conn_local(const struct conn *c);

/* Whom we wanted to talk to; NULL for accepted connections and TCP. */
const char *conn_name(const struct conn *c);

/* Close it, with or without a call of closeh. */
void conn_abort(struct conn *c, int err);
void conn_close(struct conn *c);

#endif
