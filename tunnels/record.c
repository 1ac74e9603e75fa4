/*
 * record.c: typed records on a stream. See record.h for their shape.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/record.h"

/* The position is the code: add at the end only. */
static const int codes[] = {
	0, EACCES, ENOENT, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH,
	ETIMEDOUT, ENOSPC, EDQUOT, EFBIG, EROFS, EEXIST, ENOTDIR, EISDIR,
	ENAMETOOLONG, EINVAL, EBADMSG, ENOTSUP, EADDRINUSE, EADDRNOTAVAIL,
	EPIPE, ECONNRESET, ECANCELED, ENOMEM, EMFILE, EBUSY, EPERM, ELOOP,
	ESTALE, ENFILE,
};
enum { CODE_COUNT = sizeof codes / sizeof codes[0] };

uint8_t record_errno_code(int err)
{
	for (unsigned i = 0; i < CODE_COUNT; i++)
		if (codes[i] == err)
			return (uint8_t)i;
	return 255;
}

int record_code_errno(uint64_t code)
{
	return code < CODE_COUNT ? codes[code] : EIO;
}

void record_header(uint8_t hdr[RECORD_HDR], uint8_t type, uint32_t n)
{
	hdr[0] = type;
	for (unsigned i = 0; i < 4; i++)
		hdr[1 + i] = (uint8_t)(n >> (24 - 8 * i));
}

static uint32_t header_length(const uint8_t hdr[RECORD_HDR])
{
	return (uint32_t)hdr[1] << 24 | (uint32_t)hdr[2] << 16 |
	       (uint32_t)hdr[3] << 8 | hdr[4];
}

/* Take bytes of the next header; true when it is complete. */
static bool header_feed(struct record_reader *r, const uint8_t **p, size_t *n)
{
	size_t k = RECORD_HDR - r->hdrlen;

	if (k > *n)
		k = *n;
	memcpy(r->hdr + r->hdrlen, *p, k);
	r->hdrlen += (unsigned)k;
	*p += k;
	*n -= k;
	return r->hdrlen == RECORD_HDR;
}

static bool is_bulk(const struct record_reader *r, const struct record_sink *k)
{
	return r->hdr[0] < 32 && k->bulk & RECORD_BULK(r->hdr[0]);
}

static int header_check(struct record_reader *r, const struct record_sink *k)
{
	r->left = header_length(r->hdr);
	if (r->left > (is_bulk(r, k) ? RECORD_BULK_MAX : RECORD_BODY_MAX))
		return EBADMSG;
	return 0;
}

/* A record that must be whole: straight from p if it is there, else kept. */
static int whole_feed(struct record_reader *r, const struct record_sink *k,
		      const uint8_t *p, size_t n, void *arg)
{
	const bool kept = r->body && r->body->end;
	int err;

	r->left -= (uint32_t)n;
	if (!kept && !r->left)
		return k->recordh(r->hdr[0], p, n, arg);
	if (!r->body)
		r->body = mbuf_alloc(256);
	if (!r->body)
		return ENOMEM;
	err = mbuf_write_mem(r->body, p, n);
	if (err || r->left)
		return err;
	err = k->recordh(r->hdr[0], r->body->buf, r->body->end, arg);
	mbuf_rewind(r->body);
	return err;
}

int record_feed(struct record_reader *r, const struct record_sink *k,
		const uint8_t *p, size_t n, void *arg)
{
	int err = 0;

	while (n && !err) {
		size_t m;

		if (r->hdrlen < RECORD_HDR) {
			if (!header_feed(r, &p, &n))
				break;
			err = header_check(r, k);
			if (err)
				break;
		}
		m = n < r->left ? n : r->left;
		if (is_bulk(r, k)) {
			r->left -= (uint32_t)m;
			if (m)
				err = k->bulkh(p, m, arg);
		}
		else if (m || !r->left) {
			err = whole_feed(r, k, p, m, arg);
		}
		p += m;
		n -= m;
		if (!r->left)
			r->hdrlen = 0;
	}
	return err;
}

