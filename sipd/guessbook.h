/*
 * guessbook.h: who may guess ports with whom, and when: one pair at a time,
 * one failure an hour for each.
 */
#ifndef DIALTONE_GUESSBOOK_H
#define DIALTONE_GUESSBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guessbook;

int guessbook_alloc(struct guessbook **gp);

/* May it begin with the peer of this key (its fingerprint, 32 bytes)? If so
 * guessbook_end must follow. Times in ns of a monotonic clock. */
bool guessbook_begin(struct guessbook *g, const uint8_t key[32],
		     uint64_t now);

/* How the one that has begun ended. */
void guessbook_end(struct guessbook *g, bool worked);

#endif
