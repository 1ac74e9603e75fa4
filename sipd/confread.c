/*
 * confread.c: sipd.conf from its first line to its last; conf.c calls it.
 *
 *   file -> next_line -> libinih -> on_key -> table row -> conf_set_h
 *              | "[section]"
 *              v
 *        section_end, section_begin
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
#include "sipd/confparts.h"
#include "sipd/confread.h"
#include "sipd/confval.h"
#include "sipd/nearest.h"

enum {
	NAME_SIZE  = 64,        /* of a peer, with its NUL (peers.h) */
	PATH_SHOWN = 100,       /* bytes of the file's name in an error */
};

struct load {
	struct conf *c;
	FILE *f;
	struct conf_error *e;
	const char *file;       /* as shown */
	char dir[PATH_MAX];
	bool exposed;           /* the file can be read by everybody */
	int err;                /* the first one; EINVAL has its text */
	unsigned line;
	unsigned seen_line[SEC_COUNT];  /* of sections that come once */

	enum conf_sec sec;      /* the section being read */
	unsigned sec_line;      /* 0: before the first one */
	void *base;             /* its struct */
	const char *name;       /* its NAME, owned by the struct */
	bool seen[CONF_KEYS_MAX];       /* in this section, as conf_keys */
};

/* The file's bytes are quoted, and the sentence goes to a terminal. */
static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

/* The first error is the one that is told. */
static int fail(struct load *ld, unsigned line, const char *fmt, ...)
{
	char what[sizeof ld->e->text];
	va_list ap;

	if (ld->err)
		return ld->err;
	ld->err = EINVAL;
	va_start(ap, fmt);
	(void)re_vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (line)
		(void)re_snprintf(ld->e->text, sizeof ld->e->text,
				  "%s:%u: %s", ld->file, line, what);
	else
		(void)re_snprintf(ld->e->text, sizeof ld->e->text,
				  "%s: %s", ld->file, what);
	clean(ld->e->text);
	return EINVAL;
}

/* "[peer bob]" */
static int print_section(struct re_printf *pf, const struct load *ld)
{
	return re_hprintf(pf, "[%s%s%s]", conf_sections[ld->sec].word,
			  str_isset(ld->name) ? " " : "",
			  ld->name ? ld->name : "");
}

static bool has(const struct load *ld, const char *word)
{
	const struct conf_key *k = conf_key_find(ld->sec, word);

	return k && ld->seen[k - conf_keys];
}

static int add_account(struct load *ld, const char *name)
{
	struct conf_account *a;
	int err;

	if (conf_account_find(ld->c, name))
		return fail(ld, ld->line, "a second [account%s%s]",
			    *name ? " " : "", name);
	err = conf_account_add(ld->c, &a, name);
	if (err)
		return err;
	ld->base = a;
	ld->name = a->name;
	return 0;
}

static int add_turn(struct load *ld, const char *name)
{
	struct conf_turn *t;
	int err;

	if (conf_turn_find(ld->c, name))
		return fail(ld, ld->line, "a second [turn%s%s]",
			    *name ? " " : "", name);
	err = conf_turn_add(ld->c, &t, name);
	if (err)
		return err;
	ld->base = t;
	ld->name = t->name;
	return 0;
}

static int add_peer(struct load *ld, const char *name)
{
	struct conf_peer *p;
	int err;

	if (conf_peer_find(ld->c, name))
		return fail(ld, ld->line, "a second [peer %s]", name);
	err = conf_peer_add(ld->c, &p, name);
	if (err)
		return err;
	ld->base = p;
	ld->name = p->name;
	return 0;
}

static int add_group(struct load *ld, const char *name)
{
	struct conf_group *g;
	int err;

	if (conf_group_find(ld->c, name))
		return fail(ld, ld->line, "a second [group %s]", name);
	err = conf_group_add(ld->c, &g, name);
	if (err)
		return err;
	ld->base = g;
	ld->name = g->name;
	return 0;
}

/* A network is a section of the kind; "NAME/" says that it is there, "/" which
 * one came first. */
static int add_vpn(struct load *ld, const char *name)
{
	const char *kind = conf_sections[SEC_VPN].word;
	char key[NAME_SIZE + 1];
	int err = 0;

	(void)re_snprintf(key, sizeof key, "%s/", name);
	if (conf_kind_get(ld->c, kind, key))
		return fail(ld, ld->line, "a second [vpn %s]", name);
	if (!conf_kind_get(ld->c, kind, "/"))
		err = conf_kind_add(ld->c, kind, "/", name);
	if (!err)
		err = conf_kind_add(ld->c, kind, key, name);
	ld->base = ld->c;
	ld->name = conf_kind_get(ld->c, kind, key);
	return err;
}

