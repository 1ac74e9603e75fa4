/*
 * calllog.c: the audit log, one JSON object a line; session writes it, `dial
 * log` reads it.
 *
 * A line goes out by one write(2) with O_APPEND, so that sipd and any dial
 * may share the file. What a peer said is escaped byte by byte: it can
 * neither begin a line of its own nor leave its string.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "sdp/desc.h"
#include "sipd/callchain.h"
#include "sipd/calllog.h"

enum {
	STRING_MAX = 512,       /* bytes kept of any one string */
	BLOCK      = 65536,     /* bytes read at once from the end */
};

struct calllog {
	char *file;
	int fd;                 /* -1: not open */
	dev_t dev;
	ino_t ino;
	bool torn;              /* the last line has no newline */
	struct callchain *chain;
	bool syslog;
};

static void close_file(struct calllog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void destructor(void *arg)
{
	struct calllog *l = arg;

	close_file(l);
	mem_deref(l->chain);
	mem_deref(l->file);
}

/* A crash or a full disk may have left half a line. */
static bool is_torn(int fd, off_t size)
{
	char c = '\n';

	return size > 0 && pread(fd, &c, 1, size - 1) == 1 && c != '\n';
}

static int open_file(struct calllog *l)
{
	struct stat st;
	int err;

	/* NONBLOCK: a FIFO in its place must not hang us */
	l->fd = open(l->file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC |
		     O_NONBLOCK, 0600);
	if (l->fd < 0)
		return errno;
	err = fstat(l->fd, &st) ? errno : 0;
	if (!err && !S_ISREG(st.st_mode))
		err = EBADMSG;
	if (err) {
		close_file(l);
		return err;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->torn = is_torn(l->fd, st.st_size);
	return 0;
}

/* logrotate renames the file: the name now means another one, or none. */
static int check_file(struct calllog *l)
{
	struct stat st;

	if (l->fd >= 0 && !stat(l->file, &st) && st.st_ino == l->ino &&
	    st.st_dev == l->dev)
		return 0;
	close_file(l);
	return open_file(l);
}

int calllog_alloc(struct calllog **lp, const char *file, bool to_syslog)
{
	struct calllog *l;
	int err;

	if (!lp || !file)
		return EINVAL;
	l = mem_zalloc(sizeof *l, destructor);
	if (!l)
		return ENOMEM;
	l->fd = -1;
	l->syslog = to_syslog;
	err = str_dup(&l->file, file);
	if (!err)
		err = open_file(l);
	if (!err)
		err = callchain_alloc(&l->chain, file);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

/* Length of the UTF-8 sequence at s (RFC 3629), 0 if there is none. */
static size_t utf8_len(const unsigned char *s)
{
	size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) ||    /* overlong */
	    (s[0] == 0xed && s[1] > 0x9f) ||    /* surrogates */
	    (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* C1 controls (U+0080..9F) steer terminals as well. */
static bool is_c1(const unsigned char *s)
{
	return s[0] == 0xc2 && s[1] < 0xa0;
}

static int print_string(struct re_printf *pf, const char *str)
{
	const unsigned char *s = (const unsigned char *)(str ? str : "");
	const unsigned char *start = s;
	int err = pf->vph("\"", 1, pf->arg);

	while (!err && *s && s - start < STRING_MAX) {
		size_t n = *s < 0x80 ? 1 : utf8_len(s);

		if (*s == '"' || *s == '\\')
			err = re_hprintf(pf, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			err = re_hprintf(pf, "\\u%04x", *s);
		else if (!n || is_c1(s))
			err = re_hprintf(pf, "\\ufffd");
		else
			err = pf->vph((const char *)s, n, pf->arg);
		s += n ? n : 1;
	}
	return err ? err : pf->vph("\"", 1, pf->arg);
}

/* RFC 3339, UTC */
static int print_time(struct re_printf *pf, const uint64_t *ms)
{
	time_t t = (time_t)(*ms / 1000);
	struct tm tm;
	char buf[32];

	if (!gmtime_r(&t, &tm) ||
	    !strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &tm))
		return EINVAL;
	return re_hprintf(pf, "\"%s.%03uZ\"", buf, (unsigned)(*ms % 1000));
}

static int print_key(struct re_printf *pf, const uint8_t *fp)
{
	char text[FP_TEXT_SIZE];

	if (!fp)
		return re_hprintf(pf, "null");
	fp_print(text, fp);
	return re_hprintf(pf, "\"%s\"", text);
}

struct line {
	const struct calllog_entry *entry;
	char prev[CALLCHAIN_HEX];
};

static int print_entry(struct re_printf *pf, const struct line *line)
{
	const struct calllog_entry *e = line->entry;

	return re_hprintf(pf,
			  "{\"time\":%H,\"duration_ms\":%llu,"
			  "\"direction\":\"%s\",\"session\":%H,"
			  "\"call_id\":%H,\"peer\":%H,\"address\":%H,"
			  "\"key\":%H,\"tunnel\":%H,\"verdict\":\"%s\","
			  "\"reason\":%H,\"path\":%H,\"rx\":%llu,"
			  "\"tx\":%llu,\"prev\":\"%s\"}\n",
			  print_time, &e->started, e->duration,
			  e->incoming ? "in" : "out", print_string, e->id,
			  print_string, e->callid, print_string, e->peer,
			  print_string, e->address, print_key, e->fp,
			  print_string, e->tunnel,
			  e->allowed ? "allowed" : "denied",
			  print_string, e->reason, print_string, e->path,
			  e->rx, e->tx, line->prev);
}

static int append(struct calllog *l, const char *line, size_t len)
{
	/* the newline in front is for a torn line before it */
	const char *p = line - l->torn;
	ssize_t n;

	len += l->torn;
	do {
		n = write(l->fd, p, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	l->torn = (size_t)n != len;
	return l->torn ? ENOSPC : 0;
}

/* mb: room for the line, behind the newline that it begins with */
static int write_line(struct calllog *l, struct line *line, struct mbuf *mb)
{
	const char *text;
	size_t len;
	int err;

	callchain_lock(l->chain, l->fd, line->prev);
	err = mbuf_printf(mb, "\n%H", print_entry, line);
	text = (const char *)mb->buf + 1;
	len = err ? 0 : mb->end - 1;
	if (!err)
		err = callchain_note(l->chain, text, len - 1);
	if (!err)
		err = append(l, text, len);
	callchain_unlock(l->chain, !err);
	if (!err && l->syslog)
		syslog(LOG_AUTHPRIV | LOG_INFO, "%.*s", (int)len - 1, text);
	return err;
}

int calllog_write(struct calllog *l, const struct calllog_entry *e)
{
	struct line line = { .entry = e };
	struct mbuf *mb;
	int err;

	if (!l || !e)
		return EINVAL;
	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;
	err = check_file(l);
	if (!err)
		err = write_line(l, &line, mb);
	mem_deref(mb);
	return err;
}

/* Go back over up to n newlines in p; *np counts down those still wanted.
 * Returns the place behind the last one, NULL if more must be read. */
static const char *back(const char *p, size_t len, size_t *np)
{
	while (len--)
		if (p[len] == '\n' && !(*np)--)
			return p + len + 1;
	return NULL;
}

/* Where the last n lines begin. */
static int find_tail(int fd, off_t size, size_t n, off_t *posp)
{
	char *buf = malloc(BLOCK);
	const char *p = NULL;
	off_t pos = size;
	ssize_t got = 0;

	if (!buf)
		return ENOMEM;
	n -= is_torn(fd, size);
	while (pos > 0 && !p) {
		size_t want = pos < BLOCK ? (size_t)pos : BLOCK;

		pos -= (off_t)want;
		got = pread(fd, buf, want, pos);
		if (got != (ssize_t)want)
			break;
		p = back(buf, want, &n);
	}
	*posp = p ? pos + (p - buf) : 0;
	free(buf);
	return got < 0 ? errno : 0;
}

static int give_lines(FILE *f, void (*h)(const char *line, void *arg),
		      void *arg)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err;

	while ((len = getline(&line, &size, f)) >= 0) {
		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		if (len)
			h(line, arg);
	}
	err = ferror(f) ? EIO : 0;
	free(line);
	return err;
}

int calllog_tail(const char *file, size_t n,
		 void (*h)(const char *line, void *arg), void *arg)
{
	struct stat st;
	off_t pos = 0;
	FILE *f;
	int err = 0;

	if (!file || !h)
		return EINVAL;
	if (!n)
		return 0;
	f = fopen(file, "re");
	if (!f)
		return errno;
	if (fstat(fileno(f), &st))
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = EBADMSG;
	if (!err)
		err = find_tail(fileno(f), st.st_size, n, &pos);
	if (!err && fseeko(f, pos, SEEK_SET))
		err = errno;
	if (!err)
		err = give_lines(f, h, arg);
	fclose(f);
	return err;
}
