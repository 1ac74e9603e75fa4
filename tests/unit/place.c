/*
 * place.c: where a suite keeps its files: below a folder of its own on disk,
 * and one in memory, where fsync costs nothing. They go with the suite, if
 * that is killed too: then a child of it sees the pipe end that only the
 * suite, and what it has forked, hold.
 *
 *   suite [w]--------[r] child, in a session of its own: system("rm ...")
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "tests/unit/place.h"

enum { DISK, MEMORY, PLACES };

static char placev[PLACES][40] = { "/tmp/dialtone-unit-XXXXXX" };
static pid_t sweeper;

/* A case may have taken its rights from a folder. */
static void clear(const char *place)
{
	char cmd[200];

	if (!rmdir(place) || errno == ENOENT)
		return;
	snprintf(cmd, sizeof cmd, "chmod -fR u+rwX %s; rm -rf %s", place,
		 place);
	if (system(cmd))
		printf("%s: cannot be removed\n", place);
}

static void clear_all(void)
{
	for (int i = 0; i < PLACES; i++)
		clear(placev[i]);
}

static void sweeper_run(int fd)
{
	char c;

	(void)setsid();         /* timeout(1) ends a group of processes */
	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	clear_all();
	_exit(0);
}

/* Somebody else's file rights are asked for what is below; without that in
 * memory all is on disk. */
static void make_all(void)
{
	for (int i = 0; i < PLACES; i++) {
		(void)mkdir(placev[i], 0711);
		(void)chmod(placev[i], 0711);
	}
}

int place_open(void)
{
	int fdv[2];

	if (!mkdtemp(placev[DISK]) || pipe2(fdv, O_CLOEXEC))
		return errno;
	snprintf(placev[MEMORY], sizeof placev[MEMORY], "/dev/shm%s",
		 strrchr(placev[DISK], '/'));
	make_all();
	sweeper = fork();
	if (!sweeper) {
		close(fdv[1]);
		sweeper_run(fdv[0]);
	}
	close(fdv[0]);          /* fdv[1] stays open as long as we live */
	return sweeper < 0 ? errno : 0;
}

void place_renew(void)
{
	clear_all();
	make_all();
}

void place_close(void)
{
	clear_all();
	(void)kill(sweeper, SIGKILL);
	(void)waitpid(sweeper, NULL, 0);
}

static void name(char *path, size_t size, int place)
{
	CU_ASSERT_FATAL((size_t)snprintf(path, size, "%s/XXXXXX",
					 placev[place]) < size);
}

void unit_folder(char *path, size_t size)
{
	name(path, size, DISK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
}

void unit_folder_fast(char *path, size_t size)
{
	name(path, size, access(placev[MEMORY], W_OK) ? DISK : MEMORY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
}

int unit_file(char *path, size_t size)
{
	int fd;

	name(path, size, DISK);
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}
