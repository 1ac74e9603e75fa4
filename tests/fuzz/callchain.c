/* fuzz: sipd/callchain.c
 *
 * A call log and its FILE.head that somebody has edited: the first two bytes
 * say how much of the rest is the log. Where no break is seen, one line more
 * makes none.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "sipd/callchain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], file[80], head[96];

static void clean(void)
{
	(void)unlink(file);
	(void)unlink(head);
	(void)rmdir(dir);
}

static void make_folder(void)
{
	strcpy(dir, "/tmp/dialtone-fuzz-chain-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	(void)re_snprintf(file, sizeof file, "%s/calls", dir);
	(void)re_snprintf(head, sizeof head, "%s.head", file);
	(void)atexit(clean);
}

static void put(const char *name, const uint8_t *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	(void)close(fd);
}

static bool unbroken(void)
{
	struct callchain_report r;
	char *filev[] = { file };

	if (callchain_verify(filev, 1, &r))
		abort();
	return !*r.broken;
}

static void append(void)
{
	struct callchain *c = NULL;
	char prev[CALLCHAIN_HEX], line[128];
	int fd = open(file, O_RDWR | O_APPEND | O_CLOEXEC), n;

	if (fd < 0 || callchain_alloc(&c, file))
		abort();
	callchain_lock(c, fd, prev);
	n = re_snprintf(line, sizeof line, "{\"prev\":\"%s\"}\n", prev);
	if (n < 0 || callchain_note(c, line, (size_t)n - 1) ||
	    write(fd, line, (size_t)n) != n)
		abort();
	callchain_unlock(c, true);
	mem_deref(c);
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n;
	bool whole;

	if (size < 2)
		return 0;
	if (!*dir)
		make_folder();
	n = (size_t)(data[0] << 8 | data[1]);
	data += 2;
	size -= 2;
	n = n < size ? n : size;
	whole = !n || data[n - 1] == '\n';
	put(file, data, n);
	put(head, data + n, size - n);
	if (!unbroken())
		whole = false;
	append();
	if (whole && !unbroken())
		abort();
	return 0;
}
