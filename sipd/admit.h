/*
 * admit.h: calls that come in.
 */
#ifndef DIALTONE_ADMIT_H
#define DIALTONE_ADMIT_H

struct board;
struct call;

/* Answer it one way or the other. */
void admit_call(struct board *b, struct call *c);

#endif
