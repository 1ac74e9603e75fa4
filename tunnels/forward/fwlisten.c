/*
 * fwlisten.c: listening for connections that are to be forwarded, on one
 * address, on both families of localhost or all, or on a Unix socket.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "tunnels/forward/dialout.h"
#include "tunnels/forward/fwlisten.h"
#include "tunnels/forward/unixsock.h"

enum { ACCEPT_MAX = 64 };               /* in one turn of the loop */
#define PAUSE (100 * MSEC)              /* when there are no descriptors */

struct fwlisten {
	struct loop *loop;
	int fdv[2];
	struct sa addrv[2];
	size_t n;
	struct loop_fd lfv[2];
	struct timer pause;
	char *path;                     /* of a Unix socket, else NULL */
	ino_t ino;                      /* what it was when we made it */
	fwlisten_h *h;
	void *arg;
};

/* Somebody else may have put another one there since. */
static void path_remove(const struct fwlisten *fl)
{
	struct stat st;

	if (fl->ino && !lstat(fl->path, &st) && st.st_ino == fl->ino)
		(void)unlink(fl->path);
}

static void fwlisten_destructor(void *arg)
{
	struct fwlisten *fl = arg;

	timer_stop(&fl->pause);
	for (size_t i = 0; i < fl->n; i++) {
		loop_unwatch(&fl->lfv[i]);
		(void)close(fl->fdv[i]);
	}
	if (fl->path)
		path_remove(fl);
	mem_deref(fl->path);
}

size_t fwlisten_addrs(struct sa v[2], const char *bind, uint16_t port)
{
	sa_init(&v[0], AF_UNSPEC);      /* sa_set leaves the scope as it was */
	sa_init(&v[1], AF_UNSPEC);
	if (!strcmp(bind, "localhost"))
		return !sa_set_str(&v[0], "127.0.0.1", port) +
		       !sa_set_str(&v[1], "::1", port);
	if (!strcmp(bind, "*"))
		return !sa_set_str(&v[0], "0.0.0.0", port) +
		       !sa_set_str(&v[1], "::", port);
	return !sa_set_str(&v[0], bind, port);
}

static int open_socket(int *fdp, struct sa *sa)
{
	const int on = 1;
	int err, fd = socket(sa_af(sa), SOCK_STREAM | SOCK_NONBLOCK |
			     SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	dialout_options(fd);            /* what is accepted inherits them */
	if (sa_af(sa) == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof on);
	sa->len = sizeof sa->u;
	if (bind(fd, &sa->u.sa, sa_af(sa) == AF_INET ?
		 sizeof sa->u.in : sizeof sa->u.in6) ||
	    listen(fd, SOMAXCONN) ||
	    getsockname(fd, &sa->u.sa, &sa->len)) {
		err = errno;
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

/* A host without IPv6 listens on IPv4 alone. */
static bool no_family(int err)
{
	return err == EAFNOSUPPORT || err == EADDRNOTAVAIL;
}

static int open_path(struct fwlisten *fl, const char *path)
{
	struct stat st;
	int err = str_dup(&fl->path, path);

	if (!err)
		err = unixsock_listen(&fl->fdv[0], path);
	if (err)
		return err;
	fl->n = 1;
	if (!lstat(path, &st))
		fl->ino = st.st_ino;
	return 0;
}

static int open_all(struct fwlisten *fl, const char *bind, uint16_t port)
{
	struct sa v[2];
	size_t n;
	int err;

	/* libre leaves the flow and the scope of IPv6 as they are */
	memset(v, 0, sizeof v);
	n = fwlisten_addrs(v, bind, port);
	err = n ? 0 : EINVAL;

	for (size_t i = 0; i < n; i++) {
		/* both families the same, also if the kernel has chosen */
		if (i && fl->n && !port)
			sa_set_port(&v[i], sa_port(&fl->addrv[0]));
		err = open_socket(&fl->fdv[fl->n], &v[i]);
		if (err && no_family(err) && n > 1)
			continue;
		if (err)
			return err;
		fl->addrv[fl->n++] = v[i];
	}
	return fl->n ? 0 : err;
}

int fwlisten_alloc(struct fwlisten **lp, struct loop *l, const char *bind,
		   uint16_t port, fwlisten_h *h, void *arg)
{
	struct fwlisten *fl = mem_zalloc(sizeof *fl, fwlisten_destructor);
	int err;

	if (!fl)
		return ENOMEM;
	fl->loop = l;
	fl->h = h;
	fl->arg = arg;
	err = *bind == '/' ? open_path(fl, bind) : open_all(fl, bind, port);
	if (err) {
		mem_deref(fl);
		return err;
	}
	*lp = fl;
	return 0;
}

static void pause_handler(void *arg)
{
	struct fwlisten *fl = arg;

	for (size_t i = 0; i < fl->n; i++)
		(void)loop_rewatch(&fl->lfv[i], EPOLLIN);
}

/* Out of descriptors: the connection waits in the kernel, we must not spin
 * on it. */
static void pause_all(struct fwlisten *fl)
{
	for (size_t i = 0; i < fl->n; i++)
		(void)loop_rewatch(&fl->lfv[i], 0);
	(void)timer_start(loop_timers(fl->loop), &fl->pause, PAUSE,
			  pause_handler, fl);
}

static void accept_all(struct fwlisten *fl, int lfd)
{
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK |
				 SOCK_CLOEXEC);

		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0 && errno != EAGAIN)
			pause_all(fl);
		if (fd < 0)
			return;
		fl->h(fd, fl->arg);
	}
}

static void ready0(uint32_t events, void *arg)
{
	struct fwlisten *fl = arg;

	(void)events;
	accept_all(fl, fl->fdv[0]);
}

static void ready1(uint32_t events, void *arg)
{
	struct fwlisten *fl = arg;

	(void)events;
	accept_all(fl, fl->fdv[1]);
}

int fwlisten_go(struct fwlisten *fl)
{
	int err = 0;

	for (size_t i = 0; i < fl->n && !err; i++)
		err = loop_watch(fl->loop, &fl->lfv[i], fl->fdv[i], EPOLLIN,
				 i ? ready1 : ready0, fl);
	return err;
}

uint16_t fwlisten_port(const struct fwlisten *fl)
{
	return fl->path ? 0 : sa_port(&fl->addrv[0]);
}
