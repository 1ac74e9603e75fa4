/*
 * strans.h: server transactions (RFC 3261 section 17.2).
 */
#ifndef DIALTONE_UA_STRANS_H
#define DIALTONE_UA_STRANS_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/transp.h"

struct strans_set;      /* those of one account */
struct strans;

struct strans_handlers {
	/* CANCEL came and was answered: 487 is now due */
	void (*cancelh)(const struct sip_msg *cancel, void *arg);
	/* for 64 * T1 our 2xx was not acknowledged (RFC 3261 section
	 * 13.3.1.4), or our reliable response not (RFC 3262 section 3) */
	void (*lossh)(void *arg);
};

int strans_set_alloc(struct strans_set **sp, struct timers *timers,
		     struct transp *transp, const char *software);

/* A request came: true if it was dealt with here: a retransmission, a merged
 * request (482), ACK of a refusal, CANCEL. */
bool strans_request(struct strans_set *set, const struct sip_msg *msg);

/* A transaction for a new request. It belongs to the set; *stp is reset when
 * it is gone. h may be NULL. */
int strans_alloc(struct strans **stp, struct strans_set *set,
		 const struct sip_msg *msg, const struct strans_handlers *h,
		 void *arg);

/* The request, until the final response. */
const struct sip_msg *strans_msg(const struct strans *st);

/* Answer. fmt: further headers, the empty line and the body; NULL: none. A
 * 2xx to INVITE, and a reliable 1xx, are repeated until strans_acked. */
int strans_reply(struct strans *st, bool reliable, uint16_t scode,
		 const char *phrase, const char *fmt, ...);
void strans_acked(struct strans *st);

/* Nobody listens any more; or by another pointer. */
void strans_detach(struct strans *st);
void strans_move(struct strans *st, struct strans **stp);

/* A whole transaction that ends at once. */
int strans_answer(struct strans_set *set, const struct sip_msg *msg,
		  uint16_t scode, const char *phrase, const char *fmt, ...);

#endif
