/*
 * control.c: the socket: who may connect, and how many. What a connection says
 * is read by conn.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "sdp/base/recompat.h"
#include "sipd/control.h"
#include "sipd/running.h"

enum {
	CONN_MAX = 64,
	GUESTS_MAX = 32,                /* of them, for other users */
};

struct control {
	struct control_env env;
	struct list connl;
	struct rc_fd rfd;               /* fd -1: not listening */
	char path[108];
};

static void control_destructor(void *arg)
{
	struct control *c = arg;

	list_flush(&c->connl);
	if (c->rfd.fd >= 0) {
		rc_fd_close(&c->rfd);
		(void)close(c->rfd.fd);
		(void)unlink(c->path);
	}
}

int control_alloc(struct control **cp, const struct control_env *env)
{
	struct control *c = mem_zalloc(sizeof *c, control_destructor);

	if (!c)
		return ENOMEM;
	c->env = *env;
	c->rfd.fd = -1;
	*cp = c;
	return 0;
}

int control_serve(struct control *c, int fd)
{
	return conn_open(&c->connl, &c->env, fd);
}

static size_t guests(const struct control *c)
{
	size_t n = 0;

	for (struct le *le = c->connl.head; le; le = le->next)
		n += conn_guest(le->data) != NULL;
	return n;
}

static void accept_handler(int flags, void *arg)
{
	struct control *c = arg;
	int fd = accept4(c->rfd.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	(void)flags;

	if (fd < 0)
		return;
	if (list_count(&c->connl) >= CONN_MAX) {
		static const char busy[] = "{\"event\":\"error\",\"text\":"
			"\"Too many connections to sipd.\",\"exit\":1}\n";

		(void)send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL);
		(void)close(fd);
		return;
	}
	if (!control_serve(c, fd) && guests(c) > GUESTS_MAX)
		mem_deref(list_tail(&c->connl)->data);
}

static int make_folder(const char *path, bool open)
{
	char buf[108], *slash;

	(void)str_ncpy(buf, path, sizeof buf);
	slash = strrchr(buf, '/');
	if (!slash || slash == buf)
		return 0;
	*slash = '\0';
	return mkdir(buf, open ? 0711 : 0700) && errno != EEXIST ? errno : 0;
}

int control_listen(struct control *c, const char *path, bool open)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int err;

	if (strlen(path) >= sizeof sun.sun_path)
		return ENAMETOOLONG;
	(void)str_ncpy(sun.sun_path, path, sizeof sun.sun_path);
	err = make_folder(path, open);
	if (err)
		return err;
	if (running_at(path))
		return EADDRINUSE;
	(void)unlink(path);
	c->rfd.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
			   SOCK_NONBLOCK, 0);
	if (c->rfd.fd < 0)
		return errno;
	mask = umask(open ? 0111 : 0177);
	err = bind(c->rfd.fd, (struct sockaddr *)&sun, sizeof sun) ? errno : 0;
	(void)umask(mask);
	if (!err && listen(c->rfd.fd, 16))
		err = errno;
	if (!err)
		err = rc_fd_listen(&c->rfd, FD_READ, accept_handler, c);
	if (err) {
		(void)close(c->rfd.fd);
		c->rfd.fd = -1;
		return err;
	}
	(void)str_ncpy(c->path, path, sizeof c->path);
	return 0;
}
