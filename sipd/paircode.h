/*
 * paircode.h: pairing codes that are easy to say and to hear: two words and a
 * number, "velvet-harbor-417", about 26 bits. That is enough for a code that
 * dies of three wrong guesses.
 */
#ifndef DIALTONE_PAIRCODE_H
#define DIALTONE_PAIRCODE_H

#include <stddef.h>
#include <stdint.h>

enum { PAIRCODE_SIZE = 32, PAIRCODE_WORDS = 256 };

/* A random one. */
void paircode_make(char code[PAIRCODE_SIZE]);

/* What a user typed, in any case, with '-', '_' or blanks, as paircode_make
 * writes it. EINVAL with a sentence in why: it cannot be a code. */
int paircode_read(char code[PAIRCODE_SIZE], const char *text, char *why,
		  size_t size);

/* Word number i of the list, for other words people have to compare. */
const char *paircode_word(uint8_t i);

#endif
