/*
 * log.h: one line per fact, where its cause is known. Never a secret, never
 * raw bytes of a peer: %s of what a peer says goes through log_clean.
 */
#ifndef DIALTONE_LOG_H
#define DIALTONE_LOG_H

#include <re.h>

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_INFO, LOG_LV_DEBUG };

/* Where lines go: "stderr", "syslog" or a file, appended to. Also catches
 * what libre prints of bad messages. 0 or errno. */
int log_open(const char *where, enum log_level max);
void log_close(void);

/* The same place, opened anew, or another one. errno: it stays where it is. */
int log_move(const char *where);

/* re_printf formats; no newline at the end. */
void log_error(const char *fmt, ...);
void log_warn(const char *fmt, ...);
void log_info(const char *fmt, ...);
void log_debug(const char *fmt, ...);

#endif
