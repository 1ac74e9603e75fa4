/*
 * learned.h: what a process has found out and the next one need not find out
 * again: how guesses of ports ended, what NATs forget and end, the secret by which a
 * gateway knows us. A small file in the state folder; it may be deleted.
 *
 *   KIND KEY VALUE SECONDS       when it is to be forgotten, since 1970
 *
 * Words without blanks. It is a help, never relied on: what cannot be read is
 * as if nothing had been learned, and what cannot be written is lost. On the
 * control thread.
 */
#ifndef DIALTONE_LEARNED_H
#define DIALTONE_LEARNED_H

#include <time.h>
#include <re.h>

struct learned;

enum { LEARNED_MAX = 256, LEARNED_WORD_MAX = 127 };

/* FILE need not exist; if others may write it it is not read. */
int learned_alloc(struct learned **lp, const char *file, time_t now);

/* NULL: nothing, or no more. Valid until the next call. */
const char *learned_get(struct learned *l, const char *kind, const char *key,
			time_t now);

/* From now on, for so many seconds; written at once, together with what
 * others have written meanwhile. Beyond LEARNED_MAX what would be forgotten
 * first goes. EINVAL: no words. */
int learned_set(struct learned *l, const char *kind, const char *key,
		const char *value, time_t now, time_t seconds);

/* All of a kind. h must not change it. */
void learned_apply(struct learned *l, const char *kind, time_t now,
		   void (*h)(const char *key, const char *value, void *arg),
		   void *arg);

#endif
