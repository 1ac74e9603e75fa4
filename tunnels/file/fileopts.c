/*
 * fileopts.c: the words after `send` and `get`.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/ask.h"
#include "tunnels/file/fileopts.h"

static void set_overwrite(struct fileopts *o, const char *value)
{
	(void)value;
	o->overwrite = true;
}

static void set_rename(struct fileopts *o, const char *value)
{
	(void)value;
	o->overwrite = false;
}

static void set_compress(struct fileopts *o, const char *value)
{
	(void)value;
	o->zip = FILEZIP_ALWAYS;
}

static void set_no_compress(struct fileopts *o, const char *value)
{
	(void)value;
	o->zip = FILEZIP_NEVER;
}

static void set_into(struct fileopts *o, const char *value)
{
	o->into = value;
}

static const struct row {
	const char *word;
	bool value;                     /* takes the next word */
	const char *verb;               /* NULL: of both */
	void (*set)(struct fileopts *o, const char *value);
} rows[] = {
	{ "--overwrite", false, NULL, set_overwrite },
	{ "--rename", false, NULL, set_rename },
	{ "--compress", false, "send", set_compress },
	{ "--no-compress", false, "send", set_no_compress },
	{ "--into", true, "get", set_into },
};

static const struct row *find(const char *word, const char *verb)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!strcmp(rows[i].word, word) &&
		    (!rows[i].verb || !strcmp(rows[i].verb, verb)))
			return &rows[i];
	return NULL;
}

/* The word at *i is one, perhaps with the next as its value. */
static int take_option(struct fileopts *o, const struct tunnel_ask *ask,
		       const char *verb, size_t *i)
{
	const char *word = ask->argv[*i];
	const struct row *row = find(word, verb);

	if (!row)
		return ask_refuse(ask, EINVAL, "%s does not know the"
				  " option %s; write ./%s or -- before it"
				  " if it is a file.", verb, word, word);
	if (row->value && *i + 1 == ask->argc)
		return ask_refuse(ask, EINVAL, "%s needs a value.",
				  word);
	*i += row->value;
	row->set(o, ask->argv[*i]);
	return 0;
}

int fileopts_parse(struct fileopts *o, const struct tunnel_ask *ask,
		   const char *verb)
{
	bool options = true;
	int err = 0;

	memset(o, 0, sizeof *o);
	o->namev = mem_zalloc((ask->argc + 1) * sizeof *o->namev, NULL);
	if (!o->namev)
		return ENOMEM;
	for (size_t i = 0; i < ask->argc && !err; i++) {
		const char *word = ask->argv[i];

		if (options && !strcmp(word, "--"))
			options = false;
		else if (options && *word == '-')
			err = take_option(o, ask, verb, &i);
		else
			o->namev[o->namec++] = word;
	}
	if (!err && !o->namec)
		err = ask_refuse(ask, EINVAL, "What is to be %s? Name a"
				 " file or a folder.",
				 strcmp(verb, "get") ? "sent" :
				 "fetched");
	if (err)
		o->namev = mem_deref(o->namev);
	return err;
}

int fileopts_path(char **pp, const struct tunnel_ask *ask, const char *word)
{
	if (*word == '/' || !ask->cwd)
		return str_dup(pp, word);
	return re_sdprintf(pp, "%s/%s", ask->cwd, word);
}