int record_first(struct record_reader *r, const uint8_t **p, size_t *n,
		 bool *whole)
{
	static const struct record_sink none = { 0, NULL, NULL };
	size_t m;
	int err;

	*whole = false;
	if (r->hdrlen < RECORD_HDR) {
		if (!header_feed(r, p, n))
			return 0;
		err = r->hdr[0] ? header_check(r, &none) : EBADMSG;
		if (err)
			return err;
	}
	m = *n < r->left ? *n : r->left;
	if (m && !r->body)
		r->body = mbuf_alloc(r->left);
	if (m && !r->body)
		return ENOMEM;
	err = m ? mbuf_write_mem(r->body, *p, m) : 0;
	*p += m;
	*n -= m;
	r->left -= (uint32_t)m;
	*whole = !r->left;
	return err;
}

static int keep(struct record_writer *w, const uint8_t *p, size_t n)
{
	size_t pos;
	int err;

	if (!n)
		return 0;
	if (!w->backlog)
		w->backlog = mbuf_alloc(n);
	if (!w->backlog)
		return ENOMEM;
	if (mbuf_get_left(w->backlog) + n > RECORD_BACKLOG_MAX)
		return ENOBUFS;
	/* pos is where writing to the stream goes on */
	pos = w->backlog->pos;
	w->backlog->pos = w->backlog->end;
	err = mbuf_write_mem(w->backlog, p, n);
	w->backlog->pos = pos;
	return err;
}

static int put(struct record_writer *w, const uint8_t *p, size_t n)
{
	size_t done = 0;

	if (!w->backlog)
		done = stream_write(w->s, p, n);
	return keep(w, p + done, n - done);
}

int record_write(struct record_writer *w, uint8_t type, const void *body,
		 size_t n)
{
	uint8_t buf[512];
	int err;

	if (n > RECORD_BULK_MAX)
		return EMSGSIZE;
	record_header(buf, type, (uint32_t)n);
	/* most are small: one copy more is cheaper than two writes */
	if (n <= sizeof buf - RECORD_HDR) {
		if (n)
			memcpy(buf + RECORD_HDR, body, n);
		return put(w, buf, RECORD_HDR + n);
	}
	err = put(w, buf, RECORD_HDR);
	return err ? err : put(w, body, n);
}

bool record_flush(struct record_writer *w)
{
	struct mbuf *mb = w->backlog;

	if (!mb)
		return true;
	mb->pos += stream_write(w->s, mbuf_buf(mb), mbuf_get_left(mb));
	if (mbuf_get_left(mb))
		return false;
	w->backlog = mem_deref(mb);
	return true;
}

size_t record_reserve(struct record_writer *w, uint8_t **pp)
{
	size_t n;

	if (!record_flush(w))
		return 0;
	/* the flow gives a page or nothing */
	n = stream_reserve(w->s, pp);
	if (n <= RECORD_HDR)
		return 0;
	*pp += RECORD_HDR;
	n -= RECORD_HDR;
	return n < RECORD_BULK_MAX ? n : RECORD_BULK_MAX;
}

void record_commit(struct record_writer *w, uint8_t type, size_t n)
{
	uint8_t *p;

	if (!n || stream_reserve(w->s, &p) < n + RECORD_HDR)
		return;
	record_header(p, type, (uint32_t)n);
	stream_commit(w->s, n + RECORD_HDR);
}

uint64_t fields_uint(struct fields *f, unsigned bytes)
{
	uint64_t v = 0;

	if (f->bad || (size_t)(f->end - f->p) < bytes) {
		f->bad = true;
		return 0;
	}
	while (bytes--)
		v = v << 8 | *f->p++;
	return v;
}

int fields_text(struct fields *f, char *buf, size_t size)
{
	const size_t n = (size_t)fields_uint(f, 2);

	buf[0] = '\0';
	if (f->bad || (size_t)(f->end - f->p) < n || memchr(f->p, 0, n)) {
		f->bad = true;
		return EBADMSG;
	}
	if (n >= size) {
		f->p += n;
		return ENAMETOOLONG;
	}
	memcpy(buf, f->p, n);
	buf[n] = '\0';
	f->p += n;
	return 0;
}

int fields_put_uint(struct mbuf *mb, uint64_t v, unsigned bytes)
{
	int err = 0;

	while (bytes-- && !err)
		err = mbuf_write_u8(mb, (uint8_t)(v >> (8 * bytes)));
	return err;
}

int fields_put_text(struct mbuf *mb, const char *text)
{
	const size_t n = str_len(text);
	int err;

	if (n > UINT16_MAX)
		return EMSGSIZE;
	err = fields_put_uint(mb, n, 2);
	return err || !n ? err : mbuf_write_mem(mb, (const uint8_t *)text, n);
}
