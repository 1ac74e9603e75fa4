/*
 * http.c: reads HTTP answers of routers: one pass, no allocation.
 * Called by fetch.c for what came, by upnp.c for SSDP, which has the same
 * form, and for addresses.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/http.h"
#include "sdp/addr.h"

enum { PORT_DEFAULT = 80 };

/* The next line of what is left, without its end. False: none is whole. */
static bool line(struct pl *l, struct pl *left)
{
	const char *end = memchr(left->p, '\n', left->l);

	if (!end)
		return false;
	l->p = left->p;
	l->l = (size_t)(end - left->p);
	left->l -= l->l + 1;
	left->p = end + 1;
	if (l->l && l->p[l->l - 1] == '\r')
		l->l--;
	return true;
}

static void trim(struct pl *pl)
{
	while (pl->l && (*pl->p == ' ' || *pl->p == '\t'))
		pl_advance(pl, 1);
	while (pl->l && (pl->p[pl->l - 1] == ' ' ||
			 pl->p[pl->l - 1] == '\t'))
		pl->l--;
}

bool http_field(struct pl *val, const struct pl *header, const char *name)
{
	struct pl left = *header, l;
	size_t n = strlen(name);

	while (line(&l, &left)) {
		if (l.l <= n || l.p[n] != ':' || strncasecmp(l.p, name, n))
			continue;
		pl_advance(&l, (ssize_t)n + 1);
		trim(&l);
		*val = l;
		return true;
	}
	return false;
}

int http_url(struct sa *host, struct pl *path, const struct pl *url)
{
	static const char scheme[] = "http://";
	const size_t n = sizeof scheme - 1;
	struct pl left = *url, name, port = PL_INIT;
	size_t len;

	if (left.l < n || strncasecmp(left.p, scheme, n))
		return EBADMSG;
	pl_advance(&left, (ssize_t)n);
	for (len = 0; len < left.l && left.p[len] != '/'; len++)
		;
	name.p = left.p;
	name.l = len;
	pl_advance(&left, (ssize_t)len);
	for (size_t i = 0; i < name.l; i++) {
		if (name.p[i] != ':')
			continue;
		port.p = name.p + i + 1;
		port.l = name.l - i - 1;
		name.l = i;
		break;
	}
	if (port.p && (!port.l || port.l > 5 || !pl_u32(&port) ||
		       pl_u32(&port) > UINT16_MAX))
		return EBADMSG;
	*path = left;
	return addr_decode(host, &name, port.p ? (uint16_t)pl_u32(&port)
			   : PORT_DEFAULT) ? EBADMSG : 0;
}

static int status(unsigned *scode, const struct pl *l)
{
	if (l->l < 12 || strncmp(l->p, "HTTP/1.", 7) || l->p[8] != ' ')
		return EBADMSG;
	*scode = 0;
	for (int i = 9; i < 12; i++) {
		if (l->p[i] < '0' || l->p[i] > '9')
			return EBADMSG;
		*scode = *scode * 10 + (unsigned)(l->p[i] - '0');
	}
	return 0;
}

/* RFC 9112 section 7.1: size in hex; extensions and trailers are skipped. */
static int chunk_size(size_t *size, const struct pl *l)
{
	size_t n = 0;
	unsigned digits = 0;

	for (; digits < l->l; digits++) {
		char c = l->p[digits];

		if (c == ';' || c == ' ')
			break;
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		      (c >= 'A' && c <= 'F')))
			return EBADMSG;
		n = n << 4 | ch_hex(c);
		if (n > HTTP_ANSWER_MAX)
			return EBADMSG;
	}
	*size = n;
	return digits ? 0 : EBADMSG;
}

/* Walk over the chunks; with dst, move what is in them there, which is never
 * beyond what has been read. */
static int chunks(size_t *total, char *dst, const char *buf, size_t len)
{
	struct pl left = { buf, len }, l;
	size_t n;

	*total = 0;
	while (line(&l, &left)) {
		int err = chunk_size(&n, &l);

		if (err || !n)
			return err;
		if (left.l <= n)
			return EAGAIN;
		if (dst)
			memmove(dst + *total, left.p, n);
		*total += n;
		pl_advance(&left, (ssize_t)n);
		if (!line(&l, &left))
			return EAGAIN;
		if (l.l)
			return EBADMSG;
	}
	return EAGAIN;
}

static int body_decode(struct http_answer *a, const struct pl *header,
		       char *buf, size_t len, bool eof)
{
	struct pl val;
	uint32_t n;
	int err;

	a->body.p = buf;
	if (http_field(&val, header, "Transfer-Encoding") &&
	    !pl_strcasecmp(&val, "chunked")) {
		err = chunks(&a->body.l, NULL, buf, len);
		if (!err)
			err = chunks(&a->body.l, buf, buf, len);
		return err == EAGAIN && eof ? EBADMSG : err;
	}
	a->body.l = len;
	if (!http_field(&val, header, "Content-Length"))
		return eof ? 0 : EAGAIN;
	n = pl_u32(&val);
	if (val.l > 7 || n > HTTP_ANSWER_MAX)
		return EBADMSG;
	if (len < n)
		return eof ? EBADMSG : EAGAIN;
	a->body.l = n;
	return 0;
}

int http_decode(struct http_answer *a, char *buf, size_t len, bool eof)
{
	struct pl left = { buf, len }, l, header;
	int err;

	if (len > HTTP_ANSWER_MAX)
		return EBADMSG;
	if (!line(&l, &left))
		return eof ? EBADMSG : EAGAIN;
	err = status(&a->scode, &l);
	if (err)
		return err;
	header.p = left.p;
	do {
		if (!line(&l, &left))
			return eof ? EBADMSG : EAGAIN;
	} while (l.l);
	header.l = (size_t)(left.p - header.p);
	return body_decode(a, &header, buf + (left.p - buf), left.l, eof);
}
