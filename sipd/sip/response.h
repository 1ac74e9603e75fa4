/*
 * response.h: a response in bytes.
 */
#ifndef DIALTONE_SIP_RESPONSE_H
#define DIALTONE_SIP_RESPONSE_H

#include <stdarg.h>
#include <re.h>

/* Where it goes (RFC 3261 section 18.2.2). */
void response_addr(struct sa *dst, const struct sip_msg *msg);

/* The first Via of a request, with where that came from (18.2.1, RFC 3581). */
int response_via(struct mbuf *mb, const struct sip_msg *msg,
		 const struct sip_hdr *hdr);

/* The status line, and the headers that are copied; tag is ours. */
int response_head(struct mbuf *mb, const struct sip_msg *msg, uint64_t tag,
		  uint16_t scode, const char *phrase);

/* To msg, for dst. fmt: further headers, the empty line and the body; NULL:
 * none. Our tag is msg->tag. */
int response_make(struct mbuf **mbp, struct sa *dst,
		  const struct sip_msg *msg, const char *software,
		  uint16_t scode, const char *phrase, const char *fmt,
		  va_list ap);

int response_reply(struct mbuf **mbp, struct sa *dst,
		   const struct sip_msg *msg, const char *software,
		   uint16_t scode, const char *phrase, const char *fmt, ...);

/* A refusal without a transaction: 503 has a Retry-After, for who asks too
 * much. EINVAL for what cannot be answered: a response, an ACK, a request
 * without a proper Via. */
int response_refuse(struct mbuf **mbp, struct sa *dst,
		    const struct sip_msg *msg, uint16_t scode,
		    const char *phrase);
int response_busy(struct mbuf **mbp, struct sa *dst,
		  const struct sip_msg *msg);

/* Are these bytes a response? */
bool response_is(const struct mbuf *mb);

#endif
