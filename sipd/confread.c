/*
 * confread.c: sipd.conf from its first line to its last; conf.c calls it.
 *
 *   file -> next_line -> libinih -> on_key -> table row -> conf_set_h
 *              | "[section]"
 *              v
 *        confsect_end, confsect_begin
 *
 * libinih cuts lines into key and value. Sections are noted one step before,
 * because it tells neither of an empty section nor of a second one.
 */
#include <errno.h>
#include <ini.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sipd/confallow.h"
#include "sipd/confload.h"
#include "sipd/confparts.h"
#include "sipd/confread.h"
#include "sipd/confsect.h"
#include "sipd/nearest.h"

enum { PATH_SHOWN = 100 };      /* bytes of the file's name in an error */

/* "[word name]", perhaps with a comment behind; cut in place. */
static int on_section(struct load *ld, char *s)
{
	char *end = strchr(s, ']'), *word, *name, *p;

	if (!end)
		return load_fail(ld, ld->line, "there is no ']' after the "
				 "'['");
	p = end + 1 + strspn(end + 1, " \t\r\n");
	if (*p && *p != ';' && *p != '#')
		return load_fail(ld, ld->line, "there is something after the "
				 "']'");
	*end = '\0';
	word = s + 1 + strspn(s + 1, " \t");
	name = word + strcspn(word, " \t");
	if (*name)
		*name++ = '\0';
	name += strspn(name, " \t");
	for (p = name + strlen(name); p > name &&
	     (p[-1] == ' ' || p[-1] == '\t'); )
		*--p = '\0';
	return confsect_begin(ld, word, name);
}

static int unknown_key(struct load *ld, const char *word)
{
	struct nearest near = { NULL, 0 };

	for (size_t i = 0; i < conf_keyc; i++)
		if (conf_keys[i].sec == ld->sec)
			nearest_try(&near, word, conf_keys[i].word);
	if (!near.best)
		for (size_t i = 0; i < conf_keyc; i++)
			if (!strcmp(conf_keys[i].word, word))
				return load_fail(ld, ld->line, "'%s' is a key "
						 "of [%s], not of %H", word,
						 conf_sections[
						 conf_keys[i].sec].word,
						 load_section, ld);
	return load_fail(ld, ld->line, "unknown key '%s' in %H%H", word,
			 load_section, ld, nearest_print, &near);
}

/* Of a tunnel kind: text, under the key or, in a section with a name, under
 * "NAME/key". A list goes on where the line before has ended. */
static int set_kind(struct load *ld, const struct conf_key *k,
		    const char *value, const struct conf_ctx *ctx)
{
	const char *kind = conf_sections[k->sec].word;
	char key[NAME_SIZE + 32], *text = NULL;
	int err = 0;

	(void)re_snprintf(key, sizeof key, "%s%s%s", ld->name ? ld->name :
			  "", ld->name ? "/" : "", k->word);
	if (k->list && ld->seen[k - conf_keys])
		err = str_dup(&text, conf_kind_get(ld->c, kind, key));
	if (!err)
		err = k->seth(&text, k, value, ctx);
	if (!err)
		err = conf_kind_set(ld->c, kind, key, text);
	mem_deref(text);
	return err;
}

/* A list's default gives way to the first line that names something. */
static int set_value(struct load *ld, const struct conf_key *k,
		     const char *value, const struct conf_ctx *ctx)
{
	void *field = (char *)ld->base + k->offset;

	if (conf_sections[k->sec].kind)
		return set_kind(ld, k, value, ctx);
	if (k->list && !ld->seen[k - conf_keys])
		*(char **)field = mem_deref(*(char **)field);
	return k->seth(field, k, value, ctx);
}

static int set_key(struct load *ld, const struct conf_key *k,
		   const char *value)
{
	char why[192] = "";
	struct conf_ctx ctx = { ld->dir, ld->exposed, why, sizeof why };
	bool *seen = &ld->seen[k - conf_keys];
	int err;

	if (*seen && !k->list)
		return load_fail(ld, ld->line, "a second '%s' in %H", k->word,
				 load_section, ld);
	err = set_value(ld, k, value, &ctx);
	*seen = true;
	if (err == EINVAL)
		return load_fail(ld, ld->line, "'%s' in %H %s", k->word,
				 load_section, ld, why);
	return err;
}

/* From libinih; 0 is its word for an error. */
static int on_key(void *arg, const char *section, const char *word,
		  const char *value)
{
	struct load *ld = arg;
	const struct conf_key *k;

	(void)section;
	if (ld->err)
		return 0;
	if (!ld->sec_line)
		return !load_fail(ld, ld->line, "'%s' stands before the first "
				  "section: put it under [sipd]", word);
	k = conf_key_find(ld->sec, word);
	ld->err = k ? set_key(ld, k, value) : unknown_key(ld, word);
	return !ld->err;
}

static int check_byte(struct load *ld, int ch)
{
	if ((ch < 0x20 && ch != '\t' && ch != '\r') || ch == 0x7f)
		return load_fail(ld, ld->line, "there is a control character "
				 "in this line");
	return 0;
}

/* One line without its leading blanks, which libinih would take for the
 * continuation of the line before; false at the end of the file. */
