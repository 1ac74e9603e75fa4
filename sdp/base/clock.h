/*
 * clock.h: the one clock, and a heap of timers on it.
 *
 * libre's timers follow the wall clock and live in one sorted list; these
 * follow CLOCK_MONOTONIC and cost O(log n). A heap belongs to one thread.
 * It never sleeps itself: the owner's loop asks for the next time and runs
 * what is due, and tests run it on a time of their own.
 */
#ifndef DIALTONE_CLOCK_H
#define DIALTONE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define MSEC 1000000ULL         /* in nanoseconds, as every time here */
#define SEC  (1000 * MSEC)

struct timers;
struct timer;

typedef void (timer_h)(void *arg);

/* Embed one per purpose; all zero is a stopped timer. */
struct timer {
	struct timers *heap;    /* NULL while stopped */
	size_t pos;             /* place in the heap */
	uint64_t when;          /* absolute, nanoseconds */
	timer_h *h;
	void *arg;
};

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_ns(void);

/* Milliseconds since 1970, for people and logs; it may jump. */
uint64_t clock_wall(void);

/* An empty heap; mem_deref stops every timer still in it. */
int timers_alloc(struct timers **tp);

/* (Re)start a timer `delay` nanoseconds from now. Allocates only when the
 * heap grows beyond its largest size so far; ENOMEM then leaves t stopped. */
int timer_start(struct timers *heap, struct timer *t, uint64_t delay,
		timer_h *h, void *arg);

/* The same with the time given, for fake time: fires at `when`. */
int timer_start_at(struct timers *heap, struct timer *t, uint64_t when,
		   timer_h *h, void *arg);

/* Stop a timer; safe on a stopped or zeroed one, and inside a handler. */
void timer_stop(struct timer *t);

/* Time of the earliest timer, UINT64_MAX if there is none. */
uint64_t timers_next(const struct timers *heap);

/* Run what is due at `now`, earliest first. A handler may start and stop any
 * timer; one restarted for a time <= now runs in the next call. */
void timers_run(struct timers *heap, uint64_t now);

/* Drive the heap from the calling thread's libre loop by a timerfd, so that
 * a step of the wall clock is not noticed. Once per heap; undone by
 * mem_deref of the heap. */
int timers_attach(struct timers *heap);

#endif
