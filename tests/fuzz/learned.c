/* fuzz: sipd/log.c
 *
 * STATE/learned as somebody has left it: what is taken of it is words in
 * bounds, not for ever, each once; and it can be gone on with.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "sipd/learned.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct learned *l, time_t now)
{
	struct le *le;

	if (list_count(&l->linel) > LEARNED_MAX)
		abort();
	LIST_FOREACH(&l->linel, le) {
		const struct line *n = le->data;

		if (!is_word(n->kind) || !is_word(n->key) ||
		    !is_word(n->value) || n->until <= now ||
		    find(l, n->kind, n->key) != n)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const time_t now = 1700000000;
	const int fd = memfd_create("learned", 0);
	struct learned *l;
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || fchmod(fd, 0600) ||
	    write(fd, data, size) != (ssize_t)size ||
	    learned_alloc(&l, path, now))
		abort();
	check(l, now);
	(void)learned_get(l, "guess", "x", now);
	mem_deref(l);
	(void)close(fd);
	return 0;
}
