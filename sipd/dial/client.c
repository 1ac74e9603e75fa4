/*
 * client.c: one stream socket that carries JSON lines, whoever answers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/client.h"
#include "sipd/node.h"
#include "sipd/places.h"
#include "sipd/running.h"

enum { IN_SIZE = 1 << 20, JSON_DEPTH = 8 };

struct client {
	struct rc_fd rfd;
	struct node *node;              /* NULL: sipd is another process */
	struct mbuf *in;
	struct client_handlers h;
	bool echo;
	bool refused;                   /* for want of a right: ownh is due */
};

static void client_destructor(void *arg)
{
	struct client *c = arg;

	if (c->rfd.fd >= 0) {
		rc_fd_close(&c->rfd);
		(void)close(c->rfd.fd);
	}
	mem_deref(c->node);
	mem_deref(c->in);
}

static int start_own(struct client *c, const char *file, enum house_role role,
		     char *why, size_t size)
{
	int sv[2];
	int err = node_alloc(&c->node, file, role, why, size);

	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return errno;
	c->rfd.fd = sv[0];
	return node_serve(c->node, sv[1]);
}

static void handle_line(struct client *c, char *p, size_t n)
{
	struct odict *o = NULL;
	const bool known = !json_decode_odict(&o, 16, p, n, JSON_DEPTH);

	if (known && !c->node && odict_get_boolean(o, &c->refused, "own") &&
	    c->refused)
		goto out;
	if (c->echo) {
		(void)fwrite(p, 1, n, stdout);
		(void)fputc('\n', stdout);
		(void)fflush(stdout);
	}
	if (known)
		c->h.eventh(o, c->h.arg);
 out:
	mem_deref(o);
}

static void handle_input(struct client *c)
{
	struct mbuf *mb = c->in;
	size_t pos = 0;
	uint8_t *nl;

	while ((nl = memchr(mb->buf + pos, '\n', mb->end - pos))) {
		size_t n = (size_t)(nl - mb->buf) - pos;

		handle_line(c, (char *)mb->buf + pos, n);
		pos += n + 1;
	}
	memmove(mb->buf, mb->buf + pos, mb->end - pos);
	mb->end -= pos;
}

static void fd_handler(int flags, void *arg)
{
	struct client *c = mem_ref(arg);
	struct mbuf *mb = c->in;
	ssize_t n;
	(void)flags;

	n = recv(c->rfd.fd, mb->buf + mb->end, mb->size - mb->end,
		 MSG_DONTWAIT);
	if (n > 0) {
		mb->end += (size_t)n;
		handle_input(c);
		if (c->refused) {
			c->refused = false;
			c->h.ownh(c->h.arg);
		}
	}
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		rc_fd_close(&c->rfd);
		c->h.closeh(c->h.arg);
	}
	mem_deref(c);
}

/* The system's sipd may let us, whose configuration may not be for us. */
static bool system_has(struct client *c, enum client_mode mode)
{
	return mode == CLIENT_SYSTEM && geteuid() &&
		!running_connect(&c->rfd.fd, PLACES_CONTROL);
}

static int open_line(struct client *c, const char *file,
		     enum client_mode mode, enum house_role role, char *why,
		     size_t size)
{
	struct conf_error ce = { "No memory." };
	struct conf *conf;
	int err = conf_load(&conf, file, &ce);

	(void)str_ncpy(why, ce.text, size);
	if (err)
		return system_has(c, mode) ? 0 : err;
	err = running_connect(&c->rfd.fd, conf->control);
	if (err == EACCES)
		(void)re_snprintf(why, size, "The sipd at %s belongs to"
				  " another user.", conf->control);
	else if (err && mode == CLIENT_RUNNING)
		(void)re_snprintf(why, size, "No sipd runs with this"
				  " configuration (%s): %s.", conf->control,
				  geteuid() && !access(PLACES_CONTROL, F_OK)
				  ? "the system's is asked by root, as in"
				  " `sudo dial ...`" : "start `sipd`, or name"
				  " its configuration with -c");
	mem_deref(conf);
	if (err && system_has(c, mode))
		return 0;
	if (err && err != EACCES && mode != CLIENT_RUNNING)
		err = start_own(c, file, role, why, size);
	return err;
}

int client_alloc(struct client **cp, const char *file, enum client_mode mode,
		 enum house_role role, const struct client_handlers *h,
		 char *why, size_t size)
{
	struct client *c;
	int err;

	c = mem_zalloc(sizeof *c, client_destructor);
	if (!c)
		return ENOMEM;
	c->h = *h;
	c->rfd.fd = -1;
	c->in = mbuf_alloc(IN_SIZE);
	err = c->in ? open_line(c, file, mode, role, why, size) : ENOMEM;
	if (!err)
		err = rc_fd_listen(&c->rfd, FD_READ, fd_handler, c);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

int client_own(struct client *c, const char *file, enum house_role role,
	       char *why, size_t size)
{
	int err;

	rc_fd_close(&c->rfd);
	(void)close(c->rfd.fd);
	c->rfd.fd = -1;
	c->in->end = 0;
	err = start_own(c, file, role, why, size);
	return err ? err
		: rc_fd_listen(&c->rfd, FD_READ, fd_handler, c);
}

/* The line to a running sipd may be longer than what its buffer has room
 * for, so it is written whole before anything else. */
static int send_line(int fd, struct mbuf *mb, struct msghdr msg)
{
	while (mbuf_get_left(mb)) {
		struct iovec iov = { mbuf_buf(mb), mbuf_get_left(mb) };
		ssize_t n;

		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			mb->pos += (size_t)n;
			msg.msg_controllen = 0;
		}
	}
	return 0;
}

int client_send(struct client *c, const struct odict *o, int in, int out)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} ctl = { .buf = { 0 } };
	struct msghdr msg = { 0 };
	struct mbuf *mb = mbuf_alloc(1024);
	const int fdv[2] = { in, out };
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, "%H\n", json_encode_odict, o);
	if (!err && mb->end > CONTROL_LINE_MAX)
		err = E2BIG;
	if (err)
		goto out;
	mb->pos = 0;
	if (in >= 0 && out >= 0) {
		struct cmsghdr *cm;

		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof ctl.buf;
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof fdv);
		memcpy(CMSG_DATA(cm), fdv, sizeof fdv);
	}
	err = send_line(c->rfd.fd, mb, msg);
 out:
	mem_deref(mb);
	return err;
}

void client_close(struct client *c, void (*doneh)(void *arg), void *arg)
{
	(void)shutdown(c->rfd.fd, SHUT_WR);
	if (c->node)
		node_close(c->node, doneh, arg);
	else
		doneh(arg);
}

void client_echo(struct client *c, bool on)
{
	c->echo = on;
}
