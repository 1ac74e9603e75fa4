/*
 * text.h: for the tests of the configuration: a text as a sipd.conf, with a
 * file beside it, and what is said about it.
 */
#ifndef DIALTONE_CONF_TEXT_H
#define DIALTONE_CONF_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/conf.h"
#include "tests/unit/unit.h"

#define FP "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

static char dir[64], file[96], side[96];
static struct conf_error e;

static inline void write_to(const char *path, const char *text, size_t n,
			    mode_t mode)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(text, 1, n, f);
	fclose(f);
	chmod(path, mode);
}

static inline void setup(void)
{
	unit_folder(dir, sizeof dir);
	snprintf(file, sizeof file, "%s/sipd.conf", dir);
	snprintf(side, sizeof side, "%s/side", dir);
}

static inline void teardown(void)
{
	unlink(file);
	unlink(side);
	rmdir(dir);
}

/* NULL and the sentence in e if it is refused. */
static inline struct conf *load(const char *text)
{
	struct conf *c = NULL;
	int err;

	write_to(file, text, strlen(text), 0600);
	err = conf_load(&c, file, &e);
	CU_ASSERT_EQUAL(!c, err != 0);
	CU_ASSERT_EQUAL(err != 0, e.text[0] != '\0');
	return c;
}

/* The sentence behind "FILE:" must be this one. */
static inline void refused(const char *text, const char *sentence)
{
	struct conf *c;
	size_t n;

	setup();
	c = load(text);
	n = strlen(file);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT(!strncmp(e.text, file, n));
	if (strcmp(e.text + n + 1, sentence))
		printf("expected: %s\n     got: %s\n", sentence,
		       e.text + n + 1);
	CU_ASSERT_STRING_EQUAL(e.text + n + 1, sentence);
	mem_deref(c);
	teardown();
}

/* One value for one key: refused with something that holds `part`. */
static inline void refused_value(const char *section, const char *line,
				 const char *part)
{
	char text[1024];
	struct conf *c;

	setup();
	snprintf(text, sizeof text, "[%s]\n%s\n", section, line);
	c = load(text);
	CU_ASSERT_PTR_NULL(c);
	if (!strstr(e.text, part))
		printf("'%s': expected ...%s..., got %s\n", line, part,
		       e.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, part));
	mem_deref(c);
	teardown();
}

#endif
