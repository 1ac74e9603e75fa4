/*
 * calls.c: system calls that valgrind 3.19 does not know, by ones that it
 * does; preloaded by tests/valgrind.sh. Right enough for the tests, not safe
 * against somebody who changes the folders meanwhile.
 *
 *   openat2      openat of each part of the path, no link is followed
 *   pidfd_open   of a child: a pipe that a thread closes when it has ended
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Its file descriptor is left alone if it is no folder, or above. */
static int below(int dir, const char *part)
{
	struct stat st;

	if (!strcmp(part, "..")) {
		errno = EXDEV;
		return -1;
	}
	if (!fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISLNK(st.st_mode)) {
		errno = ELOOP;
		return -1;
	}
	return openat(dir, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static long open_beneath(int root, const char *path,
			 const struct open_how *how)
{
	char buf[4096], *save = NULL, *part, *next;
	int dir = dup(root), fd;

	if (*path == '/' || strlen(path) >= sizeof buf) {
		(void)close(dir);
		errno = EXDEV;
		return -1;
	}
	strcpy(buf, path);
	part = strtok_r(buf, "/", &save);
	while (part && (next = strtok_r(NULL, "/", &save))) {
		fd = below(dir, part);
		(void)close(dir);
		if (fd < 0)
			return -1;
		dir = fd;
		part = next;
	}
	fd = below(dir, part ? part : ".");
	if (fd < 0 && errno != ENOENT) {
		(void)close(dir);
		return -1;
	}
	if (fd >= 0)
		(void)close(fd);
	fd = openat(dir, part ? part : ".", (int)how->flags | O_NOFOLLOW,
		    (mode_t)how->mode);
	(void)close(dir);
	return fd;
}

struct waiter {
	pid_t pid;
	int fd;
};

static void *wait_child(void *arg)
{
	struct waiter *w = arg;
	siginfo_t si;

	while (waitid(P_PID, (id_t)w->pid, &si, WEXITED | WNOWAIT) &&
	       errno == EINTR)
		;
	(void)write(w->fd, "", 1);
	(void)close(w->fd);
	free(w);
	return NULL;
}

static long child_fd(pid_t pid)
{
	struct waiter *w;
	pthread_t t;
	siginfo_t si;
	int fd[2];

	/* of another process: we cannot tell */
	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT | WNOHANG) ||
	    pipe2(fd, O_CLOEXEC)) {
		errno = ENOSYS;
		return -1;
	}
	w = malloc(sizeof *w);
	w->pid = pid;
	w->fd = fd[1];
	if (pthread_create(&t, NULL, wait_child, w)) {
		free(w);
		(void)close(fd[0]);
		(void)close(fd[1]);
		errno = EAGAIN;
		return -1;
	}
	(void)pthread_detach(t);
	return fd[0];
}

int pidfd_open(pid_t pid, unsigned flags);

int pidfd_open(pid_t pid, unsigned flags)
{
	(void)flags;
	return (int)child_fd(pid);
}

long syscall(long nr, ...)
{
	static long (*next)(long, ...);
	long v[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		v[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_openat2)
		return open_beneath((int)v[0], (const char *)v[1],
				    (const struct open_how *)v[2]);
	if (nr == SYS_pidfd_open)
		return child_fd((pid_t)v[0]);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	return next(nr, v[0], v[1], v[2], v[3], v[4], v[5]);
}
