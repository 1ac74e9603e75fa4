/*
 * ack.h: ACK for a 2xx (RFC 3261 section 13.2.2.4), a request without answer.
 */
#ifndef DIALTONE_UA_ACK_H
#define DIALTONE_UA_ACK_H

#include "sipd/ua/dialog.h"
#include "sipd/ua/stack.h"

struct ack;

/* Send it within dlg: cseq and auth (lines or NULL) are those of the INVITE;
 * flow: a way to prefer, or NULL. It is kept for 64 * T1 to be repeated, and
 * resets *ap then; mem_deref forgets it at once. With ap NULL it is nobody's
 * and goes by itself. */
int ack_send(struct ack **ap, struct stack *s, struct dialog *dlg,
	     uint32_t cseq, const char *auth, const struct hop *flow);

/* The 2xx came again. */
void ack_again(struct ack *a);

#endif
