/*
 * callchain.h: what makes a cut or an edit of the call log show. Each line
 * names the SHA-256 of the line before it; FILE.head names that of the last
 * one, so that a missing end shows too. Who may write both files can forge
 * both: send a copy to syslog (call-log in [sipd]) where that matters.
 *
 *   lock -> prev --> a line with prev --> note --> append --> unlock
 */
#ifndef DIALTONE_CALLCHAIN_H
#define DIALTONE_CALLCHAIN_H

#include <stdbool.h>
#include <stddef.h>

struct callchain;

enum { CALLCHAIN_HEX = 65 };    /* a SHA-256 in hexadecimal, and a zero */

/* FILE.head beside the log FILE, 0600; need not exist yet. */
int callchain_alloc(struct callchain **cp, const char *file);

/* Begin one line; other writers of the file wait. prev is what the line has
 * to name. log is the log's descriptor, for what a crash left unsure. */
void callchain_lock(struct callchain *c, int log, char prev[CALLCHAIN_HEX]);

/* The line, without its newline, is about to be appended. */
int callchain_note(struct callchain *c, const char *line, size_t len);

/* It was, or was not. Always after callchain_lock. */
void callchain_unlock(struct callchain *c, bool written);

struct callchain_report {
	size_t lines;           /* that were read */
	char broken[320];       /* a sentence; "" if nothing is broken */
};

/* Read the logs, oldest first; the end of the last one is compared with its
 * FILE.head if that is there. 0 or errno of a file that cannot be read. */
int callchain_verify(char *const filev[], size_t filec,
		     struct callchain_report *r);

#endif
