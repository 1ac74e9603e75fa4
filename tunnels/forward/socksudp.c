/*
 * socksudp.c: a client's UDP ASSOCIATE.
 */
#include <errno.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/forward/fwudpport.h"
#include "tunnels/forward/socksin.h"
#include "tunnels/forward/socksudp.h"

struct assoc {
	struct le le;
	struct loop_fd lf;
	int fd;
	struct fwudpport *port;
};

static void assoc_destructor(void *arg)
{
	struct assoc *a = arg;

	list_unlink(&a->le);
	loop_unwatch(&a->lf);
	(void)close(a->fd);
	mem_deref(a->port);
}

/* Its end; there is nothing that a client would have to say. */
static void fd_handler(uint32_t events, void *arg)
{
	struct assoc *a = arg;
	char buf[256];
	ssize_t n = recv(a->fd, buf, sizeof buf, MSG_DONTWAIT);

	(void)events;
	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		mem_deref(a);
}

/* Where its packets come to: the very address that it has connected to. */
static int listen_for(struct assoc *a, struct loop *l, struct fwudps *u,
		      const struct fwwire *connect)
{
	struct sa here = { .len = sizeof here.u };
	struct sa there = { .len = sizeof there.u };
	char host[64];
	int err;

	if (getsockname(a->fd, &here.u.sa, &here.len) ||
	    getpeername(a->fd, &there.u.sa, &there.len))
		return errno;
	(void)re_snprintf(host, sizeof host, "%j", &here);
	err = fwudpport_alloc(&a->port, l, u, host, 0, connect, &there);
	return err ? err : fwudpport_go(a->port);
}

int socksudp_add(struct list *assocl, struct loop *l, struct fwudps *u,
		 int fd, const struct socks *so,
		 const struct fwwire *connect)
{
	struct socks reply = *so;
	struct assoc *a = mem_zalloc(sizeof *a, assoc_destructor);
	int err;

	if (!a) {
		(void)close(fd);
		return ENOMEM;
	}
	a->fd = fd;
	list_append(assocl, &a->le, a);
	err = listen_for(a, l, u, connect);
	if (!err)
		err = loop_watch(l, &a->lf, fd, EPOLLIN, fd_handler, a);
	if (!err)
		reply.bound = *fwudpport_addr(a->port);
	socksin_reply(fd, &reply, err);
	if (err)
		mem_deref(a);
	return err;
}