static bool read_line(struct load *ld, char *buf, size_t size)
{
	size_t n = 0;
	int ch;

	++ld->line;
	while ((ch = getc(ld->f)) != EOF && ch != '\n') {
		if (check_byte(ld, ch) ||
		    (n && buf[n - 1] == '\r' && check_byte(ld, '\n')))
			return false;
		if (!n && (ch == ' ' || ch == '\t'))
			continue;
		if (n + 2 >= size)
			return !load_fail(ld, ld->line, "this line is longer "
					  "than %zu bytes: lists such as "
					  "allow may be given in several "
					  "lines", size - 2);
		buf[n++] = (char)ch;
	}
	if (ch == EOF && !n)
		return false;
	buf[n++] = '\n';
	buf[n] = '\0';
	return true;
}

static char *next_line(char *buf, int size, void *arg)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct load *ld = arg;
	char copy[512];

	if (ld->err || !read_line(ld, buf, (size_t)size))
		return NULL;
	if (ld->line == 1 && !strncmp(buf, bom, 3))
		memmove(buf, buf + 3, strlen(buf + 3) + 1);
	if (*buf != '[')
		return buf;
	str_ncpy(copy, buf, sizeof copy);
	ld->err = confsect_end(ld);
	if (!ld->err)
		ld->err = on_section(ld, copy);
	return ld->err ? NULL : buf;
}

/* What an allow names may come further down. */
static int check_allow(struct load *ld, const char *sec, const char *name,
		       const char *allow)
{
	char why[192] = "";
	const struct conf_ctx ctx = { NULL, false, why, sizeof why };
	const int err = allow ? confallow_check(allow, conf_kind_get, ld->c,
						&ctx) : 0;

	return err == EINVAL ? load_fail(ld, 0, "'allow' in [%s%s%s] %s", sec,
					 *name ? " " : "", name, why) : err;
}

static int check_allows(struct load *ld)
{
	int err = check_allow(ld, "sipd", "", ld->c->allow);
	struct le *le;

	for (le = list_head(&ld->c->groupl); le && !err; le = le->next) {
		const struct conf_group *g = le->data;

		err = check_allow(ld, "group", g->name, g->rights.allow);
	}
	for (le = list_head(&ld->c->peerl); le && !err; le = le->next) {
		const struct conf_peer *p = le->data;

		err = check_allow(ld, "peer", p->name, p->rights.allow);
	}
	return err;
}

/* A peer may name an account or a group that comes further down. */
static int check_references(struct load *ld)
{
	struct le *le;

	for (le = list_head(&ld->c->peerl); le; le = le->next) {
		const struct conf_peer *p = le->data;

		if (p->account && !conf_account_find(ld->c, p->account))
			return load_fail(ld, 0, "[peer %s] is to be called by "
					 "account %s, but there is no "
					 "[account %s]", p->name, p->account,
					 p->account);
		if (p->group && !conf_group_find(ld->c, p->group))
			return load_fail(ld, 0, "[peer %s] is in group %s, "
					 "but there is no [group %s]", p->name,
					 p->group, p->group);
	}
	return check_allows(ld);
}

/* libinih goes on after a line without '=': it may be the first error. */
static int parse(struct load *ld)
{
	int line = ini_parse_stream(next_line, ld, on_key, ld);

	if (ferror(ld->f))
		return load_fail(ld, 0, "cannot be read: %m", errno);
	if (line > 0 && (!ld->err || (unsigned)line < ld->line)) {
		ld->err = 0;
		return load_fail(ld, (unsigned)line, "there is no 'key = "
				 "value' in this line");
	}
	if (!ld->err)
		ld->err = confsect_end(ld);
	return ld->err ? ld->err : check_references(ld);
}

static int open_file(struct load *ld, const char *file)
{
	char copy[PATH_MAX], real[PATH_MAX];
	struct stat st;

	ld->f = fopen(file, "re");
	if (!ld->f)
		return load_fail(ld, 0, "cannot be read: %m", errno);
	if (fstat(fileno(ld->f), &st))
		return load_fail(ld, 0, "cannot be read: %m", errno);
	if (S_ISDIR(st.st_mode))
		return load_fail(ld, 0, "is a folder, not a file");
	ld->exposed = st.st_mode & S_IROTH;
	if (strlen(file) >= sizeof copy)
		return load_fail(ld, 0, "cannot be read: %m", ENAMETOOLONG);
	str_ncpy(copy, file, sizeof copy);
	if (!realpath(dirname(copy), real))
		return load_fail(ld, 0, "cannot be read: %m", errno);
	str_ncpy(ld->dir, real, sizeof ld->dir);
	return 0;
}

int conf_read(struct conf *c, const char *file, struct conf_error *e)
{
	struct load *ld = mem_zalloc(sizeof *ld, NULL);
	size_t n = strlen(file);
	int err;

	if (!ld)
		return ENOMEM;
	ld->c = c;
	ld->e = e;
	ld->file = n > PATH_SHOWN ? file + n - PATH_SHOWN : file;
	err = open_file(ld, file);
	if (!err)
		err = parse(ld);
	if (ld->f)
		fclose(ld->f);
	mem_deref(ld);
	return err;
}
