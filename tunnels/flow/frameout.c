/*
 * frameout.c: packets to bytes.
 *
 *   [packet packet packet] --> [len][packet][len][packet]... --> socket
 *                                        '--> one record --> TLS --> socket
 *
 * A packet that was begun is kept and goes first the next time; with TLS what
 * was refused is kept whole, for it must be offered once more as it was.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "tunnels/flow/frameout.h"

enum {
	HEAD   = FRAMES_HEAD,
	SEGS   = 32,                    /* packets of one system call */
	RECORD = 16384,                 /* bytes, RFC 8446 section 5.1 */
};

static size_t head_len(const struct frameout *o)
{
	return o->framing == FRAMING_RFC4571 ? HEAD : 0;
}

static int room(struct frameout *o, size_t n)
{
	/* of bytes that are left. NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI) */
	uint8_t *q = realloc(o->rest, n);

	if (!q)
		return ENOMEM;
	o->rest = q;
	return 0;
}

/* One packet, of which `gone` bytes with its head are out already. */
static int keep(struct frameout *o, const uint8_t *p, size_t n, size_t gone)
{
	const size_t head = head_len(o);
	int err = room(o, HEAD + n);

	if (err)
		return err;
	frames_head(o->rest, n);
	memcpy(o->rest + head, p, n);
	o->rest_len = head + n - gone;
	memmove(o->rest, o->rest + gone, o->rest_len);
	return 0;
}

int frameout_first(struct frameout *o, const uint8_t *p, size_t n)
{
	return keep(o, p, n, 0);
}

static int flush_some(struct frameout *o, size_t *np)
{
	ssize_t n;

	if (o->tls) {
		n = tlsfd_send(o->tls, o->rest, o->rest_len);
		*np = n > 0 ? (size_t)n : 0;
		return n > 0 ? 0 : n ? ECONNRESET : EAGAIN;
	}
	n = send(o->fd, o->rest, o->rest_len, MSG_NOSIGNAL);
	*np = n > 0 ? (size_t)n : 0;
	return n < 0 ? errno : 0;
}

int frameout_flush(struct frameout *o)
{
	while (o->rest_len) {
		size_t n;
		int err = flush_some(o, &n);

		if (err)
			return err;
		o->rest_len -= n;
		memmove(o->rest, o->rest + n, o->rest_len);
	}
	return 0;
}

/* As many packets as one system call takes; *done: what became of buf. */
static int send_some(struct frameout *o, const uint8_t *buf, size_t len,
		     size_t seg, size_t *done)
{
	const size_t head = head_len(o);
	uint8_t heads[SEGS][HEAD];
	struct iovec v[2 * SEGS];
	struct msghdr m = { .msg_iov = v };
	size_t pos = 0, sent;
	ssize_t n;

	for (size_t i = 0; i < SEGS && pos < len; i++) {
		const size_t part = min(seg, len - pos);

		frames_head(heads[i], part);
		v[2 * i] = (struct iovec){ heads[i], head };
		v[2 * i + 1] = (struct iovec){ (uint8_t *)buf + pos, part };
		m.msg_iovlen += 2;
		pos += part;
	}
	*done = 0;
	n = sendmsg(o->fd, &m, MSG_NOSIGNAL);
	if (n < 0)
		return errno;
	for (sent = (size_t)n; sent && *done < len; ) {
		const size_t part = min(seg, len - *done);

		if (sent < head + part) {
			int err = keep(o, buf + *done, part, sent);

			*done += part;
			return err ? err : EAGAIN;
		}
		sent -= head + part;
		*done += part;
	}
	return 0;
}

/* The same by one record; a packet that is larger goes by several. */
static int tls_some(struct frameout *o, const uint8_t *buf, size_t len,
		    size_t seg, size_t *done)
{
	uint8_t rec[RECORD];
	size_t n = 0;
	ssize_t sent;
	int err;

	for (*done = 0; *done < len; ) {
		const size_t part = min(seg, len - *done);

		if (HEAD + part > sizeof rec - n)
			break;
		frames_head(rec + n, part);
		memcpy(rec + n + HEAD, buf + *done, part);
		n += HEAD + part;
		*done += part;
	}
	if (!n) {
		*done = min(seg, len);
		err = keep(o, buf, *done, 0);
		return err ? err : frameout_flush(o);
	}
	sent = tlsfd_send(o->tls, rec, n);
	if (sent < 0)
		return ECONNRESET;
	if ((size_t)sent == n)
		return 0;
	err = room(o, n - (size_t)sent);
	if (err)
		return err;
	o->rest_len = n - (size_t)sent;
	memcpy(o->rest, rec + sent, o->rest_len);
	return EAGAIN;
}

int frameout_write(struct frameout *o, const uint8_t *buf, size_t len,
		   size_t seg, size_t *done)
{
	int err = frameout_flush(o);

	for (*done = 0; !err && *done < len; ) {
		size_t n;

		err = o->tls ? tls_some(o, buf + *done, len - *done, seg, &n)
			: send_some(o, buf + *done, len - *done, seg, &n);
		*done += n;
	}
	return err;
}
