/*
 * replay.c: feeds files to a fuzz target, each in a process of its own, so
 * that one that crashes or hangs is named and the others still run.
 *
 *   replay FILE...      prints "N passed, N failed"; the empty input is one
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SIZE = 1 << 20,         /* bytes of a file that are read */
	HANG = 10,              /* seconds */
};

/* In a block of its exact size, so that a byte read beyond it is seen. */
static void feed(const char *name)
{
	FILE *f = name ? fopen(name, "rb") : NULL;
	uint8_t *all = malloc(SIZE), *exact;
	size_t n = f ? fread(all, 1, SIZE, f) : 0;

	if (name && !f)
		exit(2);
	all = realloc(all, n ? n : 1);
	exact = n ? all : NULL;
	alarm(HANG);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(all);
	if (f)
		fclose(f);
	exit(0);
}

static int passes(const char *name)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		feed(name);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && !status)
		return 1;
	fprintf(stderr, "failed: %s\n", name ? name : "empty input");
	return 0;
}

int main(int argc, char *argv[])
{
	int passed = passes(NULL), n = 1;

	for (; n < argc; n++)
		passed += passes(argv[n]);
	printf("%d passed, %d failed\n", passed, n - passed);
	return passed != n;
}
