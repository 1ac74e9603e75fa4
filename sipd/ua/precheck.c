/*
 * precheck.c: one linear pass over a message before it is decoded.
 *
 * libre's decoder matches the start line and some headers with regular
 * expressions that take quadratic time: 60 kB of "a b a b" stall it for
 * seconds, before anybody is authenticated. So whatever it gets has a proper
 * start line, short fields where it matches, and each single-valued header
 * once. The same pass frames streams. transp.c and sipconn.c ask here.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "sipd/ua/precheck.h"

/* Headers the decoder looks into, or that may stand only once. */
static const struct field {
	const char *name;
	char compact;
	bool once;
	bool matched;
} fieldv[] = {
	{ "Call-ID",        'i', true,  true  },
	{ "CSeq",           0,   true,  true  },
	{ "From",           'f', true,  true  },
	{ "To",             't', true,  true  },
	{ "Via",            'v', false, true  },
	{ "Content-Type",   'c', true,  true  },
	{ "Content-Length", 'l', true,  true  },
	{ "Max-Forwards",   0,   true,  true  },
	{ "Contact",        'm', false, true  },
	{ "Record-Route",   0,   false, true  },
};

enum { FIELDS = sizeof fieldv / sizeof fieldv[0], CLEN = 6 };

struct scan {
	struct precheck *pc;
	unsigned seen;          /* bit per fieldv */
	unsigned headers, commas;
	const struct field *f;  /* of the header in hand */
	size_t len;             /* its length with folded lines */
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

/* token SP token SP anything, no control characters. */
static bool start_ok(const uint8_t *p, size_t n)
{
	size_t i = 0;

	if (n && p[n - 1] == '\r')
		--n;
	if (!version_ok(p, n))
		return false;
	for (unsigned word = 0; word < 2; word++) {
		size_t at = i;

		while (i < n && token_char(p[i]))
			++i;
		if (i == at || i >= n || p[i++] != ' ')
			return false;
	}
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

/* A line that begins a header. */
static int header_begin(struct scan *s, const uint8_t *p, size_t n)
{
	const uint8_t *colon = memchr(p, ':', n);
	size_t name = colon ? (size_t)(colon - p) : 0;

	while (name && (p[name - 1] == ' ' || p[name - 1] == '\t'))
		--name;
	if (!name)
		return EBADMSG;
	if (++s->headers > PRE_COUNT)
		return EMSGSIZE;
	for (size_t i = 0; i < name; i++)
		if (!token_char(p[i]))
			return EBADMSG;
	s->f = field_find(p, name);
	s->len = 0;
	if (!s->f)
		return 0;
	if (s->f->once && s->seen & 1u << (s->f - fieldv))
		return EBADMSG;
	s->seen |= 1u << (s->f - fieldv);
	if (s->f == &fieldv[CLEN])
		return clen_read(s->pc, colon + 1,
				 n - (size_t)(colon + 1 - p));
	return 0;
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
		if (!p[i])
			return EBADMSG;
		s->commas += p[i] == ',';
	}
	s->len += n;
	if (s->commas > PRE_COMMAS ||
	    s->len > (s->f && s->f->matched ? PRE_FIELD : PRE_HEADER))
		return EMSGSIZE;
	return 0;
}

int precheck(struct precheck *pc, const uint8_t *p, size_t n)
{
	struct scan s = { .pc = pc };
	const uint8_t *nl = memchr(p, '\n', n < PRE_START ? n : PRE_START);
	size_t pos, len;
	int err;

	memset(pc, 0, sizeof *pc);
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
	return 0;
}
