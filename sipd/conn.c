/*
 * conn.c: one connection of the control socket: lines in, events out; what the
 * words mean is in commands.c.
 *
 * A reader that does not read is cut off when OUT_MAX bytes wait for it; a
 * line longer than CONTROL_LINE_MAX ends its connection with an error, and so
 * does one that is not complete after LINE_TIME, the first included.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "sipd/conn.h"
#include "sipd/log.h"

enum {
	OUT_MAX = 4 * 1024 * 1024,
	JSON_DEPTH = 8,
	FDS = 2,
	LINE_TIME = 10,                 /* s */
};

struct conn {
	struct le le;
	const struct control_env *env;
	struct rc_fd rfd;
	struct mbuf *in, *out;
	struct list keepl;
	int fdv[FDS];
	unsigned fdc;
	struct guest *guest;            /* NULL: our own user */
	struct timer patience;          /* runs for an unfinished line */
	bool dead;
};

static void drop_fds(struct conn *cn)
{
	for (unsigned i = 0; i < cn->fdc; i++)
		(void)close(cn->fdv[i]);
	cn->fdc = 0;
}

static void conn_destructor(void *arg)
{
	struct conn *cn = arg;

	timer_stop(&cn->patience);
	list_unlink(&cn->le);
	rc_fd_close(&cn->rfd);
	(void)close(cn->rfd.fd);
	list_flush(&cn->keepl);
	drop_fds(cn);
	mem_deref(cn->guest);
	mem_deref(cn->in);
	mem_deref(cn->out);
}

const struct control_env *conn_env(const struct conn *cn)
{
	return cn->env;
}

const struct guest *conn_guest(const struct conn *cn)
{
	return cn->guest;
}

static void fd_handler(int flags, void *arg);

static void watch(struct conn *cn)
{
	const bool more = mbuf_get_left(cn->out) > 0;

	(void)rc_fd_listen(&cn->rfd, FD_READ | (more ? FD_WRITE : 0),
			   fd_handler, cn);
}

static void flush(struct conn *cn)
{
	struct mbuf *mb = cn->out;

	while (mbuf_get_left(mb)) {
		ssize_t n = send(cn->rfd.fd, mbuf_buf(mb), mbuf_get_left(mb),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				cn->dead = true;
			return;
		}
		mb->pos += (size_t)n;
	}
	mbuf_rewind(mb);
}

void conn_event(struct conn *cn, const struct odict *o)
{
	struct mbuf *mb = cn->out;
	size_t pos = mb->pos;
	int err;

	if (cn->dead)
		return;
	if (mbuf_get_left(mb) > OUT_MAX) {
		log_warn("control: a reader that does not read is cut off");
		cn->dead = true;
		return;
	}
	mb->pos = mb->end;
	err = mbuf_printf(mb, "%H\n", json_encode_odict, o);
	mb->pos = pos;
	if (err)
		cn->dead = true;
	flush(cn);
	if (!cn->dead)
		watch(cn);
}

static void end_event(struct conn *cn, const char *event, const char *tag,
		      int code, const char *text)
{
	struct odict *o;

	if (odict_alloc(&o, 8))
		return;
	(void)odict_entry_add(o, "event", ODICT_STRING, event);
	if (tag)
		(void)odict_entry_add(o, "tag", ODICT_STRING, tag);
	if (text)
		(void)odict_entry_add(o, "text", ODICT_STRING, text);
	(void)odict_entry_add(o, "exit", ODICT_INT, (int64_t)code);
	conn_event(cn, o);
	mem_deref(o);
}

void conn_end(struct conn *cn, const char *tag)
{
	end_event(cn, "end", tag, 0, NULL);
}

void conn_error(struct conn *cn, const char *tag, int code,
		const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	end_event(cn, "error", tag, code, text);
}

bool conn_take_fds(struct conn *cn, int *in, int *out)
{
	if (cn->fdc != FDS)
		return false;
	*in = cn->fdv[0];
	*out = cn->fdv[1];
	cn->fdc = 0;
	return true;
}

void conn_keep(struct conn *cn, struct le *le, void *data)
{
	list_append(&cn->keepl, le, data);
}

