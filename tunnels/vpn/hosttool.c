/*
 * hosttool.c: they run once at a network's start and end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tunnels/vpn/hosttool.h"

extern char **environ;

static int feed(int fd, const char *text)
{
	const size_t n = text ? strlen(text) : 0;
	const int err = n && write(fd, text, n) != (ssize_t)n ? EIO : 0;

	(void)close(fd);
	return err;
}

static int spawn(pid_t *pid, char *const argv[], int in)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int err;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawnattr_init(&at);
	(void)posix_spawn_file_actions_adddup2(&fa, in, 0);
	(void)posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY,
					       0);
	(void)posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY,
					       0);
	(void)posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK |
				       POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&at, &none);
	(void)posix_spawnattr_setsigdefault(&at, &all);
	err = posix_spawnp(pid, argv[0], &fa, &at, argv, environ);
	(void)posix_spawnattr_destroy(&at);
	(void)posix_spawn_file_actions_destroy(&fa);
	return err;
}

/* nft and what sets the DNS get the right that we have; no other program does
 * (drop.c). What is raised here is this thread's alone. */
static void hand_on(bool on)
{
	(void)prctl(PR_CAP_AMBIENT, on ? PR_CAP_AMBIENT_RAISE
		    : PR_CAP_AMBIENT_LOWER, (unsigned long)CAP_NET_ADMIN, 0L,
		    0L);
}

int hosttool_run(char *const argv[], const char *text)
{
	int p[2], status = 0, err;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return errno;
	hand_on(true);
	err = spawn(&pid, argv, p[0]);
	hand_on(false);
	if (err) {
		(void)close(p[0]);
		(void)close(p[1]);
		return err;
	}
	(void)feed(p[1], text);
	(void)close(p[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : EIO;
}
