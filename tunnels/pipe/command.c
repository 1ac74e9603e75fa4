/*
 * command.c: the configured command at the far end of a pipe: started with
 * nothing of ours but its stdin and stdout, watched by a pidfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <re.h>
#include "tunnels/pipe/command.h"
#include "tunnels/errand.h"

enum {
	GRACE_MS = 2000,                /* between asking and killing */
	ENV_MAX = 6,
	VAR_MAX = 512,
};

struct command {
	struct loop_fd lf;
	pid_t pid;                      /* its group's too; 0: reaped */
	int pidfd;
	command_exit_h *exith;
	void *arg;
};

struct leftover {
	pid_t pid;
	int pidfd;
};

/* On a thread: nobody else waits for it any more. */
static void reap_handler(void *data)
{
	const struct leftover *lo = data;
	struct pollfd pfd = { .fd = lo->pidfd, .events = POLLIN };
	siginfo_t si;

	(void)kill(-lo->pid, SIGHUP);
	(void)kill(-lo->pid, SIGTERM);
	if (poll(&pfd, 1, GRACE_MS) <= 0)
		(void)kill(-lo->pid, SIGKILL);
	(void)waitid(P_PID, (id_t)lo->pid, &si, WEXITED);
	(void)close(lo->pidfd);
}

static void leave(pid_t pid, int pidfd)
{
	static const struct errand_handlers h = {
		reap_handler, NULL, free, NULL
	};
	struct leftover *lo = calloc(1, sizeof *lo);

	if (!lo) {
		(void)kill(-pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		(void)close(pidfd);
		return;
	}
	lo->pid = pid;
	lo->pidfd = pidfd;
	(void)errand_start(NULL, NULL, &h, lo, NULL);
}

static void command_destructor(void *arg)
{
	struct command *c = arg;

	loop_unwatch(&c->lf);
	if (c->pid)
		leave(c->pid, c->pidfd);
	else if (c->pidfd >= 0)
		(void)close(c->pidfd);
}

static void exit_handler(uint32_t events, void *arg)
{
	struct command *c = arg;
	siginfo_t si;

	(void)events;
	memset(&si, 0, sizeof si);
	if (waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG) ||
	    !si.si_pid)
		return;
	loop_unwatch(&c->lf);
	c->pid = 0;
	c->exith(si.si_code != CLD_EXITED, si.si_status, c->arg);
}

static int env_add(char *env[ENV_MAX], char (*buf)[VAR_MAX], size_t *n,
		   const char *name, const char *value)
{
	if (!value || snprintf(buf[*n], VAR_MAX, "%s=%s", name, value) >=
	    VAR_MAX)
		return EINVAL;
	env[*n] = buf[*n];
	++*n;
	return 0;
}

static int actions(posix_spawn_file_actions_t *fa, int in, int out)
{
	const char *home = getenv("HOME");
	int err = posix_spawn_file_actions_adddup2(fa, in, 0);

	if (!err)
		err = posix_spawn_file_actions_adddup2(fa, out, 1);
	/* what it complains of could flood our log at the peer's will */
	if (!err)
		err = posix_spawn_file_actions_addopen(fa, 2, "/dev/null",
						       O_WRONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(fa, 3);
	if (!err)
		err = posix_spawn_file_actions_addchdir_np(fa,
			home && !access(home, X_OK) ? home : "/");
	return err;
}

static int attributes(posix_spawnattr_t *at)
{
	sigset_t all, none;
	int err;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	err = posix_spawnattr_setflags(at, POSIX_SPAWN_SETPGROUP |
				       POSIX_SPAWN_SETSIGDEF |
				       POSIX_SPAWN_SETSIGMASK);
	if (!err)
		err = posix_spawnattr_setpgroup(at, 0);
	if (!err)
		err = posix_spawnattr_setsigdefault(at, &all);
	return err ? err : posix_spawnattr_setsigmask(at, &none);
}

static int spawn(pid_t *pid, const char *line, const char *peer, int in,
		 int out)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)line,
			       NULL };
	char buf[ENV_MAX][VAR_MAX], *env[ENV_MAX + 1] = { NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	size_t n = 0;
	int err;

	(void)env_add(env, buf, &n, "PATH",
		      "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:"
		      "/usr/sbin:/sbin");
	(void)env_add(env, buf, &n, "HOME", getenv("HOME"));
	(void)env_add(env, buf, &n, "LANG", getenv("LANG"));
	(void)env_add(env, buf, &n, "DIALTONE_PEER", peer);
	err = posix_spawn_file_actions_init(&fa);
	if (err)
		return err;
	err = posix_spawnattr_init(&at);
	if (err) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return err;
	}
	err = actions(&fa, in, out);
	if (!err)
		err = attributes(&at);
	if (!err)
		err = posix_spawn(pid, "/bin/sh", &fa, &at, argv, env);
	(void)posix_spawnattr_destroy(&at);
	(void)posix_spawn_file_actions_destroy(&fa);
	return err;
}

static void close_both(int fd[2])
{
	(void)close(fd[0]);
	(void)close(fd[1]);
}

/* Our end alone is non-blocking: the two ends of a pipe have their own
 * flags. */
static int pipes(int a[2], int b[2])
{
	int err;

	if (pipe2(a, O_CLOEXEC))
		return errno;
	if (pipe2(b, O_CLOEXEC)) {
		err = errno;
		close_both(a);
		return err;
	}
	if (fcntl(a[1], F_SETFL, O_NONBLOCK) ||
	    fcntl(b[0], F_SETFL, O_NONBLOCK)) {
		err = errno;
		close_both(a);
		close_both(b);
		return err;
	}
	return 0;
}

static int watch(struct command *c, struct loop *l)
{
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd < 0)
		return errno;
	return loop_watch(l, &c->lf, c->pidfd, EPOLLIN, exit_handler, c);
}

int command_run(struct command **cp, struct loop *l, const char *line,
		const char *peer, int *in, int *out, command_exit_h *exith,
		void *arg)
{
	struct command *c = mem_zalloc(sizeof *c, command_destructor);
	int a[2] = { -1, -1 }, b[2] = { -1, -1 }, err;

	if (!c)
		return ENOMEM;
	c->pidfd = -1;
	c->exith = exith;
	c->arg = arg;
	err = pipes(a, b);
	if (err) {
		mem_deref(c);
		return err;
	}
	err = spawn(&c->pid, line, peer, a[0], b[1]);
	(void)close(a[0]);
	(void)close(b[1]);
	if (err)
		c->pid = 0;
	else
		err = watch(c, l);
	if (err) {
		(void)close(a[1]);
		(void)close(b[0]);
		mem_deref(c);
		return err;
	}
	*in = a[1];
	*out = b[0];
	*cp = c;
	return 0;
}
