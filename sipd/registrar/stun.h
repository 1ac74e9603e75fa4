/*
 * stun.h: STUN Binding on a SIP port (RFC 5389, 5626 section 8).
 */
#ifndef DIALTONE_REGISTRAR_STUN_H
#define DIALTONE_REGISTRAR_STUN_H

#include <re.h>
#include "sipd/sip/quota.h"

/* Answer a Binding request, if src may get one; anything else is dropped. */
void stun_answer(struct udp_sock *us, const struct sa *src, struct mbuf *mb,
		 struct quota *quota);

#endif
