/*
 * piperun.h: a pipe while it runs.
 */
#ifndef DIALTONE_PIPERUN_H
#define DIALTONE_PIPERUN_H

struct tunnel;

/* Flow, number, loop and ending are set: the caller opens the stream, the
 * callee waits for it; then both start their ends. */
int piperun_start(struct tunnel *t);

#endif
