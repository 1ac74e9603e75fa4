/*
 * malformed.c: what is refused unread is still answered (RFC 4475 section
 * 3.1.2): 400, or 505 to another version of SIP.
 *
 *   start line --> headers that an answer copies, as they came --> port
 *
 * One pass, no decoder: lines are taken whole or not at all. Whoever has
 * asked precheck.c in vain calls this, and sends by way of quota.c, so that
 * nobody gets more bytes than were sent in his name.
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/malformed.h"
#include "sipd/sip/precheck.h"

/* Copied once each, but Via: all of them. */
static const char *const copyv[] = { "From", "To", "Call-ID", "CSeq" };

enum { COPIES = sizeof copyv / sizeof copyv[0], TO = 1 };

static void trim(struct pl *pl)
{
	while (pl->l && strchr(" \t\r\n", pl->p[pl->l - 1]))
		--pl->l;
}

/* The status for a start line; 0: this is no request. */
static uint16_t status(const struct pl *start)
{
	static const char version[] = "SIP/2.0";
	struct pl pl = *start;
	const char *sp;

	trim(&pl);
	sp = pl_strrchr(&pl, ' ');
	if (!sp || pl.p[0] <= ' ' || !strncasecmp(pl.p, "SIP/", 4) ||
	    !strncmp(pl.p, "ACK ", 4))
		return 0;
	pl_advance(&pl, sp + 1 - pl.p);
	if (pl.l != sizeof version - 1 || strncasecmp(pl.p, version, 4))
		return 0;
	return pl_strcasecmp(&pl, version) ? 505 : 400;
}

/* The header at the start of rest with its folded lines; rest is what comes
 * after. False: the head ends, or is cut off. */
static bool header_next(struct pl *hdr, struct pl *rest)
{
	const char *nl;

	hdr->p = rest->p;
	do {
		nl = memchr(rest->p, '\n', rest->l);
		if (!nl)
			return false;
		pl_advance(rest, nl + 1 - rest->p);
	} while (rest->l && (*rest->p == ' ' || *rest->p == '\t'));
	hdr->l = (size_t)(rest->p - hdr->p);
	return hdr->l > 2 && *hdr->p != '\r';
}

/* No control characters but those of line ends: what is sent back cannot be
 * read as more than it was. */
static bool clean(const struct pl *hdr)
{
	if (hdr->l > PRE_FIELD)
		return false;
	for (size_t i = 0; i < hdr->l; i++) {
		const char c = hdr->p[i];

		if ((unsigned char)c < ' ' && c != '\t' && c != '\n' &&
		    !(c == '\r' && i + 1 < hdr->l && hdr->p[i + 1] == '\n'))
			return false;
	}
	return true;
}

/* Sent-by's port; the one it came from if there is rport (RFC 3581). */
static void via_port(struct sa *dst, const struct pl *via)
{
	struct pl sent = *via, params = pl_null, port;
	const char *end = memchr(sent.p, ',', sent.l);

	if (end)
		sent.l = (size_t)(end - sent.p);
	end = memchr(sent.p, ';', sent.l);
	if (end) {
		params.p = end;
		params.l = (size_t)(sent.p + sent.l - end);
		sent.l = (size_t)(end - sent.p);
	}
	if (!msg_param_exists(&params, "rport", &port))
		return;
	trim(&sent);
	end = pl_strrchr(&sent, ':');
	port = pl_null;
	if (end) {
		port.p = end + 1;
		port.l = (size_t)(sent.p + sent.l - port.p);
	}
	sa_set_port(dst, pl_isset(&port) && !memchr(port.p, ']', port.l) &&
		    pl_u32(&port) ? (uint16_t)pl_u32(&port) : SIP_PORT);
}

struct answer {
	struct mbuf *mb;
	bool via, seen[COPIES];
};

/* Every response has a To tag, whatever the request had. */
static int to_write(struct mbuf *mb, const struct pl *value)
{
	struct pl pl = *value, end;

	trim(&pl);
	return mbuf_printf(mb, "To: %r", &pl) |
		(msg_param_exists(&pl, "tag", &end) ?
		 mbuf_printf(mb, ";tag=%016llx\r\n", rand_u64()) :
		 mbuf_write_str(mb, "\r\n"));
}

static int header_copy(struct answer *a, const struct pl *hdr,
		       const struct pl *value, const char *name)
{
	if (!strcmp(name, "Via")) {
		a->via = true;
		return mbuf_write_pl(a->mb, hdr);
	}
	for (size_t i = 0; i < COPIES; i++) {
		if (strcmp(name, copyv[i]) || a->seen[i])
			continue;
		a->seen[i] = true;
		return i == TO ? to_write(a->mb, value) :
			mbuf_write_pl(a->mb, hdr);
	}
	return 0;
}

static int headers(struct answer *a, struct sa *dst, bool udp, struct pl *rest)
{
	struct pl hdr, value;
	const char *name;
	size_t at;
	int err = 0;

	while (!err && header_next(&hdr, rest)) {
		name = precheck_header((const uint8_t *)hdr.p, hdr.l, &at);
		if (!name || !clean(&hdr))
			continue;
		value = hdr;
		pl_advance(&value, (ssize_t)at);
		while (value.l && strchr(" \t", *value.p))
			pl_advance(&value, 1);
		if (udp && !a->via && !strcmp(name, "Via"))
			via_port(dst, &value);
		err = header_copy(a, &hdr, &value, name);
	}
	return err;
}

int malformed_answer(struct mbuf **mbp, struct sa *dst, bool udp,
		     const uint8_t *p, size_t n)
{
	const uint8_t *nl = n ? memchr(p, '\n', n < PRE_START ? n : PRE_START)
		: NULL;
	struct pl start = { (const char *)p, nl ? (size_t)(nl - p) : 0 };
	struct pl rest = { (const char *)p, n < PRE_HEAD ? n : PRE_HEAD };
	const uint16_t scode = status(&start);
	struct answer a = { .mb = NULL };
	int err;

	if (!scode)
		return EBADMSG;
	a.mb = mbuf_alloc(512);
	if (!a.mb)
		return ENOMEM;
	pl_advance(&rest, (ssize_t)start.l + 1);
	err  = mbuf_printf(a.mb, "SIP/2.0 %u %s\r\n", scode, scode == 400 ?
			   "Bad Request" : "Version Not Supported");
	err |= headers(&a, dst, udp, &rest);
	err |= mbuf_write_str(a.mb, "Content-Length: 0\r\n\r\n");
	if (err || !a.via) {
		mem_deref(a.mb);
		return err ? err : EBADMSG;
	}
	a.mb->pos = 0;
	*mbp = a.mb;
	return 0;
}
