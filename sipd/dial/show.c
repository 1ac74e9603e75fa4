/*
 * show.c: one function per event, one table. A progress bar on a terminal,
 * a line every few seconds otherwise.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "sipd/dial/lists.h"
#include "sipd/dial/patience.h"
#include "sipd/dial/qr.h"
#include "sipd/dial/show.h"

enum { BAR = 24, PLAIN_EVERY = 5 };

struct show {
	bool quiet, verbose, tty;
	bool line;                      /* a progress line stands */
	bool asked;                     /* about the peer's key */
	struct patience *patience;
	uint64_t begin, last;           /* ns */
	uint64_t first_bytes;           /* resumed: not counted in the rate */
	uint64_t bytes, files;          /* of the last progress */
};

static void show_destructor(void *arg)
{
	struct show *s = arg;

	mem_deref(s->patience);
}

int show_alloc(struct show **sp, bool quiet, bool verbose)
{
	struct show *s = mem_zalloc(sizeof *s, show_destructor);

	if (!s)
		return ENOMEM;
	if (patience_alloc(&s->patience)) {
		mem_deref(s);
		return ENOMEM;
	}
	s->quiet = quiet;
	s->verbose = verbose;
	s->tty = isatty(STDERR_FILENO);
	*sp = s;
	return 0;
}

void show_flush(struct show *s)
{
	if (s->line)
		(void)fputc('\n', stderr);
	s->line = false;
}

void show_asked(struct show *s)
{
	show_flush(s);
	s->asked = true;
	patience_set(s->patience, "", "");
}

static double rate(const struct show *s, uint64_t bytes)
{
	double sec = (double)(clock_ns() - s->begin) / SEC;

	return sec > 0.001 ? (double)(bytes - s->first_bytes) / sec : 0;
}

static const char *eta_text(char buf[32], const struct show *s,
			    uint64_t bytes, uint64_t total)
{
	double r = rate(s, bytes);
	unsigned sec = r > 1 ? (unsigned)((double)(total - bytes) / r) : 0;

	if (r <= 1 || sec > 359999)
		return "--:--";
	if (sec >= 3600)
		(void)snprintf(buf, 32, "%u:%02u:%02u", sec / 3600,
			       sec / 60 % 60, sec % 60);
	else
		(void)snprintf(buf, 32, "%02u:%02u", sec / 60, sec % 60);
	return buf;
}

/* ", 3 of 10 files", ", big.bin 43 %": nothing for a single one */
static const char *part_text(char *buf, size_t size, const struct odict *o)
{
	const uint64_t total = lists_num(o, "files_total");
	const uint64_t part = lists_num(o, "part_total");

	*buf = '\0';
	if (total < 2)
		return buf;
	if (part && *lists_str(o, "name"))
		(void)snprintf(buf, size, ", %llu of %llu files, %s %u %%",
			       (unsigned long long)lists_num(o, "files"),
			       (unsigned long long)total, lists_str(o, "name"),
			       (unsigned)((double)lists_num(o, "part") * 100 /
					  (double)part));
	else
		(void)snprintf(buf, size, ", %llu of %llu files",
			       (unsigned long long)lists_num(o, "files"),
			       (unsigned long long)total);
	return buf;
}

static void bar(const struct show *s, uint64_t bytes, uint64_t total,
		const struct odict *o)
{
	char a[32], b[32], r[32], e[32], full[BAR + 1], part[400];
	char line[600];
	unsigned n = total ? (unsigned)(bytes * BAR / total) : 0;
	struct winsize ws = { .ws_col = 80 };

	n = MIN(n, (unsigned)BAR);
	memset(full, '#', n);
	memset(full + n, '.', BAR - n);
	full[BAR] = '\0';
	(void)ioctl(STDERR_FILENO, TIOCGWINSZ, &ws);
	(void)snprintf(line, sizeof line, "[%s] %s of %s  %s/s  %s left%s",
		       full, lists_size(a, (double)bytes),
		       lists_size(b, (double)total),
		       lists_size(r, rate(s, bytes)),
		       eta_text(e, s, bytes, total),
		       part_text(part, sizeof part, o));
	(void)fprintf(stderr, "\r%.*s\033[K", ws.ws_col ? ws.ws_col - 1 :
		      79, line);
}

