/*
 * response.h: a response in bytes.
 */
#ifndef DIALTONE_SIP_RESPONSE_H
#define DIALTONE_SIP_RESPONSE_H

#include <re.h>

/* Where it goes (RFC 3261 section 18.2.2). */
void response_addr(struct sa *dst, const struct sip_msg *msg);

/* The first Via of a request, with where that came from (18.2.1, RFC 3581). */
int response_via(struct mbuf *mb, const struct sip_msg *msg,
		 const struct sip_hdr *hdr);

/* To msg; tag is ours, software for Server or NULL. fmt: further headers, the
 * empty line and the body; NULL: none. */
int response_make(struct mbuf **mbp, const struct sip_msg *msg, uint64_t tag,
		  const char *software, uint16_t scode, const char *phrase,
		  const char *fmt, ...);

/* A refusal without a transaction, for dst: 503 has a Retry-After, for who
 * asks too much. EINVAL for what cannot be answered: a response, an ACK, a
 * request without a proper Via. */
int response_refuse(struct mbuf **mbp, struct sa *dst,
		    const struct sip_msg *msg, uint16_t scode,
		    const char *phrase);
int response_busy(struct mbuf **mbp, struct sa *dst,
		  const struct sip_msg *msg);

/* Are these bytes a response? */
bool response_is(const struct mbuf *mb);

#endif
