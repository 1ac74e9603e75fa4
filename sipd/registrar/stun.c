/*
 * stun.c: answers STUN Binding requests on the registrar's UDP ports, so that
 * clients learn their mapped address and keep their NAT binding alive.
 *
 * Owns nothing; called by transport.c when the configuration has stun=yes.
 */
#include "sipd/registrar/stun.h"

enum {
	STUN_MAX    = 1500,     /* bytes, no honest request is longer */
	STUN_ANSWER = 128,      /* at most */
};

void stun_answer(struct udp_sock *us, const struct sa *src, struct mbuf *mb,
		 struct quota *quota)
{
	struct stun_unknown_attr ua;
	struct stun_msg *msg = NULL;

	if (mbuf_get_left(mb) > STUN_MAX || stun_msg_decode(&msg, mb, &ua))
		return;
	if (stun_msg_class(msg) != STUN_CLASS_REQUEST ||
	    stun_msg_method(msg) != STUN_METHOD_BINDING ||
	    !quota_answer(quota, src, STUN_ANSWER))
		goto out;
	if (ua.typec)
		(void)stun_ereply(IPPROTO_UDP, us, src, 0, msg, 420,
				  "Unknown Attribute", NULL, 0, true, 1,
				  STUN_ATTR_UNKNOWN_ATTR, &ua);
	else
		(void)stun_reply(IPPROTO_UDP, us, src, 0, msg, NULL, 0,
				 stun_msg_attr(msg, STUN_ATTR_FINGERPRINT)
				 != NULL, 1, STUN_ATTR_XOR_MAPPED_ADDR, src);
 out:
	mem_deref(msg);
}
