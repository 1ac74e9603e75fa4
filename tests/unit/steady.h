/*
 * steady.h: a clock that does not run ahead of the test.
 *
 * A busy machine may leave a test standing for seconds between two lines.
 * After steady_begin the time of the calling thread (CLOCK_MONOTONIC, as our
 * objects see it, and the timerfds they set) stands still with it: what it is
 * late for a timerfd, or what passes between two looks at the clock while none
 * is to expire, is at most 20 ms. So timers expire in the order and at about
 * the distances that the test was written for. Other threads see true time.
 */
#ifndef DIALTONE_UNIT_STEADY_H
#define DIALTONE_UNIT_STEADY_H

#include <stdint.h>

/* From here on; again: what was waited for is forgotten. Call it before the
 * timerfds are set. */
void steady_begin(void);

/* So many nanoseconds pass at once; only after steady_begin. */
void steady_skip(uint64_t ns);

#endif
