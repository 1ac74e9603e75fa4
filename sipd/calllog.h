/*
 * calllog.h: every attempt, allowed or not, is one JSON line, which names the
 * hash of the one before it (callchain.h).
 */
#ifndef DIALTONE_CALLLOG_H
#define DIALTONE_CALLLOG_H

#include <re.h>

struct calllog;

struct calllog_entry {
	uint64_t started;       /* wall clock, ms since 1970 */
	uint64_t duration;      /* ms since then */
	bool incoming;
	const char *id;         /* session id */
	const char *callid;     /* SIP Call-ID */
	const char *peer;       /* name or claimed address */
	const char *address;
	const uint8_t *fp;      /* its key, NULL if none was shown */
	const char *tunnel;     /* "file", "pipe,forward" */
	bool allowed;
	const char *reason;     /* reason_name */
	const char *path;       /* "direct", "tcp", "relayed", "" */
	uint64_t rx, tx;        /* bytes */
};

/* Append to FILE (0600); reopened when it was renamed away (logrotate).
 * to_syslog: a copy of each line goes there, and so to journald. */
int calllog_alloc(struct calllog **lp, const char *file, bool to_syslog);
int calllog_write(struct calllog *l, const struct calllog_entry *e);

/* The last n lines, oldest first; h gets each without its newline. */
int calllog_tail(const char *file, size_t n,
		 void (*h)(const char *line, void *arg), void *arg);

#endif
