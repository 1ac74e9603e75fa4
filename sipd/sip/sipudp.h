/*
 * sipudp.h: one UDP socket that carries SIP.
 */
#ifndef DIALTONE_SIP_SIPUDP_H
#define DIALTONE_SIP_SIPUDP_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/sip/quota.h"
#include "sipd/sip/sipcounts.h"

struct sipudp;

struct sipudp_conf {
	struct timers *timers;
	struct quota *quota;    /* or NULL */
	struct sipcounts *counts;
	size_t longest;         /* bytes of a datagram; 0: 8192. Each is first
	                         * read into that much */
	/* a decoded message; msg->sock is the socket, the body is msg->mb
	 * from pos to end */
	void (*msgh)(struct sip_msg *msg, void *arg);
	/* ICMP says that dst cannot be reached; never called by a sender.
	 * NULL: nobody wants to know */
	void (*newsh)(const struct sa *dst, int err, void *arg);
	/* or NULL */
	void (*stunh)(struct sipudp *u, const struct sa *src, struct mbuf *mb,
		      void *arg);
	void *arg;
};

/* Bind to laddr; its port may be 0. EADDRINUSE, EADDRNOTAVAIL. */
int sipudp_open(struct sipudp **up, const struct sipudp_conf *conf,
		const struct sa *laddr);

/* A response to who may get no more (quota.h) is not sent, and that is no
 * error. */
int sipudp_send(struct sipudp *u, const struct sa *dst, struct mbuf *mb);

/* Nothing comes or goes any more, whoever still refers to it. */
void sipudp_close(struct sipudp *u);

const struct sa *sipudp_addr(const struct sipudp *u);

/* For what is not SIP. */
struct udp_sock *sipudp_sock(const struct sipudp *u);

#endif
