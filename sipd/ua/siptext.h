/*
 * siptext.h: reading what the other side wrote into its headers, and writing
 * ours.
 */
#ifndef DIALTONE_UA_SIPTEXT_H
#define DIALTONE_UA_SIPTEXT_H

#include <re.h>
#include "sipd/ua/ua.h"

/* What this user agent can do. */
#define SIP_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, " \
	"UPDATE, PRACK"
#define SIP_SUPPORTED "100rel, timer"

/* Copy printable characters only, never more than size - 1; the rest becomes
 * '?'. For people and logs. */
void siptext_clean(char *dst, size_t size, const struct pl *src);

/* The first Contact (bounded; libre's decoder is quadratic). EBADMSG, also
 * if it is no SIP URI. */
int siptext_contact(struct sip_addr *addr, const struct sip_msg *msg);

/* The same for any address header value. */
int siptext_addr(struct sip_addr *addr, const struct pl *val);

/* The first digits of a header as a number; false if there is none. */
bool siptext_number(uint32_t *n, const struct sip_msg *msg,
		    enum sip_hdrid id);

/* Scode, text and key of a refusal (phrase, Warning, Reason, Retry-After) or
 * of a BYE or CANCEL (Reason). */
void siptext_end(struct call_end *end, const struct sip_msg *msg);

/* "Reason: dialtone;cause=1;text="KEY: text"", or nothing without key. */
int siptext_reason(struct re_printf *pf, const struct call_end *end);

/* The body of a message; points into it. */
struct call_body siptext_body(const struct sip_msg *msg, char *ctype,
			      size_t size);

/* "Content-Type: ...", Content-Length, empty line and body; b may be NULL. */
int siptext_body_print(struct re_printf *pf, const struct call_body *b);

#endif
