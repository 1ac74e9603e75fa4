/*
 * usage.h: the words of a usage line, which are what may be written.
 */
#ifndef DIALTONE_USAGE_H
#define DIALTONE_USAGE_H

#include <re.h>

/* The next word between blanks, brackets and bars; *p moves on. It points
 * into the line. */
bool usage_next(const char **p, struct pl *word);

/* Is it to be written as it is, like "--once" or "pipe"? Not "FILE". */
bool usage_literal(const struct pl *word);

/* Is this word of the line to be written as it is? */
bool usage_has(const char *usage, const char *word);

/* The literal word of the line that word looks like, or "". */
void usage_nearest(const char *usage, const char *word, char *buf,
		   size_t size);

#endif
