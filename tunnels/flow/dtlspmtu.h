/*
 * dtlspmtu.h: the search for the largest datagram a path carries (RFC 8899),
 * as pure logic: time and answers in, probes out.
 *
 *   BASE --probe max--> search --nothing between--> COMPLETE
 *    ^ <----- a confirmation stays unanswered ------+  (and up again later)
 *
 * Sizes are of the UDP payload.
 */
#ifndef DIALTONE_DTLSPMTU_H
#define DIALTONE_DTLSPMTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PMTU_BASE = 1232 };              /* 1280 with IPv6 and UDP headers */

struct pmtu {
	size_t size;                    /* known to pass */
	size_t low, high;               /* passes; does not, or untried */
	size_t probe;                   /* under way, 0: none */
	unsigned tries;                 /* of it, so far */
	bool used;                      /* something was sent since the last */
	bool on;                        /* the peer answers probes */
	uint64_t next;                  /* when to look again */
	uint64_t raise;                 /* when to try larger ones again */
	size_t max;
};

/* On a new path whose datagrams are at most max. */
void pmtu_start(struct pmtu *p, size_t max, bool on, uint64_t now);

/* Send a probe of the returned size, 0: none is due before p->next. The size
 * may shrink in it. */
size_t pmtu_turn(struct pmtu *p, uint64_t now);

/* A probe of this size was answered. */
void pmtu_answer(struct pmtu *p, size_t size, uint64_t now);

/* The kernel says that this is too much for the interface. */
void pmtu_refused(struct pmtu *p, size_t size, uint64_t now);

#endif
