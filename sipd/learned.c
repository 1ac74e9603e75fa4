/*
 * learned.c: lines in memory, and the file that they are read from once and
 * written to whenever one changes.
 *
 *   set: read what others wrote -> merge -> FILE.XXXXXX (0600) -> fsync
 *        -> rename to FILE
 *
 * Two processes that write at the same moment: one of them is not heard,
 * which costs no more than learning it again. Called by house.c and
 * guessbook.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "sipd/learned.h"
#include "sipd/log.h"

struct line {
	struct le le;
	char kind[LEARNED_WORD_MAX + 1], key[LEARNED_WORD_MAX + 1];
	char value[LEARNED_WORD_MAX + 1];
	time_t until;
};

struct learned {
	char *file;
	struct list linel;
};

static void line_destructor(void *arg)
{
	list_unlink(&((struct line *)arg)->le);
}

static void learned_destructor(void *arg)
{
	struct learned *l = arg;

	list_flush(&l->linel);
	mem_deref(l->file);
}

static struct line *find(const struct learned *l, const char *kind,
			 const char *key)
{
	struct le *le;

	LIST_FOREACH(&l->linel, le) {
		struct line *n = le->data;

		if (!strcmp(n->kind, kind) && !strcmp(n->key, key))
			return n;
	}
	return NULL;
}

static void forget(struct learned *l, time_t now)
{
	struct le *le, *next;

	for (le = l->linel.head; le; le = next) {
		struct line *n = le->data;

		next = le->next;
		if (n->until <= now)
			mem_deref(n);
	}
}

static void make_room(struct learned *l)
{
	struct line *first = NULL;
	struct le *le;

	LIST_FOREACH(&l->linel, le) {
		struct line *n = le->data;

		if (!first || n->until < first->until)
			first = n;
	}
	mem_deref(first);
}

static int put(struct learned *l, const struct line *from)
{
	struct line *n = find(l, from->kind, from->key);

	if (!n) {
		if (list_count(&l->linel) >= LEARNED_MAX)
			make_room(l);
		n = mem_zalloc(sizeof *n, line_destructor);
		if (!n)
			return ENOMEM;
		list_append(&l->linel, &n->le, n);
		str_ncpy(n->kind, from->kind, sizeof n->kind);
		str_ncpy(n->key, from->key, sizeof n->key);
	}
	str_ncpy(n->value, from->value, sizeof n->value);
	n->until = from->until;
	return 0;
}

/* What would last for longer than anything here is said to is a mistake. */
static bool parse(struct line *n, const char *text, time_t now)
{
	enum { LONGEST = 400 * 24 * 3600 };
	long long until;
	int used = 0;

	memset(n, 0, sizeof *n);
	/* a file of our own, in bounds checked below. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(text, "%127s %127s %127s %lld%n", n->kind, n->key, n->value,
		   &until, &used) != 4 || text[used] != '\n')
		return false;
	n->until = (time_t)until;
	return until > now && until < now + LONGEST;
}

/* What we know ourselves is newer, unless it would be forgotten sooner. */
static int merge(struct learned *l, FILE *f, time_t now)
{
	char text[4 * LEARNED_WORD_MAX];
	int err = 0;

	while (!err && fgets(text, sizeof text, f)) {
		const struct line *own;
		struct line n;

		if (!parse(&n, text, now))
			continue;
		own = find(l, n.kind, n.key);
		if (!own || own->until < n.until)
			err = put(l, &n);
	}
	return err;
}

static int read_file(struct learned *l, time_t now)
{
	FILE *f = fopen(l->file, "re");
	struct stat st;
	int err = 0;

	if (!f)
		return errno == ENOENT ? 0 : errno;
	if (fstat(fileno(f), &st))
		err = errno;
	else if (!S_ISREG(st.st_mode) || st.st_mode & (S_IWGRP | S_IWOTH))
		err = EPERM;
	if (!err)
		err = merge(l, f, now);
	(void)fclose(f);
	return err;
}

static int write_lines(const struct learned *l, FILE *f)
{
	struct le *le;

	LIST_FOREACH(&l->linel, le) {
		const struct line *n = le->data;

		if (fprintf(f, "%s %s %s %lld\n", n->kind, n->key, n->value,
			    (long long)n->until) < 0)
			return errno ? errno : EIO;
	}
	return fflush(f) || fsync(fileno(f)) ? errno : 0;
}

static int write_file(const struct learned *l)
{
	char tmp[PATH_MAX];
	FILE *f;
	int fd, err;

	if (re_snprintf(tmp, sizeof tmp, "%s.XXXXXX", l->file) < 0)
		return ENAMETOOLONG;
	fd = mkostemp(tmp, O_CLOEXEC);          /* O_EXCL, 0600 */
	if (fd < 0)
		return errno;
	f = fdopen(fd, "w");
	if (!f) {
		err = errno;
		(void)close(fd);
	}
	else {
		err = write_lines(l, f);
		if (fclose(f) && !err)
			err = errno;
	}
	if (!err && rename(tmp, l->file))
		err = errno;
	if (err)
		(void)unlink(tmp);
	return err;
}

int learned_alloc(struct learned **lp, const char *file, time_t now)
{
	struct learned *l = mem_zalloc(sizeof *l, learned_destructor);
	int err;

	if (!l)
		return ENOMEM;
	err = str_dup(&l->file, file);
	if (err) {
		mem_deref(l);
		return err;
	}
	err = read_file(l, now);
	if (err)
		log_warn("%s is not read: %m", file, err);
	*lp = l;
	return 0;
}

const char *learned_get(struct learned *l, const char *kind, const char *key,
			time_t now)
{
	const struct line *n = find(l, kind, key);

	return n && n->until > now ? n->value : NULL;
}

static bool is_word(const char *s)
{
	const size_t n = strlen(s);

	return n && n <= LEARNED_WORD_MAX && !strpbrk(s, " \t\r\n");
}

int learned_set(struct learned *l, const char *kind, const char *key,
		const char *value, time_t now, time_t seconds)
{
	struct line n = { .until = now + seconds };
	int err;

	if (!is_word(kind) || !is_word(key) || !is_word(value))
		return EINVAL;
	str_ncpy(n.kind, kind, sizeof n.kind);
	str_ncpy(n.key, key, sizeof n.key);
	str_ncpy(n.value, value, sizeof n.value);
	(void)read_file(l, now);
	forget(l, now);
	err = put(l, &n);
	return err ? err : write_file(l);
}

void learned_apply(struct learned *l, const char *kind, time_t now,
		   void (*h)(const char *key, const char *value, void *arg),
		   void *arg)
{
	struct le *le;

	LIST_FOREACH(&l->linel, le) {
		const struct line *n = le->data;

		if (n->until > now && !strcmp(n->kind, kind))
			h(n->key, n->value, arg);
	}
}
