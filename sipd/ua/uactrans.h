/*
 * uactrans.h: client transactions (RFC 3261 section 17.1).
 */
#ifndef DIALTONE_UA_UACTRANS_H
#define DIALTONE_UA_UACTRANS_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/transp.h"

struct uactrans_set;      /* those of one account */
struct uactrans;

/* Each provisional response, then once the final one, or an error (ETIMEDOUT,
 * what failh of transp.h said) with msg NULL. A 2xx to INVITE ends the
 * transaction: its repetitions are nobody's and go to the account. */
typedef void (uactrans_h)(int err, const struct sip_msg *msg, void *arg);

int uactrans_set_alloc(struct uactrans_set **sp, struct timers *timers,
		       struct transp *transp);

/* Send "MET URI" with our Via and then `rest`, the other headers and the
 * body. *ctp is reset before the handler gets the end; the transaction
 * belongs to the set. */
int uactrans_request(struct uactrans **ctp, struct uactrans_set *set,
		     const struct hop *hop, const struct sa *laddr,
		     const char *met, const char *uri, const struct mbuf *rest,
		     uactrans_h *h, void *arg);

/* CANCEL an INVITE, now or as soon as a provisional response came, with
 * further header lines or NULL; the handler still gets the final response,
 * after 64 * T1 at the latest. */
void uactrans_cancel(struct uactrans *ct, const char *headers);

/* Nobody listens any more; the transaction comes to its end alone. */
void uactrans_detach(struct uactrans *ct);

/* A response came: did it belong to one? */
bool uactrans_response(struct uactrans_set *set, const struct sip_msg *msg);

/* failh of transp.h. */
void uactrans_fail(struct uactrans_set *set, const void *sock,
		   enum sip_transp tp, const struct sa *dst, int err);

/* How many wait for an answer. */
unsigned uactrans_pending(const struct uactrans_set *set);

/* "Via: ..." with that branch. */
int uactrans_via(struct mbuf *mb, enum sip_transp tp, const struct sa *laddr,
		 uint64_t branch);

#endif
