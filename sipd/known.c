/*
 * known.c: the file known_peers. All its lines are held in memory as they
 * are; look-ups compare the file's stamp and read it anew when some other
 * process, or a person with an editor, has changed it. Owned by peers.c.
 *
 *   known_set: flock(folder) -> read -> change -> FILE.XXXXXX -> fsync
 *              -> rename to FILE -> fsync(folder) -> unlock
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/address.h"
#include "sipd/known.h"
#include "sipd/log.h"

enum {
	LINE_MAX_PARSED = 1024, /* bytes; longer ones are only kept */
	NAME_SIZE       = 64,   /* as in peers.h */
};

struct known {
	char *file;
	struct list linel;      /* struct known_line */
	struct stat st;         /* of what was read */
	int err;                /* of the last reading */
};

static void line_destructor(void *arg)
{
	struct known_line *l = arg;

	list_unlink(&l->le);
	mem_deref(l->name);
	mem_deref(l->key);
	mem_deref(l->address);
	mem_deref(l->text);
}

static void destructor(void *arg)
{
	struct known *k = arg;

	list_flush(&k->linel);
	mem_deref(k->file);
}

int known_alloc(struct known **kp, const char *file)
{
	struct known *k = mem_zalloc(sizeof *k, destructor);
	int err;

	if (!k)
		return ENOMEM;
	k->err = ENOENT;
	err = str_dup(&k->file, file);
	if (err)
		mem_deref(k);
	else
		*kp = k;
	return err;
}

