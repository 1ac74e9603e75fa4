/*
 * uastrans.h: the server transactions of one account, as RFC 3261 section 8.2
 * wants a user agent to have them.
 */
#ifndef DIALTONE_UA_UASTRANS_H
#define DIALTONE_UA_UASTRANS_H

#include <re.h>
#include "sipd/sip/strans.h"
#include "sipd/ua/transp.h"

struct uastrans_set;

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

/* strans_alloc for a request to us. */
int uastrans_alloc(struct strans **sp, struct uastrans_set *set,
		   const struct sip_msg *msg,
		   const struct strans_handlers *h, void *arg);

/* A whole transaction that ends at once. */
int uastrans_answer(struct uastrans_set *set, const struct sip_msg *msg,
		    uint16_t scode, const char *phrase, const char *fmt, ...);

#endif
