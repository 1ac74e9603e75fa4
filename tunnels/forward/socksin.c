/*
 * socksin.c: clients of -D until they have said where to.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/forward/socksin.h"

enum { WAITING_MAX = 1024 };
#define REQUEST_TIME (30 * SEC)

struct client {
	struct le le;
	struct loop *loop;
	int fd;                         /* -1: somebody has it */
	struct loop_fd lf;
	struct timer tmr;
	struct socks so;
	size_t n;
	uint8_t buf[SOCKS_REQUEST_MAX];
	socksin_h *h;
	void *arg;
};

static void client_destructor(void *arg)
{
	struct client *c = arg;

	list_unlink(&c->le);
	loop_unwatch(&c->lf);
	timer_stop(&c->tmr);
	if (c->fd >= 0)
		(void)close(c->fd);
}

void socksin_reply(int fd, const struct socks *so, int err)
{
	uint8_t buf[SOCKS_REPLY_MAX];
	const size_t n = socks_reply(buf, so, err);

	/* nothing was sent before: the socket has room for so little */
	if (n)
		(void)send(fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void hand_over(struct client *c, size_t used)
{
	const int fd = c->fd;

	c->fd = -1;
	loop_unwatch(&c->lf);
	c->h(fd, &c->so, c->buf + used, c->n - used, c->arg);
	mem_deref(c);
}

static void decode(struct client *c)
{
	size_t used;
	int err;

	while ((err = socks_decode(&c->so, c->buf, c->n, &used)) == EAGAIN &&
	       used) {
		socksin_reply(c->fd, &c->so, EAGAIN);
		c->n -= used;
		memmove(c->buf, c->buf + used, c->n);
	}
	if (err == EAGAIN)
		return;
	if (!err) {
		hand_over(c, used);
		return;
	}
	socksin_reply(c->fd, &c->so, err);
	mem_deref(c);
}

static void fd_handler(uint32_t events, void *arg)
{
	struct client *c = arg;
	ssize_t n = recv(c->fd, c->buf + c->n, sizeof c->buf - c->n,
			 MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		mem_deref(c);
		return;
	}
	c->n += (size_t)n;
	decode(c);
}

static void late_handler(void *arg)
{
	mem_deref(arg);
}

int socksin_add(struct list *clientl, struct loop *l, int fd, socksin_h *h,
		void *arg)
{
	struct client *c = NULL;
	int err;

	if (list_count(clientl) < WAITING_MAX)
		c = mem_zalloc(sizeof *c, client_destructor);
	if (!c) {
		(void)close(fd);
		return ENOMEM;
	}
	c->fd = fd;
	c->loop = l;
	c->h = h;
	c->arg = arg;
	list_append(clientl, &c->le, c);
	err = loop_watch(l, &c->lf, fd, EPOLLIN, fd_handler, c);
	if (!err)
		err = timer_start(loop_timers(l), &c->tmr, REQUEST_TIME,
				  late_handler, c);
	if (err)
		mem_deref(c);
	return err;
}
