/*
 * firstbyte.c: runs `dial -j PEER pipe` and takes the time until the first
 * byte that was written into it comes back.
 *
 *   exec ──────────────> setup_ms of the "open" event ──────> byte
 *
 * Prints: total gather answer path secure rest, in ms; rest is what dial does
 * before the session begins and after it is open. Used by setup.sh.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MARK = 1 };      /* a byte that JSON never holds */

extern char **environ;

static double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int run(pid_t *pid, char *argv[], int *to, int *from)
{
	posix_spawn_file_actions_t fa;
	int in[2], out[2], err;

	if (pipe2(in, 0) || pipe2(out, 0))
		return -1;
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_adddup2(&fa, in[0], STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&fa, out[1], STDOUT_FILENO);
	for (int i = 0; i < 2; i++) {
		(void)posix_spawn_file_actions_addclose(&fa, in[i]);
		(void)posix_spawn_file_actions_addclose(&fa, out[i]);
	}
	err = posix_spawn(pid, argv[0], &fa, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(in[0]);
	(void)close(out[1]);
	*to = in[1];
	*from = out[0];
	return err;
}

/* Read until the mark; what came before is JSON lines. */
static int wait_mark(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		ssize_t k = read(fd, buf + n, size - n - 1);

		if (k <= 0)
			return -1;
		buf[n + (size_t)k] = '\0';
		if (memchr(buf + n, MARK, (size_t)k))
			return 0;
		n += (size_t)k;
	}
	return -1;
}

static double stage(const char *text, const char *key)
{
	const char *p = strstr(text, "\"setup_ms\"");

	p = p ? strstr(p, key) : NULL;
	p = p ? strchr(p, ':') : NULL;
	return p ? atof(p + 1) : -1;
}

int main(int argc, char *argv[])
{
	static const char *const keyv[] = {
		"\"gather\"", "\"answer\"", "\"path\"", "\"secure\""
	};
	static char buf[65536];
	const char mark = MARK;
	double begin, total, rest;
	int to, from, status;
	pid_t pid;

	if (argc < 2)
		return 2;
	begin = now_ms();
	if (run(&pid, argv + 1, &to, &from) || write(to, &mark, 1) != 1 ||
	    wait_mark(from, buf, sizeof buf)) {
		(void)fprintf(stderr, "no byte came: %s\n", buf);
		return 1;
	}
	total = rest = now_ms() - begin;
	(void)close(to);
	while (read(from, buf + sizeof buf / 2, sizeof buf / 2) > 0)
		;
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	(void)printf("%.1f", total);
	for (size_t i = 0; i < sizeof keyv / sizeof *keyv; i++) {
		double ms = stage(buf, keyv[i]);

		rest -= ms;
		(void)printf(" %.0f", ms);
	}
	(void)printf(" %.1f\n", rest);
	return 0;
}