static void handle_line(struct conn *cn, const char *p, size_t n)
{
	const char *name, *tag;
	struct odict *o = NULL;
	command_h *h;

	if (json_decode_odict(&o, 16, p, n, JSON_DEPTH) || !o) {
		conn_error(cn, NULL, 2, "This is not a line of JSON.");
		return;
	}
	tag = odict_string(o, "tag");
	name = odict_string(o, "cmd");
	h = name ? cn->env->findh(name, cn->guest) : NULL;
	if (h)
		h(cn, o, tag);
	else
		conn_error(cn, tag, 2, "There is no command \"%s\".",
			   name ? name : "");
	drop_fds(cn);
	mem_deref(o);
}

static void patience_handler(void *arg)
{
	struct conn *cn = arg;

	conn_error(cn, NULL, 2, "No complete line came within %u seconds.",
		   LINE_TIME);
	mem_deref(cn);
}

/* An unfinished line has its time from its first byte on. */
static void be_patient(struct conn *cn, bool unfinished)
{
	if (!unfinished)
		timer_stop(&cn->patience);
	else if (!cn->patience.heap)
		(void)timer_start(cn->env->timers, &cn->patience,
				  LINE_TIME * SEC, patience_handler, cn);
}

/* All whole lines of what was read so far. */
static void handle_input(struct conn *cn)
{
	struct mbuf *mb = cn->in;
	char *nl;

	mb->pos = 0;
	while (!cn->dead && (nl = memchr(mbuf_buf(mb), '\n',
					 mbuf_get_left(mb)))) {
		size_t n = (size_t)(nl - (char *)mbuf_buf(mb));

		if (n)
			handle_line(cn, (char *)mbuf_buf(mb), n);
		mb->pos += n + 1;
	}
	memmove(mb->buf, mbuf_buf(mb), mbuf_get_left(mb));
	mb->end = mbuf_get_left(mb);
	mb->pos = mb->end;
	be_patient(cn, mb->end > 0);
	if (mb->end >= CONTROL_LINE_MAX) {
		conn_error(cn, NULL, 2, "A line is longer than %u bytes.",
			   CONTROL_LINE_MAX);
		cn->dead = true;
	}
}

static void take_fds(struct conn *cn, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int *fdv = (int *)(void *)CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		drop_fds(cn);
		for (size_t i = 0; i < n; i++) {
			if (cn->fdc < FDS)
				cn->fdv[cn->fdc++] = fdv[i];
			else
				(void)close(fdv[i]);
		}
	}
}

static void receive(struct conn *cn)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FDS)];
	} ctl;
	struct iovec iov;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.buf, .msg_controllen = sizeof ctl.buf,
	};
	ssize_t n;

	iov.iov_base = cn->in->buf + cn->in->end;
	iov.iov_len = cn->in->size - cn->in->end;
	n = recvmsg(cn->rfd.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		cn->dead = true;
		return;
	}
	take_fds(cn, &msg);
	cn->in->end += (size_t)n;
	handle_input(cn);
}

static void fd_handler(int flags, void *arg)
{
	struct conn *cn = mem_ref(arg);

	if (flags & FD_WRITE)
		flush(cn);
	if (!cn->dead && flags & (FD_READ | FD_EXCEPT))
		receive(cn);
	if (!cn->dead)
		watch(cn);
	else if (cn->le.list)
		mem_deref(cn);
	mem_deref(cn);
}

int conn_open(struct list *connl, const struct control_env *env, int fd)
{
	struct conn *cn = mem_zalloc(sizeof *cn, conn_destructor);
	int err;

	if (!cn) {
		(void)close(fd);
		return ENOMEM;
	}
	cn->env = env;
	cn->rfd.fd = fd;
	cn->in = mbuf_alloc(CONTROL_LINE_MAX);
	cn->out = mbuf_alloc(1024);
	list_append(connl, &cn->le, cn);
	be_patient(cn, true);
	err = guest_alloc(&cn->guest, fd);
	if (!err)
		err = cn->in && cn->out
			? rc_fd_listen(&cn->rfd, FD_READ, fd_handler, cn)
			: ENOMEM;
	if (err)
		mem_deref(cn);
	return err;
}
