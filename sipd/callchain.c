/*
 * callchain.c: the hash chain of the call log; calllog writes by it, `dial
 * log --verify` reads by it.
 *
 * FILE.head holds two hashes, "OLD NEW\n": the last line's before and after
 * what is being written. Once it is written both are the same, so that a
 * crash in between is no break, and nothing else may end with OLD.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "sipd/callchain.h"

enum {
	HEX       = CALLCHAIN_HEX - 1,
	HEAD_SIZE = 2 * HEX + 2,
	TAIL      = 16384,      /* the longest line there is, and more */
	WAIT_MS   = 200,        /* for who holds the lock and has stopped */
};

struct callchain {
	int fd;                 /* of FILE.head */
	char last[CALLCHAIN_HEX], next[CALLCHAIN_HEX];
};

struct head {
	char old[CALLCHAIN_HEX], new[CALLCHAIN_HEX];
};

static void destructor(void *arg)
{
	struct callchain *c = arg;

	if (c->fd >= 0)
		close(c->fd);
}

int callchain_alloc(struct callchain **cp, const char *file)
{
	struct callchain *c = mem_zalloc(sizeof *c, destructor);
	char head[1024];
	int err = 0;

	if (!c)
		return ENOMEM;
	c->fd = -1;
	if (re_snprintf(head, sizeof head, "%s.head", file) < 0)
		err = ENAMETOOLONG;
	if (!err) {
		c->fd = open(head, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
			     O_NONBLOCK, 0600);
		err = c->fd < 0 ? errno : 0;
	}
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

static int hash_line(const char *line, size_t len, char hex[CALLCHAIN_HEX])
{
	uint8_t md[32];

	if (EVP_Digest(line, len, md, NULL, EVP_sha256(), NULL) != 1)
		return ENOMEM;
	(void)re_snprintf(hex, CALLCHAIN_HEX, "%w", md, sizeof md);
	return 0;
}

/* What the first line of all names. */
static void no_line(char hex[CALLCHAIN_HEX])
{
	memset(hex, '0', HEX);
	hex[HEX] = '\0';
}

static bool is_hex(const char *p)
{
	return strspn(p, "0123456789abcdef") >= HEX;
}

/* false: there is none, or none that makes sense. */
static bool head_read(int fd, struct head *h)
{
	char buf[HEAD_SIZE + 1] = "";

	if (pread(fd, buf, HEAD_SIZE, 0) != HEAD_SIZE ||
	    !is_hex(buf) || buf[HEX] != ' ' || !is_hex(buf + HEX + 1))
		return false;
	(void)str_ncpy(h->old, buf, sizeof h->old);
	(void)str_ncpy(h->new, buf + HEX + 1, sizeof h->new);
	return true;
}

static int head_write(int fd, const char *old, const char *new)
{
	char buf[HEAD_SIZE + 1];

	(void)re_snprintf(buf, sizeof buf, "%s %s\n", old, new);
	return pwrite(fd, buf, HEAD_SIZE, 0) == HEAD_SIZE ? 0 : ENOSPC;
}

/* The hash of the last line of a log; of none if it is empty. Needs no memory:
 * without any the chain would begin anew. */
static void hash_last(int log, char hex[CALLCHAIN_HEX])
{
	char buf[TAIL];
	off_t size = lseek(log, 0, SEEK_END);
	ssize_t n = 0;
	const char *p;

	no_line(hex);
	if (size > 0)
		n = pread(log, buf, TAIL, size > TAIL ? size - TAIL : 0);
	if (n > 0 && buf[n - 1] == '\n')
		--n;
	if (n > 0) {
		p = memrchr(buf, '\n', (size_t)n);
		p = p ? p + 1 : buf;
		(void)hash_line(p, (size_t)(buf + n - p), hex);
	}
}

/* Another process holds it for microseconds, unless it was stopped: then
 * the line is worth more than the chain. */
static void wait_lock(int fd)
{
	const struct timespec ms = { 0, 1000000 };

	for (int i = 0; i < WAIT_MS && flock(fd, LOCK_EX | LOCK_NB); i++)
		(void)nanosleep(&ms, NULL);
}

void callchain_lock(struct callchain *c, int log, char prev[CALLCHAIN_HEX])
{
	struct head h;

	wait_lock(c->fd);
	if (!head_read(c->fd, &h)) {
		hash_last(log, c->last);
	}
	else if (!strcmp(h.old, h.new)) {
		(void)str_ncpy(c->last, h.new, sizeof c->last);
	}
	else {                          /* did the crash come before it? */
		hash_last(log, c->last);
		if (strcmp(c->last, h.old))
			(void)str_ncpy(c->last, h.new, sizeof c->last);
	}
	(void)str_ncpy(prev, c->last, CALLCHAIN_HEX);
}

int callchain_note(struct callchain *c, const char *line, size_t len)
{
	int err = hash_line(line, len, c->next);

	return err ? err : head_write(c->fd, c->last, c->next);
}

void callchain_unlock(struct callchain *c, bool written)
{
	const char *last = written ? c->next : c->last;

	(void)head_write(c->fd, last, last);
	(void)flock(c->fd, LOCK_UN);
}

/* --- verify ------------------------------------------------------------ */

struct reader {
	struct callchain_report *r;
	const char *file;
	size_t line;                    /* in this file */
	bool begun;
	char prev[CALLCHAIN_HEX];       /* what the next line has to name */
};

static bool named(const char *line, char hex[CALLCHAIN_HEX])
{
	static const char key[] = "\"prev\":\"";
	const char *p = NULL, *q = line;

	while ((q = strstr(q, key)))    /* it is the last member */
		p = q += sizeof key - 1;
	if (!p || !is_hex(p))
		return false;
	(void)str_ncpy(hex, p, CALLCHAIN_HEX);
	return true;
}

static void broken(struct reader *rd, const char *what)
{
	if (!*rd->r->broken)
		(void)re_snprintf(rd->r->broken, sizeof rd->r->broken,
				  "%s, line %zu: %s", rd->file, rd->line,
				  what);
}

static void read_line(struct reader *rd, const char *line, size_t len)
{
	char hex[CALLCHAIN_HEX];

	++rd->line;
	++rd->r->lines;
	if (!named(line, hex))
		broken(rd, "it names no line before it; it was cut short or"
		       " not written by sipd.");
	else if (rd->begun && strcmp(hex, rd->prev))
		broken(rd, "it does not follow from the line before it,"
		       " which was changed, or lines between them are"
		       " missing.");
	rd->begun = true;
	(void)hash_line(line, len, rd->prev);
}

static int read_file(struct reader *rd)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f = fopen(rd->file, "re");
	int err;

	if (!f)
		return errno;
	rd->line = 0;
	while ((len = getline(&line, &size, f)) >= 0) {
		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		if (len)
			read_line(rd, line, (size_t)len);
	}
	err = ferror(f) ? EIO : 0;
	free(line);
	fclose(f);
	return err;
}

static void verify_end(struct reader *rd)
{
	char name[1024];
	struct head h;
	int fd;

	(void)re_snprintf(name, sizeof name, "%s.head", rd->file);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (head_read(fd, &h) && strcmp(rd->prev, h.new) &&
	    strcmp(rd->prev, h.old))
		broken(rd, "this is not the last line that was written; it"
		       " was changed, or lines after it are missing.");
	close(fd);
}

int callchain_verify(char *const filev[], size_t filec,
		     struct callchain_report *r)
{
	struct reader rd = { .r = r };
	int err = 0;

	memset(r, 0, sizeof *r);
	no_line(rd.prev);
	for (size_t i = 0; !err && i < filec; i++) {
		rd.file = filev[i];
		err = read_file(&rd);
	}
	if (!err && filec)
		verify_end(&rd);
	return err;
}
