/*
 * strans.h: server transactions (RFC 3261 section 17.2, RFC 6026).
 *
 * libre's keep their timers in one sorted list, which a proxy with thousands
 * of them for 32 s each would walk at every message.
 */
#ifndef DIALTONE_SIP_STRANS_H
#define DIALTONE_SIP_STRANS_H

#include <re.h>
#include "sipd/sip/trans.h"

struct stable;                  /* those that share sockets */
struct strans;

struct strans_handlers {
	/* CANCEL came before the final response and was answered: 487 is now
	 * due; once */
	void (*cancelh)(const struct sip_msg *cancel, void *arg);
	/* for 64 * T1 our 2xx was not acknowledged (RFC 3261 section
	 * 13.3.1.4), or our reliable response not (RFC 3262 section 3) */
	void (*lossh)(void *arg);
};

/* software: for Server, or NULL; the caller's. */
int stable_alloc(struct stable **tp, struct timers *timers,
		 const char *software, trans_send_h *sendh, void *arg);

/* A request that belongs to one of them (a retransmission, ACK for a failure,
 * CANCEL) is dealt with here: true. */
bool stable_recv(struct stable *t, const struct sip_msg *msg);

unsigned stable_count(const struct stable *t);

/* An answer without a transaction (section 8.2.7), that way; fmt as with
 * strans_reply. A retransmission gets the same again. */
int stable_answer(const struct stable *t, const struct sip_msg *msg,
		  const struct trans_way *way, uint16_t scode,
		  const char *phrase, const char *fmt, ...);

struct strans_conf {
	const struct sip_msg *msg;
	struct trans_way way;           /* of the responses */
	void *keep;             /* a mem object, referenced until the timers
				 * are through; or NULL */
	const struct strans_handlers *h;        /* or NULL; the caller's */
	void *arg;
};

/* For a new request. It belongs to the table; *sp is reset when it is gone.
 * Unless something is said to an INVITE within 200 ms, 100 is. */
int strans_alloc(struct strans **sp, struct stable *t,
		 const struct strans_conf *conf);

/* The request, until the final response. */
const struct sip_msg *strans_msg(const struct strans *s);

/* Send a response: provisional ones, one final, and with INVITE any number of
 * 2xx after a 2xx. repeat a 2xx to INVITE, or a reliable 1xx, until
 * strans_acked. EALREADY: it was answered, or is gone (NULL). */
int strans_send(struct strans *s, bool repeat, uint16_t scode,
		struct mbuf *mb);

/* The same with one of our own. fmt: further headers, the empty line and the
 * body; NULL: none. */
int strans_reply(struct strans *s, bool repeat, uint16_t scode,
		 const char *phrase, const char *fmt, ...);

void strans_acked(struct strans *s);

/* Nobody listens any more; or by another pointer. */
void strans_detach(struct strans *s);
void strans_move(struct strans *s, struct strans **sp);

/* Drop it unanswered: retransmissions start anew. */
void strans_drop(struct strans *s);

#endif
