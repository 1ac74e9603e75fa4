/*
 * running.c: is there a sipd already, and the line to it. Owns nothing. Called
 * by node.c and control.c before they take its place, and by dial.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include "sdp/base/recompat.h"
#include "sipd/running.h"

enum { PATIENCE = 3000 };       /* ms */

int running_connect(int *fdp, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof sun.sun_path)
		return ENAMETOOLONG;
	(void)str_ncpy(sun.sun_path, path, sizeof sun.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun)) {
		int err = errno;

		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

/* Of the process that listens at the other end: readable once it is gone with
 * all that it had open. -1: it is, or it cannot be seen from here. */
static int process_of(int fd)
{
	struct ucred uc;
	socklen_t len = sizeof uc;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len) || uc.pid <= 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, uc.pid, 0);
}

/* A sipd answers a line. One that was killed neither answers nor refuses
 * until it is gone, which takes its time on a busy machine. */
static bool answers(int fd, int process)
{
	static const char line[] = "{\"cmd\":\"status\"}\n";
	struct pollfd pv[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = process, .events = POLLIN },
	};
	char c;

	(void)send(fd, line, sizeof line - 1, MSG_NOSIGNAL);
	while (poll(pv, RE_ARRAY_SIZE(pv), PATIENCE) > 0) {
		if (pv[1].revents)
			return false;
		if (recv(fd, &c, 1, MSG_DONTWAIT) > 0)
			return true;
		if (process < 0)
			return false;
		pv[0].fd = -1;          /* hung up: it is going */
	}
	return true;
}

bool running_at(const char *path)
{
	int fd = -1, process;
	bool yes;

	if (running_connect(&fd, path))
		return false;
	process = process_of(fd);
	yes = answers(fd, process);
	if (process >= 0)
		(void)close(process);
	(void)close(fd);
	return yes;
}