static int add_single(struct load *ld, enum conf_sec sec)
{
	if (ld->seen_line[sec])
		return fail(ld, ld->line, "a second [%s]: the first is in "
			    "line %u", conf_sections[sec].word,
			    ld->seen_line[sec]);
	ld->seen_line[sec] = ld->line;
	ld->base = ld->c;
	ld->name = NULL;
	if (sec == SEC_REGISTRAR) {
		ld->c->registrar.enabled = true;
		ld->base = &ld->c->registrar;
	}
	return 0;
}

/* Names become words of dial's line and names of folders. */
static bool good_name(const char *s)
{
	if (*s == '-' || *s == '.' || strlen(s) >= NAME_SIZE)
		return false;
	for (; *s; s++)
		if (strchr("/\\[]\"'<>:;,|", *s) || *s == ' ' || *s == '\t')
			return false;
	return true;
}

static int check_account(struct load *ld)
{
	if (!has(ld, "address"))
		return fail(ld, ld->sec_line, "%H has no address",
			    print_section, ld);
	if (has(ld, "password") && has(ld, "password-file"))
		return fail(ld, ld->sec_line, "%H has password and "
			    "password-file: keep one of them",
			    print_section, ld);
	return 0;
}

static int check_turn(struct load *ld)
{
	const int secrets = has(ld, "password") + has(ld, "password-file") +
		has(ld, "secret");

	if (!has(ld, "server"))
		return fail(ld, ld->sec_line, "%H has no server",
			    print_section, ld);
	if (secrets > 1)
		return fail(ld, ld->sec_line, "%H has more than one of "
			    "password, password-file and secret",
			    print_section, ld);
	if (has(ld, "user") != (secrets > 0) && !has(ld, "secret"))
		return fail(ld, ld->sec_line, "%H has a user without a "
			    "password, or a password without a user",
			    print_section, ld);
	return 0;
}

static int check_peer(struct load *ld)
{
	const struct conf_peer *p = ld->base, *q;
	struct le *le;

	if (!p->address && !p->has_fp)
		return fail(ld, ld->sec_line, "%H needs an address, a "
			    "fingerprint or both", print_section, ld);
	for (le = p->le.prev; le && p->has_fp; le = le->prev) {
		q = le->data;
		if (q->has_fp && !memcmp(p->fp, q->fp, sizeof p->fp))
			return fail(ld, ld->sec_line, "%H has the "
				    "fingerprint of [peer %s]: a key is one "
				    "peer", print_section, ld, q->name);
	}
	return 0;
}

static int check_trust(struct load *ld)
{
	if (!has(ld, "ca"))
		return fail(ld, ld->sec_line, "[trust] has no ca: there is"
			    " nobody to vouch for keys");
	return 0;
}

static int check_registrar(struct load *ld)
{
	const struct conf_registrar *r = ld->base;

	if (!r->users_file)
		return fail(ld, ld->sec_line, "[registrar] has no users-file: "
			    "nobody could register");
	if (strstr(r->listen, "tls:") && !r->tls_cert)
		return fail(ld, ld->sec_line, "[registrar] listens on tls:, "
			    "but has no tls-cert");
	return 0;
}

/* What only a whole section can tell. */
static int section_end(struct load *ld)
{
	if (!ld->sec_line)
		return 0;
	switch (ld->sec) {

	case SEC_TRUST:         return check_trust(ld);
	case SEC_ACCOUNT:       return check_account(ld);
	case SEC_TURN:          return check_turn(ld);
	case SEC_PEER:          return check_peer(ld);
	case SEC_REGISTRAR:     return check_registrar(ld);
	default:                return 0;
	}
}

/* SEC_COUNT: there is none, and that has been told. */
static enum conf_sec find_section(struct load *ld, const char *word)
{
	struct nearest near = { NULL, 0 };
	unsigned i;

	for (i = 0; i < SEC_COUNT; i++) {
		if (!strcmp(conf_sections[i].word, word))
			return (enum conf_sec)i;
		nearest_try(&near, word, conf_sections[i].word);
	}
	(void)fail(ld, ld->line, "unknown section [%s]%H", word,
		   nearest_print, &near);
	return SEC_COUNT;
}

static int section_begin(struct load *ld, const char *word, const char *name)
{
	enum conf_sec sec = find_section(ld, word);

	if (sec == SEC_COUNT)
		return EINVAL;
	if (conf_sections[sec].name == NAME_MUST && !*name)
		return fail(ld, ld->line, "[%s] needs a name: [%s bob]", word,
			    word);
	if (conf_sections[sec].name == NAME_NO && *name)
		return fail(ld, ld->line, "[%s] takes no name", word);
	if (!good_name(name))
		return fail(ld, ld->line, "'%s' is no good name: take up to "
			    "63 letters, digits, '-', '_', '.' or '@'", name);
	ld->sec = sec;
	ld->sec_line = ld->line;
	memset(ld->seen, 0, sizeof ld->seen);
	switch (sec) {

	case SEC_ACCOUNT: return add_account(ld, name);
	case SEC_TURN:    return add_turn(ld, name);
	case SEC_GROUP:   return add_group(ld, name);
	case SEC_PEER:    return add_peer(ld, name);
	case SEC_VPN:     return add_vpn(ld, name);
	default:          return add_single(ld, sec);
	}
}

