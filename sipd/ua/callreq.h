/*
 * callreq.h: what we ask the peer within a call.
 */
#ifndef DIALTONE_UA_CALLREQ_H
#define DIALTONE_UA_CALLREQ_H

#include "sipd/ua/callcore.h"

/* BYE, and buried when it is answered; c->self is set. */
void callreq_bye(struct call *c);

/* INFO or MESSAGE; its answer is nobody's. */
int callreq_info(struct call *c, const char *met, const struct call_body *b);

/* PRACK for a reliable response, within that response's dialog. */
int callreq_prack(struct call *c, struct dialog *dlg, uint32_t cseq,
		  const struct sip_msg *resp);

/* A new offer by re-INVITE. EALREADY; ENOTCONN. */
int callreq_offer(struct call *c, const struct call_body *b);

/* Replace the offer that waits for the end of glare. */
int callreq_reoffer(struct call *c, const struct call_body *b);

/* Refresh the session (RFC 4028). */
void callreq_refresh(struct call *c);

/* ACK the 2xx, and take from it what it says about the peer. */
void callreq_ack(struct call *c, const struct sip_msg *resp, uint32_t cseq,
		 const char *auth);

/* A 2xx of another branch than the one that was taken, whose dialog is o: ACK
 * and BYE. */
void callreq_branch(struct calls *calls, const struct dialog *o,
		    const struct sip_msg *resp);

/* A 2xx nobody waits for: ACK again; of another branch or a former attempt:
 * as above. */
void callreq_stray(struct call *c, const struct sip_msg *resp);

/* Every INVITE carries these: Allow, Supported. */
#define CALL_HEADERS "Allow: " SIP_ALLOW "\r\nSupported: " SIP_SUPPORTED \
	"\r\n"

#endif
