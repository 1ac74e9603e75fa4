/*
 * codewords.h: 256 words that are easy to say and to hear, for what two people
 * read out to each other.
 */
#ifndef DIALTONE_CODEWORDS_H
#define DIALTONE_CODEWORDS_H

#include <stddef.h>
#include <stdint.h>

enum { CODEWORDS = 256 };

/* Sorted; a byte names one. */
extern const char *const codewordv[CODEWORDS];

/* n bytes as n words with blanks between; cut short if they do not fit. */
void codewords_print(char *buf, size_t size, const uint8_t *p, size_t n);

#endif
