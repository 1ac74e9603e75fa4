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
#include "tunnels/forward/fwbind.h"
#include "tunnels/forward/fwlisten.h"
#include "tunnels/forward/unixsock.h"

enum { ACCEPT_MAX = 64 };               /* in one turn of the loop */
#define PAUSE (100 * MSEC)              /* when there are no descriptors */

struct fwlisten {
	struct loop *loop;
	struct fwbind b;
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
	for (size_t i = 0; i < fl->b.n; i++)
		loop_unwatch(&fl->lfv[i]);
	fwbind_close(&fl->b);
	if (fl->path)
		path_remove(fl);
	mem_deref(fl->path);
}

static int open_path(struct fwlisten *fl, const char *path)
{
	struct stat st;
	int err = str_dup(&fl->path, path);

	if (!err)
		err = unixsock_listen(&fl->b.fdv[0], path);
	if (err)
		return err;
	fl->b.n = 1;
	if (!lstat(path, &st))
		fl->ino = st.st_ino;
	return 0;
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
	err = *bind == '/' ? open_path(fl, bind) :
		fwbind_open(&fl->b, SOCK_STREAM, bind, port);
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

	for (size_t i = 0; i < fl->b.n; i++)
		(void)loop_rewatch(&fl->lfv[i], EPOLLIN);
}

/* Out of descriptors: the connection waits in the kernel, we must not spin
 * on it. */
static void pause_all(struct fwlisten *fl)
{
	for (size_t i = 0; i < fl->b.n; i++)
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
	accept_all(fl, fl->b.fdv[0]);
}

static void ready1(uint32_t events, void *arg)
{
	struct fwlisten *fl = arg;

	(void)events;
	accept_all(fl, fl->b.fdv[1]);
}

int fwlisten_go(struct fwlisten *fl)
{
	int err = 0;

	for (size_t i = 0; i < fl->b.n && !err; i++)
		err = loop_watch(fl->loop, &fl->lfv[i], fl->b.fdv[i], EPOLLIN,
				 i ? ready1 : ready0, fl);
	return err;
}

uint16_t fwlisten_port(const struct fwlisten *fl)
{
	return fl->path ? 0 : sa_port(&fl->b.addrv[0]);
}