static void plain(const struct show *s, uint64_t bytes, uint64_t total,
		  const struct odict *o)
{
	char a[32], b[32], r[32], e[32], part[400];

	(void)fprintf(stderr, "%s of %s (%s/s, %s left)%s\n",
		      lists_size(a, (double)bytes),
		      lists_size(b, (double)total),
		      lists_size(r, rate(s, bytes)),
		      eta_text(e, s, bytes, total),
		      part_text(part, sizeof part, o));
}

static void show_progress(struct show *s, const struct odict *o)
{
	uint64_t bytes = lists_num(o, "bytes"), total = lists_num(o, "total");
	uint64_t now = clock_ns();

	if (!s->begin) {
		s->begin = now;
		s->first_bytes = bytes;
		s->last = now;
	}
	s->bytes = bytes;
	s->files = lists_num(o, "files");
	if (s->quiet || !total)
		return;
	if (s->tty) {
		bar(s, bytes, total, o);
		s->line = true;
	}
	else if (now - s->last > PLAIN_EVERY * SEC) {
		plain(s, bytes, total, o);
		s->last = now;
	}
}

static void show_note(struct show *s, const struct odict *o)
{
	if (!s->quiet)
		(void)fprintf(stderr, "%s\n", lists_str(o, "text"));
}

static void show_state(struct show *s, const struct odict *o)
{
	if (s->verbose)
		(void)fprintf(stderr, "%s: %s\n", lists_str(o, "peer"),
			      lists_str(o, "state"));
	if (!strcmp(lists_str(o, "direction"), "out"))
		patience_set(s->patience, lists_str(o, "peer"),
			     lists_str(o, "state"));
}

static void show_open(struct show *s, const struct odict *o)
{
	const struct odict_entry *ms = odict_lookup(o, "setup_ms");

	s->begin = s->last = clock_ns();
	if (s->quiet)
		return;
	(void)fprintf(stderr, "connected to %s (%s", lists_str(o, "peer"),
		      lists_path(o));
	if (*lists_str(o, "relay"))
		(void)fprintf(stderr, " by %s", lists_str(o, "relay"));
	(void)fprintf(stderr, ", %s", lists_str(o, "remote"));
	if (ms && ms->type == ODICT_OBJECT)
		(void)fprintf(stderr, ", %llu ms",
			      (unsigned long long)lists_num(ms->u.odict,
							 "total"));
	(void)fputs(")\n", stderr);
	/* who was a stranger to us does not know us either, it seems */
	if (s->asked && !strcmp(lists_str(o, "direction"), "out"))
		patience_set(s->patience, lists_str(o, "peer"), "accepting");
	s->asked = false;
}

static const char *summary_verb(const struct odict *o)
{
	const bool in = !strcmp(lists_str(o, "direction"), "in");

	if (!strcmp(lists_str(o, "tunnels"), "get"))
		return in ? "sent to" : "received from";
	if (!strstr(lists_str(o, "tunnels"), "file"))
		return "exchanged with";
	return in ? "received from" : "sent to";
}

static void show_summary(const struct show *s, const struct odict *o)
{
	char a[32], r[32];

	if (s->quiet || !s->bytes)
		return;
	(void)fprintf(stderr, "%s %s %s in %.1f s (%s/s)\n",
		      lists_size(a, (double)s->bytes), summary_verb(o),
		      lists_str(o, "peer"),
		      (double)(clock_ns() - s->begin) / SEC,
		      lists_size(r, rate(s, s->bytes)));
}

/* What a tunnel says of its end is a sentence by itself, and a server's word
 * may be ours again. */
