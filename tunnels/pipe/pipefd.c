/*
 * pipefd.c: a descriptor of the user's, whatever it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "tunnels/pipe/pipefd.h"

enum { TTY_WRITE = 256 };       /* a ready terminal takes at least these */

/* A terminal's other end has no name that leads back to it. */
static bool is_pty_master(int fd)
{
	int n;

	return !ioctl(fd, TIOCGPTN, &n);
}

/* By its name in /proc: the same pipe or terminal, with flags of its own. */
static int open_again(int fd, bool out)
{
	char path[40];

	if (is_pty_master(fd))
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, (out ? O_WRONLY : O_RDONLY) | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC);
}

static void open_stream(struct pipefd *p, int fd, bool out)
{
	p->fd = open_again(fd, out);
	p->how = p->fd < 0 ? PIPEFD_SHARED : PIPEFD_OWN;
}

int pipefd_open(struct pipefd *p, int fd, bool out)
{
	struct stat st;

	p->fd = -1;
	if (fstat(fd, &st))
		return errno;
	p->tty = isatty(fd) != 0;
	if (S_ISFIFO(st.st_mode) || p->tty)
		open_stream(p, fd, out);
	else if (S_ISSOCK(st.st_mode))
		p->how = PIPEFD_SOCKET;
	else if (S_ISCHR(st.st_mode))
		p->how = PIPEFD_SHARED;
	else
		p->how = PIPEFD_FILE;
	if (p->fd < 0)
		p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return p->fd < 0 ? errno : 0;
}

void pipefd_take(struct pipefd *p, int fd)
{
	p->fd = fd;
	p->tty = false;
	p->how = PIPEFD_OWN;
}

void pipefd_close(struct pipefd *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

ssize_t pipefd_read(const struct pipefd *p, void *buf, size_t n)
{
	ssize_t k;

	do
		k = p->how == PIPEFD_SOCKET ?
			recv(p->fd, buf, n, MSG_DONTWAIT) :
			read(p->fd, buf, n);
	while (k < 0 && errno == EINTR);
	/* a terminal whose other end has gone */
	if (k < 0 && errno == EIO && p->tty)
		return 0;
	return k;
}

ssize_t pipefd_write(const struct pipefd *p, const void *buf, size_t n)
{
	const size_t max = p->tty ? TTY_WRITE : PIPE_BUF;
	ssize_t k;

	if (p->how == PIPEFD_SHARED && n > max)
		n = max;
	do
		k = p->how == PIPEFD_SOCKET ?
			send(p->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL) :
			write(p->fd, buf, n);
	while (k < 0 && errno == EINTR);
	return k;
}
