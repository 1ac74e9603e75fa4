/*
 * trans.h: what the transactions of user agents and of the registrar have in
 * common (RFC 3261 section 17).
 */
#ifndef DIALTONE_SIP_TRANS_H
#define DIALTONE_SIP_TRANS_H

#include <re.h>
#include "sdp/base/clock.h"

/* Section 17.1.1.1, in ns. */
#define T1 (SIP_T1 * MSEC)
#define T2 (SIP_T2 * MSEC)
#define T4 (SIP_T4 * MSEC)

/* A server transaction is known by branch and sent-by of the first Via and its
 * method (section 17.2.3), whatever their length; ACK and CANCEL ask for the
 * INVITE's. The key is a string of trans_key_size bytes. */
size_t trans_key_size(const struct sip_msg *msg);
void trans_key_write(char *key, const struct sip_msg *msg);
bool trans_key_is(const char *key, const struct sip_msg *msg,
		  const struct pl *met);

/* ACK for the failure rsp (section 17.1.1.3), or CANCEL (9.1, rsp NULL), of a
 * request as we sent it; headers: further lines, or NULL. */
int trans_followup(struct mbuf **mbp, const char *met, struct mbuf *sent,
		   const struct sip_msg *rsp, const char *headers);

#endif