/* "[word name]", perhaps with a comment behind; cut in place. */
static int on_section(struct load *ld, char *s)
{
	char *end = strchr(s, ']'), *word, *name, *p;

	if (!end)
		return fail(ld, ld->line, "there is no ']' after the '['");
	p = end + 1 + strspn(end + 1, " \t\r\n");
	if (*p && *p != ';' && *p != '#')
		return fail(ld, ld->line, "there is something after the ']'");
	*end = '\0';
	word = s + 1 + strspn(s + 1, " \t");
	name = word + strcspn(word, " \t");
	if (*name)
		*name++ = '\0';
	name += strspn(name, " \t");
	for (p = name + strlen(name); p > name &&
	     (p[-1] == ' ' || p[-1] == '\t'); )
		*--p = '\0';
	return section_begin(ld, word, name);
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
				return fail(ld, ld->line, "'%s' is a key of "
					    "[%s], not of %H", word,
					    conf_sections[conf_keys[i].sec]
					    .word, print_section, ld);
	return fail(ld, ld->line, "unknown key '%s' in %H%H", word,
		    print_section, ld, nearest_print, &near);
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
		return fail(ld, ld->line, "a second '%s' in %H", k->word,
			    print_section, ld);
	err = set_value(ld, k, value, &ctx);
	*seen = true;
	if (err == EINVAL)
		return fail(ld, ld->line, "'%s' in %H %s", k->word,
			    print_section, ld, why);
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
		return !fail(ld, ld->line, "'%s' stands before the first "
			     "section: put it under [sipd]", word);
	k = conf_key_find(ld->sec, word);
	ld->err = k ? set_key(ld, k, value) : unknown_key(ld, word);
	return !ld->err;
}

static int check_byte(struct load *ld, int ch)
{
	if ((ch < 0x20 && ch != '\t' && ch != '\r') || ch == 0x7f)
		return fail(ld, ld->line, "there is a control character in "
			    "this line");
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
			return !fail(ld, ld->line, "this line is longer than "
				     "%zu bytes: lists such as allow may be "
				     "given in several lines", size - 2);
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
	ld->err = section_end(ld);
	if (!ld->err)
		ld->err = on_section(ld, copy);
	return ld->err ? NULL : buf;
}

/* A peer may name an account or a group that comes further down. */
static int check_references(struct load *ld)
{
	struct le *le;

	for (le = list_head(&ld->c->peerl); le; le = le->next) {
		const struct conf_peer *p = le->data;

		if (p->account && !conf_account_find(ld->c, p->account))
			return fail(ld, 0, "[peer %s] is to be called by "
				    "account %s, but there is no "
				    "[account %s]", p->name, p->account,
				    p->account);
		if (p->group && !conf_group_find(ld->c, p->group))
			return fail(ld, 0, "[peer %s] is in group %s, but "
				    "there is no [group %s]", p->name,
				    p->group, p->group);
	}
	return 0;
}

/* libinih goes on after a line without '=': it may be the first error. */
static int parse(struct load *ld)
{
	int line = ini_parse_stream(next_line, ld, on_key, ld);

	if (ferror(ld->f))
		return fail(ld, 0, "cannot be read: %m", errno);
	if (line > 0 && (!ld->err || (unsigned)line < ld->line)) {
		ld->err = 0;
		return fail(ld, (unsigned)line, "there is no 'key = value' "
			    "in this line");
	}
	if (!ld->err)
		ld->err = section_end(ld);
	return ld->err ? ld->err : check_references(ld);
}

static int open_file(struct load *ld, const char *file)
{
	char copy[PATH_MAX], real[PATH_MAX];
	struct stat st;

	ld->f = fopen(file, "re");
	if (!ld->f)
		return fail(ld, 0, "cannot be read: %m", errno);
	if (fstat(fileno(ld->f), &st))
		return fail(ld, 0, "cannot be read: %m", errno);
	if (S_ISDIR(st.st_mode))
		return fail(ld, 0, "is a folder, not a file");
	ld->exposed = st.st_mode & S_IROTH;
	if (strlen(file) >= sizeof copy)
		return fail(ld, 0, "cannot be read: %m", ENAMETOOLONG);
	str_ncpy(copy, file, sizeof copy);
	if (!realpath(dirname(copy), real))
		return fail(ld, 0, "cannot be read: %m", errno);
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
