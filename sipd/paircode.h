/*
 * paircode.h: pairing codes that are easy to say and to hear: two words and a
 * number, "velvet-harbor-417", about 26 bits. That is enough for a code that
 * dies of three wrong guesses.
 */
#ifndef DIALTONE_PAIRCODE_H
#define DIALTONE_PAIRCODE_H

#include <stddef.h>

enum { PAIRCODE_SIZE = 32 };

/* A random one. */
void paircode_make(char code[PAIRCODE_SIZE]);

/* What a user typed, in any case, with '-', '_' or blanks, as paircode_make
 * writes it. EINVAL with a sentence in why: it cannot be a code. */
int paircode_read(char code[PAIRCODE_SIZE], const char *text, char *why,
		  size_t size);

#endif
