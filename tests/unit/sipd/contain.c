/*
 * contain.c: tests of sipd/contain.c, each in a process of its own, since
 * there is no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <re.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sipd/contain.h"
#include "tests/unit/unit.h"

static char dir[64], file[96];
static struct conf *conf;

static void load(const char *text)
{
	struct conf_error ce;
	FILE *f;

	unit_folder(dir, sizeof dir);
	snprintf(file, sizeof file, "%s/sipd.conf", dir);
	f = fopen(file, "w");
	fprintf(f, "[sipd]\nstate = %s/state\n%s", dir, text);
	fclose(f);
	CU_ASSERT_EQUAL_FATAL(conf_load(&conf, file, &ce), 0);
}

static void unload(void)
{
	char cmd[128];

	conf = mem_deref(conf);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

static int try_write(const char *name)
{
	char path[160];
	int fd;

	snprintf(path, sizeof path, "%s%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void *nothing(void *arg)
{
	return arg;
}

/* What the contained one finds: bits. */
enum {
	INSIDE = 1, EXTRA = 2, OUTSIDE = 4, MOUNTS = 8, TRACES = 16,
	UNSHARES = 32, PRIVS = 64, READS = 128, FAILED = 255,
};

/* By the system call itself, as an intruder would; and a thread still can. */
static bool clones(void)
{
	const long flags = CLONE_NEWUSER | SIGCHLD;
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
		uint64_t stack, stack_size, tls;
	} args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pthread_t thread;
	long pid = syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid < 0)
		pid = syscall(SYS_clone3, &args, sizeof args);
	if (!pid)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid > 0 || pthread_create(&thread, NULL, nothing, NULL) ||
		pthread_join(thread, NULL) || system("true");
}

static int look(void)
{
	char why[200];
	int bits = 0;

	if (contain(conf, why, sizeof why))
		return FAILED;
	bits |= try_write("/state/x") ? 0 : INSIDE;
	bits |= try_write("/extra/x") ? 0 : EXTRA;
	bits |= try_write("/x") ? 0 : OUTSIDE;
	(void)mount("none", "/nonexistent/x", "tmpfs", 0, NULL);
	bits |= errno == EPERM ? 0 : MOUNTS;
	bits |= clones() ? UNSHARES : 0;        /* before who is traced stops */
	bits |= ptrace(PTRACE_TRACEME, 0, 0, 0) ? 0 : TRACES;
	bits |= unshare(CLONE_NEWUTS) ? 0 : UNSHARES;
	bits |= prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) ? 0 : PRIVS;
	bits |= access(file, R_OK) ? 0 : READS;
	return bits;
}

/* TRACES is left to sanitizers, which need it. */
static int contained(void)
{
	int st = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(look());
	CU_ASSERT_EQUAL(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : FAILED;
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void test_contained(void)
{
	load("");
	setenv("HOME", "/", 1);         /* which is nobody's home */
	if (!has_landlock()) {
		printf("skipped: this kernel has no Landlock\n");
		CU_ASSERT_EQUAL(contained() & (MOUNTS | UNSHARES | PRIVS),
				0);
	}
	else {
		CU_ASSERT_EQUAL(contained() & ~TRACES, INSIDE | READS);
	}
	unload();
}

static void test_write(void)
{
	char text[128];

	load("");
	snprintf(text, sizeof text, "%s/extra", dir);
	CU_ASSERT_EQUAL(str_dup(&conf->write, text), 0);
	if (has_landlock())
		CU_ASSERT_EQUAL(contained() & ~TRACES,
				INSIDE | EXTRA | READS);
	unload();
}

static void test_open(void)
{
	load("contain = no\n");
	CU_ASSERT_EQUAL(contained() & (OUTSIDE | PRIVS | READS | TRACES),
			OUTSIDE | PRIVS | READS | TRACES);
	unload();
}

UNIT_SUITE("contain",
	   { "contained", test_contained },
	   { "more to write to", test_write },
	   { "left open", test_open })
