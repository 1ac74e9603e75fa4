/*
 * turnattempt.h: one way to one relay that is tried. Part of turngroup.c,
 * whose header has the struct.
 */
#ifndef DIALTONE_TURNATTEMPT_H
#define DIALTONE_TURNATTEMPT_H

#include "modules/path/turngroup.h"

/* Open the link. Later it is up, or down and why is set; both are told to the
 * path by wakeh. */
int turnattempt_open(struct turnattempt *a);

/* It is up: ask for an allocation. EOVERFLOW: the user or the password is too
 * long. */
int turnattempt_ask(struct turnattempt *a, uint64_t now);

/* End both. It may be opened again. */
void turnattempt_close(struct turnattempt *a);

/* Tell the candidates of its allocation, once it has one. */
void turnattempt_tell(const struct turnattempt *a);

/* The addresses of its allocation; returns how many, 0 as long as there is
 * none. */
unsigned turnattempt_relayed(const struct turnattempt *a, struct sa sav[2]);

/* This is one of them. a may be NULL. */
bool turnattempt_has(const struct turnattempt *a, const struct sa *relayed);

#endif
