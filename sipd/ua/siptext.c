/*
 * siptext.c: header values in and out, bounded and cleaned.
 *
 * libre splits a message into headers; what is inside of those that it does
 * not know is read here, in linear time, and reaches people only as printable
 * text.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/siptext.h"

enum {
	ADDR_MAX  = 512,        /* bytes of an address header */
	RETRY_MAX = 86400,
};

void siptext_clean(char *dst, size_t size, const struct pl *src)
{
	size_t i, n;

	if (!size)
		return;
	n = src->l < size - 1 ? src->l : size - 1;
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)src->p[i];

		dst[i] = (char)(c >= ' ' && c < 0x7f ? c : '?');
	}
	dst[i] = '\0';
}

static bool digits(uint32_t *n, const struct pl *val)
{
	uint64_t x = 0;
	size_t i;

	for (i = 0; i < val->l && val->p[i] >= '0' && val->p[i] <= '9'; i++) {
		x = 10 * x + (uint64_t)(val->p[i] - '0');
		if (x > UINT32_MAX)
			x = UINT32_MAX;
	}
	*n = (uint32_t)x;
	return i > 0;
}

bool siptext_number(uint32_t *n, const struct sip_msg *msg,
		    enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);

	return hdr && digits(n, &hdr->val);
}

/* In seconds, 0: not said; at most a day. */
static uint32_t retry_after(const struct sip_msg *msg)
{
	uint32_t n = 0;

	if (!siptext_number(&n, msg, SIP_HDR_RETRY_AFTER))
		return 0;
	return n < RETRY_MAX ? n : RETRY_MAX;
}

int siptext_addr(struct sip_addr *addr, const struct pl *val)
{
	if (val->l > ADDR_MAX || sip_addr_decode(addr, val))
		return EBADMSG;
	return 0;
}

int siptext_contact(struct sip_addr *addr, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);

	if (!hdr || siptext_addr(addr, &hdr->val) ||
	    (pl_strcasecmp(&addr->uri.scheme, "sip") &&
	     pl_strcasecmp(&addr->uri.scheme, "sips")))
		return EBADMSG;
	return 0;
}

/* The text between the first two quotes; without quotes nothing. */
static bool quoted(struct pl *out, const struct pl *val)
{
	const char *p = memchr(val->p, '"', val->l), *e;

	if (!p)
		return false;
	++p;
	e = memchr(p, '"', (size_t)(val->p + val->l - p));
	if (!e)
		return false;
	out->p = p;
	out->l = (size_t)(e - p);
	return true;
}

static bool begins(const struct pl *val, const char *word)
{
	size_t n = strlen(word);

	return val->l >= n && !strncasecmp(val->p, word, n) &&
		(val->l == n || !strchr("abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
					val->p[n]));
}

/* "KEY: text" of our own Reason. */
static void own_reason(struct call_end *end, const struct pl *text)
{
	const char *colon = memchr(text->p, ':', text->l);
	struct pl key = *text, rest = *text;

	if (!colon || (size_t)(colon - text->p) >= sizeof end->key)
		return;
	key.l = (size_t)(colon - text->p);
	pl_advance(&rest, (ssize_t)key.l + 1);
	if (rest.l && rest.p[0] == ' ')
		pl_advance(&rest, 1);
	siptext_clean(end->key, sizeof end->key, &key);
	siptext_clean(end->text, sizeof end->text, &rest);
}

/* Reason (RFC 3326): ours, or SIP;cause=NNN;text="..." */
static bool reason_handler(const struct sip_hdr *hdr,
			   const struct sip_msg *msg, void *arg)
{
	struct call_end *end = arg;
	struct pl text, cause = hdr->val;
	uint32_t n;
	(void)msg;

	if (begins(&hdr->val, "dialtone")) {
		if (quoted(&text, &hdr->val))
			own_reason(end, &text);
		return true;
	}
	if (begins(&hdr->val, "SIP")) {
		const char *p = memmem(cause.p, cause.l, "cause=", 6);

		if (p) {
			pl_advance(&cause, p + 6 - cause.p);
			if (digits(&n, &cause) && n >= 100 && n < 700 &&
			    !end->scode)
				end->scode = (uint16_t)n;
		}
	}
	if (quoted(&text, &hdr->val))
		siptext_clean(end->text, sizeof end->text, &text);
	return false;
}

void siptext_end(struct call_end *end, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr;
	struct pl text;

	if (!msg->req) {
		end->scode = msg->scode;
		end->retry_after = retry_after(msg);
		siptext_clean(end->text, sizeof end->text, &msg->reason);
		hdr = sip_msg_hdr(msg, SIP_HDR_WARNING);
		if (hdr && quoted(&text, &hdr->val))
			siptext_clean(end->text, sizeof end->text, &text);
	}
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_REASON, reason_handler,
				end);
}

/* What would break out of a quoted string or a line becomes '. */
static int quote_print(struct re_printf *pf, const char *s)
{
	int err = 0;

	for (; *s && !err; s++) {
		char c = *s;

		if ((unsigned char)c < ' ' || c == '"' || c == '\\' ||
		    c == 0x7f)
			c = '\'';
		err = pf->vph(&c, 1, pf->arg);
	}
	return err;
}

int siptext_reason(struct re_printf *pf, const struct call_end *end)
{
	if (!end || !end->key[0])
		return 0;
	return re_hprintf(pf, "Reason: dialtone;cause=1;text=\"%H: %H\"\r\n",
			  quote_print, end->key, quote_print, end->text);
}

struct call_body siptext_body(const struct sip_msg *msg, char *ctype,
			      size_t size)
{
	struct call_body b = { 0 };

	b.n = mbuf_get_left(msg->mb);
	if (!b.n)
		return b;
	b.p = (const char *)mbuf_buf(msg->mb);
	(void)re_snprintf(ctype, size, "%r/%r", &msg->ctyp.type,
			  &msg->ctyp.subtype);
	b.ctype = ctype;
	return b;
}

int siptext_body_print(struct re_printf *pf, const struct call_body *b)
{
	if (!b || !b->ctype)
		return re_hprintf(pf, "Content-Length: 0\r\n\r\n");
	return re_hprintf(pf, "Content-Type: %s\r\nContent-Length: %zu\r\n"
			  "\r\n%b", b->ctype, b->n, b->p, b->n);
}
