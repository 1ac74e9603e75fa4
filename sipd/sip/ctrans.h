/*
 * ctrans.h: client transactions (RFC 3261 section 17.1, RFC 6026).
 */
#ifndef DIALTONE_SIP_CTRANS_H
#define DIALTONE_SIP_CTRANS_H

#include <re.h>
#include "sipd/sip/trans.h"

struct ctable;                  /* those that share sockets */
struct ctrans;

/* Each provisional response, then once the final one, or msg NULL and err:
 * ETIMEDOUT, what sending failed with, or what ctable_fail said. The ACK for
 * a failure is sent inside. */
typedef void (ctrans_h)(int err, const struct sip_msg *msg, void *arg);

/* sendh sends again, and ACK and CANCEL. */
int ctable_alloc(struct ctable **tp, struct timers *timers,
		 trans_send_h *sendh, void *arg);

struct ctrans_conf {
	const char *met, *branch;       /* of our Via; both copied */
	struct trans_way way;
	struct mbuf *mb;        /* the request; referenced */
	bool proxy;             /* each 2xx to INVITE is told, for 64 * T1;
				 * else the first one ends the transaction */
	void *keep;             /* a mem object, referenced until the timers
				 * are through; or NULL */
	ctrans_h *h;
	void *arg;
};

/* For a request that was just sent. *cp is reset before the handler gets the
 * end; the transaction belongs to the table. */
int ctrans_alloc(struct ctrans **cp, struct ctable *t,
		 const struct ctrans_conf *conf);

/* CANCEL an INVITE, now or as soon as a provisional response came, with
 * further header lines or NULL; the handler still gets the final response,
 * after 64 * T1 at the latest. */
void ctrans_cancel(struct ctrans *c, const char *headers);

/* Nobody listens any more; the transaction comes to its end alone. */
void ctrans_detach(struct ctrans *c);

/* A response came. False: it belongs to none, or is a 2xx that nobody listens
 * for. */
bool ctable_recv(struct ctable *t, const struct sip_msg *msg);

/* What was sent that way will not arrive: those that wait are told err. */
void ctable_fail(struct ctable *t, const struct trans_way *way, int err);

/* How many there are, and how many of them wait for a final response. */
unsigned ctable_count(const struct ctable *t);
unsigned ctable_waiting(const struct ctable *t);

#endif
