/*
 * guessbook.h: who may guess ports with whom, and when: one pair at a time,
 * one failure an hour for each, restarts or not.
 */
#ifndef DIALTONE_GUESSBOOK_H
#define DIALTONE_GUESSBOOK_H

#include "sipd/learned.h"

struct guessbook;

/* Keeps it in l, which outlives it. */
int guessbook_alloc(struct guessbook **gp, struct learned *l);

/* May it begin with the peer of this key (its fingerprint, 32 bytes)? If so
 * guessbook_end must follow. */
bool guessbook_begin(struct guessbook *g, const uint8_t key[32], time_t now);

/* How the one that has begun ended. */
void guessbook_end(struct guessbook *g, bool worked, time_t now);

/* It has worked with this one, the last time. */
bool guessbook_worked(const struct guessbook *g, const uint8_t key[32],
		      time_t now);

#endif
