/*
 * log.c: the only global state of the program: where the log goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#define DEBUG_MODULE "sipd"
#define DEBUG_LEVEL 0
#include <re_dbg.h>
#include "sipd/log.h"

enum { LINE_MAX_SIZE = 1024 };

static const struct {
	const char *name;
	int priority;
} levelv[] = {
	[LOG_LV_ERROR] = { "error", LOG_ERR     },
	[LOG_LV_WARN]  = { "warn",  LOG_WARNING },
	[LOG_LV_INFO]  = { "info",  LOG_INFO    },
	[LOG_LV_DEBUG] = { "debug", LOG_DEBUG   },
};

static struct {
	enum log_level max;
	int fd;
	bool syslog;
} logger = { LOG_LV_WARN, STDERR_FILENO, false };

/* Control characters would let a peer write lines of its own. */
static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static void put(enum log_level lv, const char *fmt, va_list ap)
{
	char text[LINE_MAX_SIZE], line[LINE_MAX_SIZE + 64];
	struct tm tm;
	time_t now = time(NULL);
	int n;

	if (lv > logger.max)
		return;
	if (re_vsnprintf(text, sizeof text, fmt, ap) < 0)
		(void)str_ncpy(text + sizeof text - 4, "...", 4);
	clean(text);
	if (logger.syslog) {
		syslog(levelv[lv].priority, "%s", text);
		return;
	}
	(void)gmtime_r(&now, &tm);
	n = snprintf(line, sizeof line,
		     "%04d-%02d-%02dT%02d:%02d:%02dZ %s: %s\n",
		     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		     tm.tm_hour, tm.tm_min, tm.tm_sec, levelv[lv].name, text);
	if (n > 0 && write(logger.fd, line, (size_t)n) < 0) {
		/* a full disk must not stop the sessions */
	}
}

#define LOG_FN(name, level) \
	void name(const char *fmt, ...) \
	{ \
		va_list ap; \
		va_start(ap, fmt); \
		put(level, fmt, ap); \
		va_end(ap); \
	}

LOG_FN(log_error, LOG_LV_ERROR)
LOG_FN(log_warn,  LOG_LV_WARN)
LOG_FN(log_info,  LOG_LV_INFO)
LOG_FN(log_debug, LOG_LV_DEBUG)

/* libre tells of each bad message: a flood must not become a flood of lines,
 * so they are debug only. */
static void libre_handler(int level, const char *p, size_t len, void *arg)
{
	(void)level;
	(void)arg;
	log_debug("libre: %b", p, len);
}

int log_move(const char *where)
{
	const bool to_syslog = where && !strcmp(where, "syslog");
	int fd = STDERR_FILENO;

	if (where && !to_syslog && strcmp(where, "stderr"))
		fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			  0640);
	if (fd < 0)
		return errno;
	if (logger.syslog)
		closelog();
	if (logger.fd != STDERR_FILENO)
		(void)close(logger.fd);
	if (to_syslog)
		openlog("sipd", LOG_PID, LOG_DAEMON);
	logger.syslog = to_syslog;
	logger.fd = fd;
	return 0;
}

int log_open(const char *where, enum log_level max)
{
	logger.max = max;
	dbg_init(DBG_INFO, 0);
	dbg_handler_set(libre_handler, NULL);
	return log_move(where);
}

void log_close(void)
{
	dbg_handler_set(NULL, NULL);
	(void)log_move("stderr");
}
