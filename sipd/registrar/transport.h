/*
 * transport.h: the registrar's sockets: UDP, TCP and TLS on each address.
 *
 * libre's own SIP transports cannot be used here: they take one address of a
 * family for everything sent, cut datagrams at 8 KB, and decode what a stream
 * brings without limits.
 */
#ifndef DIALTONE_REGISTRAR_TRANSPORT_H
#define DIALTONE_REGISTRAR_TRANSPORT_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/sip/quota.h"
#include "sipd/sip/sipcounts.h"
#include "sipd/sip/trans.h"

struct transport;

/* The way to a client and back: from which of our sockets to which address.
 * With TCP and TLS it is the connection that the client opened. */
struct flow {
	uint32_t lsn;           /* the listener */
	struct sa peer;
};

bool flow_cmp(const struct flow *a, const struct flow *b);

/* msg->tp, src and dst are set, the body is msg->mb from pos to end. */
typedef void (transport_recv_h)(struct sip_msg *msg, const struct flow *flow,
				void *arg);

/* A connection ended: nothing reaches that flow any more. */
typedef void (transport_close_h)(const struct flow *flow, void *arg);

struct transport_conf {
	const char *listen;     /* as in registrar.h */
	const char *tls_cert;
	bool stun;
	struct quota *quota;    /* or NULL; it outlives us */
	uint32_t idle;          /* s */
	transport_recv_h *recvh;
	transport_close_h *closeh;
	void *arg;
};

/* Wildcards follow the interfaces: addresses that come later are served
 * within some seconds. */
int transport_alloc(struct transport **tp, struct timers *timers,
		    const struct transport_conf *conf, char *why,
		    size_t why_size);

/* ENOTCONN: the connection is gone, or its address. A response by UDP to who
 * may get no more (quota.h) is not sent, and that is no error. */
int transport_send(struct transport *tr, const struct flow *flow,
		   struct mbuf *mb);

/* A flow as the transactions know it, and how they send; arg: a transport. */
struct trans_way transport_way(const struct transport *tr,
			       const struct flow *flow);
int transport_send_way(const struct trans_way *way, struct mbuf *mb,
		       void *arg);

/* Is there something behind it: always for UDP, else the connection? */
bool transport_alive(const struct transport *tr, const struct flow *flow);

/* Our end of a flow: transport and address; NULL if it is gone. */
const struct sa *transport_laddr(const struct transport *tr,
				 const struct flow *flow,
				 enum sip_transp *tp);

/* Is host:port one of ours? Port 0 stands for any port of the address. */
bool transport_isladdr(const struct transport *tr, const struct sa *sa);

struct transport_stats {
	struct sipcounts in;
	uint64_t sent;
	unsigned connections;
};

const struct transport_stats *transport_stats(const struct transport *tr);

/* JSON array of "udp:127.0.0.1:5060". */
int transport_print(struct re_printf *pf, const struct transport *tr);

#endif
