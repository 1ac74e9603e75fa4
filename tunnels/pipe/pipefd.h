/*
 * pipefd.h: a descriptor of the user's, whatever it is: a terminal, a pipe, a
 * file, a socket. It is read and written without ever blocking the worker and
 * without a trace: O_NONBLOCK would be seen by all who share it, the user's
 * shell among them.
 */
#ifndef DIALTONE_PIPEFD_H
#define DIALTONE_PIPEFD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum pipefd_how {
	PIPEFD_OWN,     /* opened anew, non-blocking for us alone */
	PIPEFD_SOCKET,  /* non-blocking call by call */
	PIPEFD_SHARED,  /* only when ready, and little at a time */
	PIPEFD_FILE,    /* always ready: epoll refuses it */
};

struct pipefd {
	int fd;         /* -1: closed */
	bool tty;
	enum pipefd_how how;
};

/* fd is duplicated or opened anew. */
int pipefd_open(struct pipefd *p, int fd, bool out);

/* One of our own, non-blocking already; it becomes p's. */
void pipefd_take(struct pipefd *p, int fd);

void pipefd_close(struct pipefd *p);

/* As read(2) and write(2): EAGAIN if it is not ready. */
ssize_t pipefd_read(const struct pipefd *p, void *buf, size_t n);
ssize_t pipefd_write(const struct pipefd *p, const void *buf, size_t n);

#endif
