/*
 * precheck.c: one linear pass over a message before it is decoded.
 *
 * libre's decoder matches the start line and some headers with regular
 * expressions that take quadratic time: 60 kB of "a b a b" stall it for
 * seconds, before anybody is authenticated. So whatever it gets has a proper
 * start line, short fields where it matches, each single-valued header once,
 * and addresses whose quotes are closed. The same pass frames streams. The
 * transports of the ua and of the registrar ask here; malformed.c answers what
 * does not pass.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "sipd/sip/precheck.h"

/* Headers the decoder looks into, or that may stand only once. */
static const struct field {
	const char *name;
	char compact;
	bool once;
	bool address;
} fieldv[] = {
	{ "Call-ID",        'i', true,  false },
	{ "CSeq",           0,   true,  false },
	{ "From",           'f', true,  true  },
	{ "To",             't', true,  true  },
	{ "Via",            'v', false, false },
	{ "Content-Type",   'c', true,  false },
	{ "Content-Length", 'l', true,  false },
	{ "Max-Forwards",   0,   true,  false },
	{ "Contact",        'm', false, true  },
	{ "Record-Route",   0,   false, true  },
};

enum { FIELDS = sizeof fieldv / sizeof fieldv[0], CSEQ = 1, CLEN = 6 };

struct scan {
	struct precheck *pc;
	unsigned seen;          /* bit per fieldv */
	unsigned headers, commas;
	const struct field *f;  /* of the header in hand */
	size_t len;             /* its length with folded lines */
	/* in its value, if that is an address */
	bool quoted, escaped, angle, named;
};

static bool token_char(uint8_t c)
{
	return c > ' ' && c < 0x7f;
}

/* The decoder takes whatever is not a request of SIP/2.0 for a response. */
static bool version_ok(const uint8_t *p, size_t n)
{
	static const char first[] = "SIP/2.0 ", last[] = " SIP/2.0";
	const size_t len = sizeof first - 1;

	return n > len && (!strncasecmp((const char *)p, first, len) ||
			   !strncasecmp((const char *)p + n - len, last, len));
}

static bool alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* host, host:port or [IPv6]:port before parameters and headers; more colons
 * are an IPv6 address without its brackets (RFC 5118 section 4.2). */
static bool hostport_ok(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *close;
	unsigned colons = 0;

	if (n && *p == '[') {
		close = memchr(p, ']', n);
		if (!close)
			return false;
		p = close;
	}
	for (; p < end && *p != ';' && *p != '?'; p++)
		colons += *p == ':';
	return colons < 2;
}

/* A Request-URI begins with the letter of a scheme; of SIP's own we know
 * what else belongs to it. */
static bool uri_ok(const uint8_t *p, size_t n)
{
	const uint8_t *colon = memchr(p, ':', n), *host, *at;

	if (!n || !alpha(*p))
		return false;
	if (!colon || strncasecmp((const char *)p, "sip", 3) ||
	    colon - p > 4 || (colon - p == 4 && (p[3] | 0x20) != 's'))
		return true;
	at = memrchr(p, '@', n);
	host = at && at > colon ? at + 1 : colon + 1;
	return hostport_ok(host, (size_t)(p + n - host));
}

/* Request-Line or Status-Line (RFC 3261 section 7): two words with a space
 * after each, and the version or a reason; no control characters. */
static bool start_ok(const uint8_t *p, size_t n)
{
	size_t i = 0, at = 0;
	bool request;

	if (n && p[n - 1] == '\r')
		--n;
	if (!version_ok(p, n))
		return false;
	request = strncasecmp((const char *)p, "SIP/2.0 ", 8) != 0;
	for (unsigned word = 0; word < 2; word++) {
		at = i;
		while (i < n && token_char(p[i]))
			++i;
		if (i == at || i >= n || p[i++] != ' ')
			return false;
	}
	if (request)            /* nothing but the version follows */
		return i + 7 == n && uri_ok(p + at, i - 1 - at);
	for (; i < n; i++)
		if (p[i] < ' ' && p[i] != '\t')
			return false;
	return true;
}

static const struct field *field_find(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const struct field *f = &fieldv[i];

		if (n == 1 && f->compact && (p[0] | 0x20) == f->compact)
			return f;
		if (n == strlen(f->name) &&
		    !strncasecmp((const char *)p, f->name, n))
			return f;
	}
	return NULL;
}

static int clen_read(struct precheck *pc, const uint8_t *p, size_t n)
{
	size_t i = 0, digits = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		++i;
	for (; i < n && p[i] >= '0' && p[i] <= '9'; i++, digits++) {
		pc->clen = 10 * pc->clen + (p[i] - '0');
		if (pc->clen > PRE_BODY)
			return EMSGSIZE;
	}
	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r'))
		++i;
	pc->has_clen = true;
	return digits && i == n ? 0 : EBADMSG;
}