static bool good_name(const char *s)
{
	if (strlen(s) >= NAME_SIZE)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* The next word of s, cut off; s moves behind it and its blanks. */
static char *take_word(char **s)
{
	char *word = *s;

	*s += strcspn(*s, " \t");
	if (**s)
		*(*s)++ = '\0';
	*s += strspn(*s, " \t");
	return word;
}

static int parse(struct known_line *l)
{
	char buf[LINE_MAX_PARSED], uri[ADDRESS_SIZE], why[160], *s, *word;
	char key[ADDRESS_KEY_SIZE];
	struct pl pl;
	int err;

	if (l->len >= sizeof buf || memchr(l->text, '\0', l->len))
		return EBADMSG;
	memcpy(buf, l->text, l->len);
	buf[l->len] = '\0';
	buf[strcspn(buf, "\r")] = '\0';
	s = buf + strspn(buf, " \t");
	pl_set_str(&pl, take_word(&s));
	if (fp_decode(l->fp, &pl))
		return EBADMSG;
	word = take_word(&s);
	if (address_parse(uri, word, why, sizeof why) ||
	    address_key(key, uri) || !good_name(s))
		return EBADMSG;
	err = str_dup(&l->address, uri);
	if (!err)
		err = str_dup(&l->key, key);
	if (!err)
		err = str_dup(&l->name, s);
	l->parsed = !err;
	return err;
}

static bool is_comment(const struct known_line *l)
{
	size_t i = 0;

	while (i < l->len && strchr(" \t\r", l->text[i]))
		++i;
	return i == l->len || l->text[i] == '#';
}

static int line_new(struct known_line **lp, const char *text, size_t len)
{
	struct known_line *l = mem_zalloc(sizeof *l, line_destructor);
	int err = 0;

	if (!l)
		return ENOMEM;
	l->len = len;
	l->text = mem_alloc(len + 1, NULL);
	if (!l->text)
		err = ENOMEM;
	else {
		memcpy(l->text, text, len);
		l->text[len] = '\0';
		err = parse(l);
	}
	if (err == ENOMEM)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static int read_lines(struct known *k, FILE *f)
{
	struct known_line *l = NULL;
	char *text = NULL;
	size_t size = 0;
	unsigned n = 0;
	ssize_t len;
	int err = 0;

	while (errno = 0, (len = getline(&text, &size, f)) >= 0) {
		if (len && text[len - 1] == '\n')
			--len;
		++n;
		err = line_new(&l, text, (size_t)len);
		if (err == ENOMEM)
			break;
		list_append(&k->linel, &l->le, l);
		if (err && !is_comment(l))
			log_warn("%s:%u: skipped: it should be FINGERPRINT "
				 "ADDRESS [NAME]", k->file, n);
		err = 0;
	}
	if (!err && ferror(f))
		err = errno ? errno : EIO;
	free(text);
	return err;
}

/* Who can write it can make any key ours. */
static int check_mode(const struct known *k)
{
	if (!S_ISREG(k->st.st_mode))
		return EBADMSG;
	return k->st.st_mode & (S_IWGRP | S_IWOTH) ? EPERM : 0;
}

static int read_file(struct known *k)
{
	FILE *f = fopen(k->file, "re");
	int err;

	list_flush(&k->linel);
	memset(&k->st, 0, sizeof k->st);
	if (!f)
		return errno;
	err = fstat(fileno(f), &k->st) ? errno : check_mode(k);
	if (!err)
		err = read_lines(k, f);
	fclose(f);
	if (err)
		list_flush(&k->linel);
	return err;
}

static void read_anew(struct known *k)
{
	int before = k->err;

	k->err = read_file(k);
	if (!k->err || k->err == ENOENT || k->err == before)
		return;
	log_warn("%s: no key in it is trusted: %s", k->file,
		 k->err == EPERM ?
		 "others can write it, chmod 600 it" : strerror(k->err));
}

static void refresh(struct known *k)
{
	struct stat st;

	if (stat(k->file, &st)) {
		if (errno != k->err)
			read_anew(k);
		return;
	}
	if (k->err == ENOMEM || st.st_ino != k->st.st_ino ||
	    st.st_dev != k->st.st_dev || st.st_size != k->st.st_size ||
	    st.st_mode != k->st.st_mode ||
	    st.st_mtim.tv_sec != k->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != k->st.st_mtim.tv_nsec)
		read_anew(k);
}

const struct known_line *known_next(struct known *k,
				    const struct known_line *l)
{
	struct le *le;

	if (!l)
		refresh(k);
	for (le = l ? l->le.next : list_head(&k->linel); le; le = le->next)
		if (((const struct known_line *)le->data)->parsed)
			return le->data;
	return NULL;
}

const struct known_line *known_by_fp(struct known *k, const uint8_t *fp)
{
	const struct known_line *l;

	for (l = known_next(k, NULL); l; l = known_next(k, l))
		if (!memcmp(l->fp, fp, sizeof l->fp))
			return l;
	return NULL;
}

const struct known_line *known_by_key(struct known *k, const char *key)
{
	const struct known_line *l;

	for (l = known_next(k, NULL); l; l = known_next(k, l))
		if (!strcmp(l->key, key))
			return l;
	return NULL;
}

static int make_line(struct known_line **lp, const char *address,
		     const char *name, const uint8_t *fp)
{
	char fptext[FP_TEXT_SIZE], text[LINE_MAX_PARSED];

	fp_print(fptext, fp);
	if (re_snprintf(text, sizeof text, "%s %s%s%s", fptext, address,
			str_isset(name) ? " " : "", name ? name : "") < 0)
		return EOVERFLOW;
	return line_new(lp, text, strlen(text));
}

/* The new line, if any, takes the place of the first one for its address; the
 * others for it go. Returns whether there was one. */
static bool replace(struct known *k, const char *key,
		    struct known_line *line)
{
	struct le *le = list_head(&k->linel), *next;
	bool found = false;

	for (; le; le = next) {
		struct known_line *l = le->data;

		next = le->next;
		if (!l->parsed || strcmp(l->key, key))
			continue;
		if (line && !found)
			list_insert_before(&k->linel, le, &line->le, line);
		found = true;
		mem_deref(l);
	}
	if (line && !found)
		list_append(&k->linel, &line->le, line);
	return found;
}

static int write_lines(const struct known *k, int fd)
{
	FILE *f = fdopen(fd, "w");
	struct le *le;
	int err = 0;

	if (!f) {
		err = errno;
		close(fd);
		return err;
	}
	errno = 0;
	for (le = list_head(&k->linel); le; le = le->next) {
		const struct known_line *l = le->data;

		fwrite(l->text, 1, l->len, f);
		putc('\n', f);
	}
	if (fflush(f) || ferror(f) || fsync(fd))
		err = errno ? errno : EIO;
	fclose(f);
	return err;
}

static int write_file(const struct known *k, int folder)
{
	char tmp[PATH_MAX];
	int fd, err;

	if (re_snprintf(tmp, sizeof tmp, "%s.XXXXXX", k->file) < 0)
		return ENAMETOOLONG;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = write_lines(k, fd);
	if (!err && rename(tmp, k->file))
		err = errno;
	if (err)
		unlink(tmp);
	else if (fsync(folder))
		err = errno;
	return err;
}

/* The folder is locked, not the file, which is another one after rename. */
static int lock_folder(int *fdp, const char *file)
{
	char buf[PATH_MAX];
	int fd;

	str_ncpy(buf, file, sizeof buf);
	fd = open(dirname(buf), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			close(fd);
			return ENOLCK;
		}
	*fdp = fd;
	return 0;
}

static int change(struct known *k, int folder, const char *key,
		  struct known_line *line)
{
	read_anew(k);
	if (k->err && k->err != ENOENT)
		return k->err;
	if (!replace(k, key, line) && !line)
		return ENOENT;
	return write_file(k, folder);
}

int known_set(struct known *k, const char *address, const char *name,
	      const uint8_t *fp)
{
	struct known_line *line = NULL;
	char key[ADDRESS_KEY_SIZE];
	int folder = -1, err = 0;

	if ((name && !good_name(name)) || address_key(key, address))
		return EINVAL;
	if (fp)
		err = make_line(&line, address, name, fp);
	if (!err)
		err = lock_folder(&folder, k->file);
	if (err) {
		mem_deref(line);
		return err;
	}
	err = change(k, folder, key, line);
	if (line && !line->le.list)
		mem_deref(line);
	/* whatever became of it, the next look-up reads what is there */
	memset(&k->st, 0, sizeof k->st);
	k->err = 0;
	close(folder);
	return err;
}
