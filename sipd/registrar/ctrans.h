/*
 * ctrans.h: client transactions (RFC 3261 section 17.1, 6026).
 */
#ifndef DIALTONE_REGISTRAR_CTRANS_H
#define DIALTONE_REGISTRAR_CTRANS_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/registrar/message.h"
#include "sipd/registrar/transport.h"

struct ctable;
struct ctrans;

/* Every provisional response, every 2xx to an INVITE, one final response to
 * anything else; or err, without msg: ETIMEDOUT, or what sending failed with.
 * The ACK for a failure is sent inside. */
typedef void (ctrans_h)(int err, const struct sip_msg *msg, void *arg);

int ctable_alloc(struct ctable **tp, struct timers *timers,
		 struct transport *tr);

/* A response from the wire; those of no transaction are dropped. */
void ctable_recv(struct ctable *t, const struct sip_msg *msg);

/* A new branch parameter: random, then the loop detection's digits. */
void ctrans_branch(char branch[BRANCH_SIZE], uint32_t loop);

struct ctrans_conf {
	struct flow flow;
	const char *branch;
	bool invite;
	const char *met;
	struct mbuf *mb;        /* the request, with our Via */
	ctrans_h *h;
	void *arg;              /* a mem object: the transaction references it
	                           until it is through */
};

/* Send. The transaction belongs to the table; *cp (may be NULL) lives as long
 * as it references arg. */
int ctrans_alloc(struct ctrans **cp, struct ctable *t,
		 const struct ctrans_conf *conf);

/* CANCEL an INVITE, as soon as a provisional response is there. */
void ctrans_cancel(struct ctrans *c);

/* A connection ended: those that wait for an answer from it fail. */
void ctable_flow_closed(struct ctable *t, const struct flow *flow);

unsigned ctable_count(const struct ctable *t);

#endif
