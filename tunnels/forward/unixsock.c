/*
 * unixsock.c: a Unix socket as either end of a forward.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "tunnels/forward/unixsock.h"

static int address(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof *sun);
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof sun->sun_path)
		return ENAMETOOLONG;
	memcpy(sun->sun_path, path, strlen(path));
	return 0;
}

static int open_socket(int *fdp)
{
	*fdp = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return *fdp < 0 ? errno : 0;
}

/* By whatever name or link the path leads there. */
static int not_ourselves(int fd)
{
	struct ucred uc;
	socklen_t len = sizeof uc;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len))
		return errno;
	return uc.pid == getpid() ? EACCES : 0;
}

int unixsock_connect(int *fdp, const char *path)
{
	struct sockaddr_un sun;
	int fd, err = address(&sun, path);

	if (!err)
		err = open_socket(&fd);
	if (err)
		return err;
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun))
		/* its queue is full: a TCP target would be silent */
		err = errno == EAGAIN ? ETIMEDOUT : errno;
	if (!err)
		err = not_ourselves(fd);
	if (err)
		(void)close(fd);
	else
		*fdp = fd;
	return err;
}

/* What an earlier process has left behind. */
static void remove_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd;

	if (lstat(sun->sun_path, &st) || !S_ISSOCK(st.st_mode) ||
	    open_socket(&fd))
		return;
	if (connect(fd, (const struct sockaddr *)sun, sizeof *sun) &&
	    errno == ECONNREFUSED)
		(void)unlink(sun->sun_path);
	(void)close(fd);
}

int unixsock_listen(int *fdp, const char *path)
{
	struct sockaddr_un sun;
	int fd, err = address(&sun, path);

	if (!err)
		err = open_socket(&fd);
	if (err)
		return err;
	remove_stale(&sun);
	/* before bind: the mode it is born with (unix(7)) */
	if (fchmod(fd, 0600) ||
	    bind(fd, (struct sockaddr *)&sun, sizeof sun) ||
	    listen(fd, SOMAXCONN)) {
		err = errno;
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}
