/*
 * unitfail.c: what becomes of a case when memory runs out.
 *
 * A case runs in a child, once to count its allocations, then once for each
 * allocation that is to fail (or some of them, evenly spread: the same ones
 * in each run). What the case asserts will then often not hold, and that is
 * no matter: the first assertion that fails ends the run, there and then,
 * with the stack still standing. So whatever the case holds is still reached
 * from somewhere, and what the leak sanitizer finds has been lost by the code
 * under test. Wrong are a crash, a leak, a hang, and whatever else the
 * sanitizers say. Cases whose name begins with "set up" are run before those
 * that follow them, with memory enough.
 *
 *	case -- alloc 1 .. n-1 -- alloc n: NULL -- assertion fails -- leaks? -- _exit
 *	                                    `---- ends well ---------'
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/unit/fail.h"
#include "tests/unit/place.h"
#include "tests/unit/unitfail.h"

enum {
	HANG = 60,              /* seconds */
	TRIES = 3,
	PATIENCE = 2,           /* seconds beyond what the case takes */
	LEAKED = 90,            /* exit codes */
	EXEMPT = 91,
	TAIL = 6000,            /* bytes of what a run said that are shown */
};

struct shared {                 /* with the children */
	long seen;
	bool whole;             /* no assertion failed */
	char why[256];          /* it needs memory */
};

struct suite {
	const char *name;
	const struct unit_test *tests;
	bool quick;             /* who waits is not waited for */
	FILE *log;              /* what the last run said */
};

static struct shared *shared;
static bool failing;            /* in a child */

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __sanitizer_print_stack_trace(void) __attribute__((weak));

CU_BOOL __real_CU_assertImplementation(CU_BOOL ok, unsigned line,
				       const char *cond, const char *file,
				       const char *func, CU_BOOL fatal);
CU_BOOL __wrap_CU_assertImplementation(CU_BOOL ok, unsigned line,
				       const char *cond, const char *file,
				       const char *func, CU_BOOL fatal);

static _Noreturn void over(bool whole)
{
	shared->seen = fail_seen();
	shared->whole = whole;
	fail_any(0, NULL);
	if (__lsan_do_recoverable_leak_check &&
	    __lsan_do_recoverable_leak_check())
		_exit(LEAKED);
	_exit(0);
}

CU_BOOL __wrap_CU_assertImplementation(CU_BOOL ok, unsigned line,
				       const char *cond, const char *file,
				       const char *func, CU_BOOL fatal)
{
	if (!failing)
		return __real_CU_assertImplementation(ok, line, cond, file,
						      func, fatal);
	if (ok)
		return ok;
	printf("%s:%u: %s\n", file, line, cond);
	over(false);
}

void unit_needs_memory(const char *why)
{
	if (!failing)
		return;
	snprintf(shared->why, sizeof shared->why, "%s", why);
	_exit(EXEMPT);
}

static void trace(void)
{
	fprintf(stderr, "--- this allocation fails:\n");
	if (__sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
}

/* What the cases after it stand upon. */
static bool sets_up(const struct unit_test *t)
{
	return !strncmp(t->name, "set up", 6);
}

/* Returns the child's status, as of waitpid. */
static int run(const struct suite *s, const struct unit_test *t, long n,
	       unsigned seconds, bool traced)
{
	int status = -1;
	pid_t pid;

	memset(shared, 0, sizeof *shared);
	fflush(NULL);
	if (ftruncate(fileno(s->log), 0))
		return -1;
	rewind(s->log);
	pid = fork();
	if (!pid) {
		dup2(fileno(s->log), STDOUT_FILENO);
		dup2(fileno(s->log), STDERR_FILENO);
		setvbuf(stdout, NULL, _IONBF, 0);
		alarm(seconds);
		failing = true;
		for (const struct unit_test *u = s->tests; u < t; u++)
			if (sets_up(u))
				u->fn();
		fail_any(n, traced ? trace : NULL);
		t->fn();
		over(true);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	place_renew();
	return status;
}

static bool waits(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
}

static const char *verdict(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == LEAKED)
		return "leaks";
	if (waits(status))
		return "hangs";
	return "crashes";
}

static void show(FILE *log)
{
	static char buf[TAIL + 1];
	size_t n;

	rewind(log);
	n = fread(buf, 1, TAIL, log);
	buf[n] = '\0';
	puts(buf);
}

/* The i-th of k numbers from 1 to n, evenly spread. */
static long spread(long i, long k, long n)
{
	return k < n ? 1 + (2 * i + 1) * n / (2 * k) : 1 + i;
}

static bool counted(const struct suite *s, const struct unit_test *t)
{
	int status = -1;

	/* a busy machine may be too slow for a case, once */
	for (int i = 0; i < TRIES && (status || !shared->whole); i++)
		status = run(s, t, 0, 4 * HANG, false);

	if (WIFEXITED(status) && WEXITSTATUS(status) == EXEMPT) {
		printf("skipped: %s:%s with failing allocations: %s\n",
		       s->name, t->name, shared->why);
		return false;
	}
	if (!status && shared->whole)
		return true;
	printf("%s:%s: fails by itself\n", s->name, t->name);
	show(s->log);
	return false;
}

/* Returns false if a run of the case went wrong. */
static bool one_case(const struct suite *s, const struct unit_test *t,
		     long samples, long only)
{
	uint64_t begun = tmr_jiffies();
	long total, k, bad = 0;
	unsigned limit = HANG;

	if (!counted(s, t))
		return shared->why[0];
	if (s->quick)
		limit = PATIENCE + (unsigned)(tmr_jiffies() - begun) / 1000;
	total = shared->seen;
	k = samples && samples < total ? samples : total;
	for (long i = 0; i < k; i++) {
		long n = only ? only : spread(i, k, total);
		int status = run(s, t, n, limit, only);

		if (!only && (!status || (s->quick && waits(status))))
			continue;
		printf("%s:%s: %s (%#x) when allocation %ld of %ld fails\n",
		       s->name, t->name, status ? verdict(status) :
		       "ends well", (unsigned)status, n, total);
		show(s->log);
		if (only)
			return !status;
		(void)run(s, t, n, limit, true);        /* where it was */
		show(s->log);
		++bad;
	}
	if (getenv("UNIT_FAIL_VERBOSE"))
		printf("%s:%s: %ld of %ld\n", s->name, t->name, k, total);
	return !bad;
}

int unit_fail(const char *suite, const struct unit_test *tests, size_t n,
	      long samples, const char *name, long only)
{
	struct suite s = {
		.name = suite, .tests = tests, .quick = samples && !name,
		.log = tmpfile(),
	};
	unsigned passed = 0, failed = 0;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!s.log || shared == MAP_FAILED)
		return 2;
	for (size_t i = 0; i < n; i++) {
		if (name && strcmp(name, tests[i].name))
			continue;
		if (one_case(&s, &tests[i], samples, only))
			++passed;
		else
			++failed;
	}
	fclose(s.log);
	printf("fail-%s: %u passed, %u failed\n", suite, passed, failed);
	return failed ? 1 : 0;
}
