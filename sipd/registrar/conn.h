/*
 * conn.h: one TCP or TLS connection that a client opened to us.
 */
#ifndef DIALTONE_REGISTRAR_CONN_H
#define DIALTONE_REGISTRAR_CONN_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/quota.h"

struct conn;

/* A complete message, body in msg->mb; src, dst and tp are set. PASS, or
 * REFUSE: to be answered 503. */
typedef void (conn_recv_h)(struct conn *c, struct sip_msg *msg,
			   enum quota_verdict v, void *arg);

/* The connection is over; mem_deref it here. */
typedef void (conn_close_h)(struct conn *c, void *arg);

struct conn_conf {
	struct timers *timers;
	struct tls *tls;        /* NULL: TCP */
	struct quota *quota;    /* or NULL */
	uint32_t idle;          /* s without a byte before it is closed */
	conn_recv_h *recvh;
	conn_close_h *closeh;
	void *arg;
};

/* Take the connection that waits at ts; the handlers start with the loop.
 * EBUSY: too many of that peer have said nothing yet. */
int conn_accept(struct conn **cp, struct tcp_sock *ts, const struct sa *peer,
		const struct conn_conf *conf);

/* ENOTCONN if it is closed; ENOSPC if the client does not read. */
int conn_send(struct conn *c, struct mbuf *mb);

#endif
