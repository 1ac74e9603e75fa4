/*
 * words.h: what hostile text is taken apart with. Nothing here allocates, and
 * a NUL is a character like any other that does not belong.
 */
#ifndef DIALTONE_WORDS_H
#define DIALTONE_WORDS_H

#include <re.h>

/* Take the next word off s; false at the end. Words are split by spaces. */
bool words_next(struct pl *s, struct pl *word);

/* True if s is min..max characters, each a letter, a digit or of `more`. */
bool words_chars(const struct pl *s, size_t min, size_t max,
		 const char *more);

/* True if s is a token (RFC 8866 section 9). */
bool words_token(const struct pl *s);

/* Decode s as a decimal number of at most maxdigits, at most max; pl_u32
 * would take letters and wrap. */
bool words_number(const struct pl *s, uint32_t *np, size_t maxdigits,
		  uint32_t max);

/* Copy s with a NUL behind it: all of it, or false (pl_strcpy cuts it off
 * and says nothing). Then buf is "". */
bool words_copy(char *buf, size_t size, const struct pl *s);

/* A hexadecimal digit: 0..15, or -1. (ch_hex gives 0 for what is none.) */
int words_hex(char c);

#endif