/* libre's number would wrap (RFC 4475 section 3.1.2.4). */
static int cseq_check(const uint8_t *p, size_t n)
{
	uint64_t num = 0;
	size_t i = 0;

	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		++i;
	for (; i < n && p[i] >= '0' && p[i] <= '9'; i++) {
		num = 10 * num + (p[i] - '0');
		if (num > UINT32_MAX)
			return EBADMSG;
	}
	return 0;
}

/* Length of the name before the colon; 0: there is none. */
static size_t name_len(const uint8_t *p, size_t n, size_t *value)
{
	const uint8_t *colon = memchr(p, ':', n);
	size_t name = colon ? (size_t)(colon - p) : 0;

	*value = name + 1;
	while (name && (p[name - 1] == ' ' || p[name - 1] == '\t'))
		--name;
	return name;
}

const char *precheck_header(const uint8_t *p, size_t n, size_t *value)
{
	const struct field *f = field_find(p, name_len(p, n, value));

	return f ? f->name : NULL;
}

/* A line that begins a header. */
static int header_begin(struct scan *s, const uint8_t *p, size_t n)
{
	size_t value, name = name_len(p, n, &value);

	if (!name || s->quoted)
		return EBADMSG;
	if (++s->headers > PRE_COUNT)
		return EMSGSIZE;
	for (size_t i = 0; i < name; i++)
		if (!token_char(p[i]))
			return EBADMSG;
	s->f = field_find(p, name);
	s->len = 0;
	s->escaped = s->angle = s->named = false;
	if (!s->f)
		return 0;
	if (s->f->once && s->seen & 1u << (s->f - fieldv))
		return EBADMSG;
	s->seen |= 1u << (s->f - fieldv);
	if (s->f == &fieldv[CLEN])
		return clen_read(s->pc, p + value, n - value);
	if (s->f == &fieldv[CSEQ])
		return cseq_check(p + value, n - value);
	return 0;
}

/* Of an address: a quoted string ends; one value where one may stand; NUL
 * only where the grammar has it, escaped in a display name (RFC 4475 section
 * 3.1.1.2), which nobody here makes a C string of. */
static bool address_char(struct scan *s, uint8_t c)
{
	if (s->escaped) {
		s->escaped = false;
		return c || (s->f->once && !s->named);
	}
	if (s->quoted) {
		s->escaped = c == '\\';
		s->quoted = c != '"';
		return c;
	}
	switch (c) {
	case '"':
		s->quoted = !s->angle;
		break;
	case '<':
		s->angle = s->named = true;
		break;
	case '>':
		s->angle = false;
		break;
	case ',':
		return s->angle || !s->f->once;
	}
	return c;
}

static int line(struct scan *s, const uint8_t *p, size_t n)
{
	bool folded = p[0] == ' ' || p[0] == '\t';
	int err;

	if (folded && (!s->headers || s->f == &fieldv[CLEN]))
		return EBADMSG;
	err = folded ? 0 : header_begin(s, p, n);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (s->f && s->f->address ? !address_char(s, p[i]) : !p[i])
			return EBADMSG;
		s->commas += p[i] == ',';
	}
	s->len += n;
	if (s->commas > PRE_COMMAS ||
	    s->len > (s->f ? PRE_FIELD : PRE_HEADER))
		return EMSGSIZE;
	return 0;
}

int precheck(struct precheck *pc, const uint8_t *p, size_t n)
{
	struct scan s = { .pc = pc };
	const uint8_t *nl;
	size_t pos, len;
	int err;

	memset(pc, 0, sizeof *pc);
	if (!n)
		return ENODATA;
	nl = memchr(p, '\n', n < PRE_START ? n : PRE_START);
	if (!nl)
		return n < PRE_START ? ENODATA : EMSGSIZE;
	if (!start_ok(p, (size_t)(nl - p)))
		return EBADMSG;
	for (pos = (size_t)(nl - p) + 1; ; pos += len + 1) {
		if (pos > PRE_HEAD)
			return EMSGSIZE;
		nl = memchr(p + pos, '\n', n - pos);
		if (!nl)
			return n > PRE_HEAD ? EMSGSIZE : ENODATA;
		len = (size_t)(nl - (p + pos));
		if (len == 0 || (len == 1 && p[pos] == '\r'))
			break;
		err = line(&s, p + pos, len);
		if (err)
			return err;
	}
	pc->head = pos + len + 1;
	return s.quoted ? EBADMSG : 0;
}
