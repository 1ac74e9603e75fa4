/*
 * uastrans.h: server transactions (RFC 3261 section 17.2).
 */
#ifndef DIALTONE_UA_UASTRANS_H
#define DIALTONE_UA_UASTRANS_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/transp.h"

struct uastrans_set;      /* those of one account */
struct uastrans;

struct uastrans_handlers {
	/* CANCEL came and was answered: 487 is now due */
	void (*cancelh)(const struct sip_msg *cancel, void *arg);
	/* for 64 * T1 our 2xx was not acknowledged (RFC 3261 section
	 * 13.3.1.4), or our reliable response not (RFC 3262 section 3) */
	void (*lossh)(void *arg);
};

/* max: how many it remembers at once; see uastrans_full. */
int uastrans_set_alloc(struct uastrans_set **sp, struct timers *timers,
		       struct transp *transp, const char *software,
		       unsigned max);

/* Then uastrans_answer answers and remembers nothing, and no new call should
 * be taken; what belongs to calls still has its transactions. */
bool uastrans_full(const struct uastrans_set *set);

/* A request came: true if it was dealt with here: a retransmission, a merged
 * request (482), ACK of a refusal, CANCEL. */
bool uastrans_request(struct uastrans_set *set, const struct sip_msg *msg);

/* A transaction for a new request. It belongs to the set; *stp is reset when
 * it is gone. h may be NULL. */
int uastrans_alloc(struct uastrans **stp, struct uastrans_set *set,
		   const struct sip_msg *msg,
		   const struct uastrans_handlers *h,
		   void *arg);

/* The request, until the final response. */
const struct sip_msg *uastrans_msg(const struct uastrans *st);

/* Answer. fmt: further headers, the empty line and the body; NULL: none. A
 * 2xx to INVITE, and a reliable 1xx, are repeated until uastrans_acked. */
int uastrans_reply(struct uastrans *st, bool reliable, uint16_t scode,
		   const char *phrase, const char *fmt, ...);
void uastrans_acked(struct uastrans *st);

/* Nobody listens any more; or by another pointer. */
void uastrans_detach(struct uastrans *st);
void uastrans_move(struct uastrans *st, struct uastrans **stp);

/* A whole transaction that ends at once. */
int uastrans_answer(struct uastrans_set *set, const struct sip_msg *msg,
		    uint16_t scode, const char *phrase, const char *fmt, ...);

#endif