static void why_closed(const char *reason, const char *text,
		       const char *detail)
{
	if (*detail && !strcmp(reason, "tunnel-failed"))
		(void)fprintf(stderr, "dial: %s", detail);
	else if (*detail && !strstr(text, detail))
		(void)fprintf(stderr, "dial: %s (%s)", text, detail);
	else
		(void)fprintf(stderr, "dial: %s", text);
}

/* What went wrong in one sentence, then whatever more is known of it. */
static void show_closed(struct show *s, const struct odict *o)
{
	const char *reason = lists_str(o, "reason");
	const char *detail = lists_str(o, "detail");
	const char *says = lists_str(o, "peer_says");

	if (!strcmp(reason, "done")) {
		show_summary(s, o);
	}
	else if (strcmp(reason, "local-hangup") || !s->quiet) {
		why_closed(reason, lists_str(o, "text"), detail);
		if (*says)
			(void)fprintf(stderr, " %s says: %s",
				      lists_str(o, "peer"), says);
		(void)fputc('\n', stderr);
	}
	s->begin = s->bytes = 0;
}

static void show_error(struct show *s, const struct odict *o)
{
	(void)s;
	(void)fprintf(stderr, "dial: %s\n", lists_str(o, "text"));
}

static void show_list(struct show *s, const struct odict *o)
{
	(void)s;
	lists_event(o);
}

static void show_identity(struct show *s, const struct odict *o)
{
	(void)s;
	(void)printf("%s\n", lists_str(o, "fingerprint"));
}

static void show_right(struct show *s, const struct odict *o)
{
	(void)s;
	(void)printf("%s\n", lists_str(o, "text"));
}

static void show_why(struct show *s, const struct odict *o)
{
	(void)s;
	(void)printf("%s", lists_str(o, "text"));
}

static void show_pairing(struct show *s, const struct odict *o)
{
	const char *address = lists_str(o, "address");
	char command[320];

	(void)re_snprintf(command, sizeof command, "dial pair %s %s",
			  lists_str(o, "code"), *address ? address
			  : "THIS-MACHINE");
	(void)printf("%s\n", lists_str(o, "code"));
	(void)fflush(stdout);
	(void)fprintf(stderr, "Tell this code where nobody else hears it,"
		      " and only to the one you want to pair with.\n"
		      "There: %s\nIt is valid for ten minutes.\n", command);
	if (s->tty && isatty(STDOUT_FILENO))
		(void)qr_print(stdout, command);
}

static void show_paired(struct show *s, const struct odict *o)
{
	(void)s;
	(void)fprintf(stderr, "paired with %s, whose key is\n  %s\n",
		      lists_str(o, "peer"), lists_str(o, "fingerprint"));
}

static void show_check(struct show *s, const struct odict *o)
{
	(void)s;
	(void)printf("%-10s %-26s %s\n", lists_str(o, "what"),
		     lists_str(o, "value"), lists_str(o, "text"));
}

void show_event(struct show *s, const struct odict *o)
{
	static const struct {
		const char *event;
		void (*h)(struct show *s, const struct odict *o);
	} eventv[] = {
		{ "progress", show_progress },
		{ "state",    show_state    },
		{ "open",     show_open     },
		{ "note",     show_note     },
		{ "closed",   show_closed   },
		{ "error",    show_error    },
		{ "identity", show_identity },
		{ "call",     show_list     },
		{ "check",    show_check    },
		{ "account",  show_list     },
		{ "meeting-point", show_list },
		{ "session",  show_list     },
		{ "peer",     show_list     },
		{ "right",    show_right    },
		{ "why",      show_why      },
		{ "pairing",  show_pairing  },
		{ "paired",   show_paired   },
	};
	const char *event = lists_str(o, "event");

	for (size_t i = 0; i < RE_ARRAY_SIZE(eventv); i++) {
		if (strcmp(eventv[i].event, event))
			continue;
		if (eventv[i].h != show_progress)
			show_flush(s);
		if (eventv[i].h != show_state &&
		    (eventv[i].h != show_progress || lists_num(o, "bytes")))
			patience_set(s->patience, "", "");
		eventv[i].h(s, o);
	}
	(void)fflush(stdout);
}
