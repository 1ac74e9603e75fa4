/*
 * logorder.c: `dial log`: the last lines of the call log, of one peer or of
 * those that were refused; and those that come.
 *
 * The file is the truth: whoever follows it looks at it again and again, and
 * so needs no running sipd, and sees what another one writes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "sipd/callchain.h"
#include "sipd/events.h"
#include "sipd/logorder.h"

enum { LINES = 20, LINES_MAX = 100000, JSON_DEPTH = 4 };

static const uint64_t look_time = 250 * MSEC;

/* One order, for as long as its connection if it follows. */
struct logorder {
	struct le le;
	struct conn *conn;
	char *tag;
	char *peer;                     /* NULL: all */
	bool denied;
	char file[600];
	struct timer timer;
	ino_t ino;                      /* of the file as last seen */
	long pos;                       /* read up to here */
	char **linev;                   /* the last ones, a ring */
	size_t lines, n;
};

static void logorder_destructor(void *arg)
{
	struct logorder *lo = arg;

	list_unlink(&lo->le);
	timer_stop(&lo->timer);
	for (size_t i = 0; lo->linev && i < lo->lines; i++)
		mem_deref(lo->linev[i]);
	mem_deref(lo->linev);
	mem_deref(lo->tag);
	mem_deref(lo->peer);
}

static bool same(const struct odict *o, const char *key, const char *val)
{
	const char *s = odict_string(o, key);

	return s && !str_casecmp(s, val);
}

static bool wanted(const struct logorder *lo, const char *line)
{
	struct odict *o = NULL;
	bool ok;

	if (!lo->peer && !lo->denied)
		return true;
	if (json_decode_odict(&o, 16, line, strlen(line), JSON_DEPTH))
		return false;
	ok = (!lo->denied || same(o, "verdict", "denied")) &&
	     (!lo->peer || same(o, "peer", lo->peer) ||
	      same(o, "address", lo->peer));
	mem_deref(o);
	return ok;
}

static void tell(const struct logorder *lo, const char *line)
{
	struct odict *o;

	if (event_alloc(&o, "call", lo->tag))
		return;
	event_str(o, "line", line);
	conn_event(lo->conn, o);
	mem_deref(o);
}

static void keep_line(const char *line, void *arg)
{
	struct logorder *lo = arg;
	char **p = &lo->linev[lo->n % lo->lines];

	if (!wanted(lo, line))
		return;
	*p = mem_deref(*p);
	if (!str_dup(p, line))
		lo->n++;
}

static void tell_last(const struct logorder *lo)
{
	size_t i = lo->n > lo->lines ? lo->n - lo->lines : 0;

	for (; i < lo->n; i++)
		tell(lo, lo->linev[i % lo->lines]);
}

/* Whole lines only; half of one is looked at again. */
static void read_new(struct logorder *lo, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (fseek(f, lo->pos, SEEK_SET))
		return;
	while ((len = getline(&line, &size, f)) > 0 &&
	       line[len - 1] == '\n') {
		lo->pos += len;
		line[len - 1] = '\0';
		if (len > 1 && wanted(lo, line))
			tell(lo, line);
	}
	free(line);
}

/* The name may mean another file by now (logrotate). */
static void look_handler(void *arg)
{
	struct logorder *lo = arg;
	FILE *f = fopen(lo->file, "re");
	struct stat st;

	if (f && !fstat(fileno(f), &st)) {
		if (st.st_ino != lo->ino || st.st_size < lo->pos)
			lo->pos = 0;
		lo->ino = st.st_ino;
		read_new(lo, f);
	}
	if (f)
		(void)fclose(f);
	(void)timer_start(board_house(conn_env(lo->conn)->board)->timers,
			  &lo->timer, look_time, look_handler, lo);
}

static void set_file(char *file, size_t size, const struct conn *cn)
{
	const struct house *h = board_house(conn_env(cn)->board);

	(void)re_snprintf(file, size, "%s/calls.log", h->conf->state);
}

static void verify_log(struct conn *cn, const char *tag)
{
	char file[600];
	struct callchain_report r;
	char old[620], text[120];
	char *filev[2];
	struct odict *o;
	size_t n = 0;
	int err;

	set_file(file, sizeof file, cn);
	(void)re_snprintf(old, sizeof old, "%s.1", file);
	if (!access(old, R_OK))
		filev[n++] = old;
	/* where the log was just rotated, nobody has called since */
	if (!n || !access(file, F_OK))
		filev[n++] = file;
	err = callchain_verify(filev, n, &r);
	if (err)
		conn_error(cn, tag, 1, "The call log %s cannot be read: %m.",
			   file, err);
	else if (*r.broken)
		conn_error(cn, tag, 1, "The call log was changed. %s",
			   r.broken);
	else if (!event_alloc(&o, "note", tag)) {
		(void)re_snprintf(text, sizeof text, "The call log is"
				  " unbroken: %zu lines.", r.lines);
		event_str(o, "text", text);
		conn_event(cn, o);
		mem_deref(o);
		conn_end(cn, tag);
	}
}

static int logorder_alloc(struct logorder **lp, struct conn *cn,
			  const struct odict *o, const char *tag)
{
	struct logorder *lo = mem_zalloc(sizeof *lo, logorder_destructor);
	const char *peer = odict_string(o, "peer");
	uint64_t lines = LINES;
	int err = 0;

	if (!lo)
		return ENOMEM;
	(void)odict_get_number(o, &lines, "lines");
	(void)odict_get_boolean(o, &lo->denied, "denied");
	lo->conn = cn;
	lo->lines = (size_t)MAX(1, MIN(lines, LINES_MAX));
	set_file(lo->file, sizeof lo->file, cn);
	lo->linev = mem_zalloc(lo->lines * sizeof *lo->linev, NULL);
	if (!lo->linev)
		err = ENOMEM;
	if (!err && tag)
		err = str_dup(&lo->tag, tag);
	if (!err && peer)
		err = str_dup(&lo->peer, peer);
	if (err)
		mem_deref(lo);
	else
		*lp = lo;
	return err;
}

/* What is there now is told already. */
static void follow(struct logorder *lo)
{
	struct stat st;

	if (!stat(lo->file, &st)) {
		lo->ino = st.st_ino;
		lo->pos = (long)st.st_size;
	}
	conn_keep(lo->conn, &lo->le, lo);
	look_handler(lo);
}

void order_log(struct conn *cn, const struct odict *o, const char *tag)
{
	bool verify = false, stay = false;
	struct logorder *lo;

	(void)odict_get_boolean(o, &verify, "verify");
	(void)odict_get_boolean(o, &stay, "follow");
	if (verify) {
		verify_log(cn, tag);
		return;
	}
	if (logorder_alloc(&lo, cn, o, tag)) {
		conn_error(cn, tag, 1, "No memory.");
		return;
	}
	(void)calllog_tail(lo->file, lo->peer || lo->denied ? SIZE_MAX / 2 :
			   lo->lines, keep_line, lo);
	tell_last(lo);
	if (stay) {
		follow(lo);
		return;
	}
	conn_end(cn, tag);
	mem_deref(lo);
}
