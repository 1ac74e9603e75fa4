/*
 * heap.h: what has been freed is the system's again.
 */
#ifndef DIALTONE_SIPD_HEAP_H
#define DIALTONE_SIPD_HEAP_H

/* One heap for all threads. Once, before the first of them. */
void heap_begin(void);

/* Give back each page that holds nothing: milliseconds with much freed, for
 * when no packet waits. */
void heap_give_back(void);

#endif
