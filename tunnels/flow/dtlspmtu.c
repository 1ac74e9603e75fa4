/*
 * dtlspmtu.c: the search for the largest datagram a path carries.
 *
 * The largest is tried first, for it is what most paths carry; then halves of
 * what is between. A size above the base is confirmed again and again while
 * packets are sent, for a path that shrinks tells nobody (RFC 8899, 4.3).
 */
#include "sdp/base/clock.h"
#include "tunnels/flow/dtlspmtu.h"

enum {
	STEP = 8,                       /* not worth another probe */
	SEARCH_TRIES = 3,
	CONFIRM_TRIES = 4,
};

#define PROBE_TIME   (300 * MSEC)       /* for an answer */
#define CONFIRM_TIME (2 * SEC)          /* between confirmations */
#define RAISE_TIME   (60 * SEC)         /* until larger ones are tried */

void pmtu_start(struct pmtu *p, size_t max, bool on, uint64_t now)
{
	p->size = p->low = PMTU_BASE;
	p->high = max + 1;
	p->max = max;
	p->probe = 0;
	p->tries = 0;
	p->on = on;
	p->next = on ? now : UINT64_MAX;
	p->raise = UINT64_MAX;
}

/* What to try next; 0: the search is over. */
static size_t candidate(const struct pmtu *p)
{
	if (p->high > p->max && p->low < p->max)
		return p->max;
	if (p->high - p->low <= STEP)
		return 0;
	return p->low + (p->high - p->low) / 2;
}

static void search(struct pmtu *p, uint64_t now)
{
	p->probe = candidate(p);
	p->tries = 0;
	p->next = now;
	if (p->probe)
		return;
	p->next = now + CONFIRM_TIME;
	if (p->size < p->max && p->raise == UINT64_MAX)
		p->raise = now + RAISE_TIME;
}

static void restart(struct pmtu *p, uint64_t now)
{
	p->size = p->low = PMTU_BASE;
	p->high = p->max + 1;
	p->raise = UINT64_MAX;
	search(p, now);
}

/* No answer, or a word from the kernel. */
static void failed(struct pmtu *p, uint64_t now)
{
	if (p->probe <= p->size) {
		restart(p, now);        /* a black hole */
		return;
	}
	if (p->probe < p->high)
		p->high = p->probe;
	search(p, now);
}

/* Nothing was under way: confirm what is in use, or try larger ones. */
static void begin(struct pmtu *p, uint64_t now)
{
	if (now >= p->raise) {
		p->raise = UINT64_MAX;
		p->high = p->max + 1;
		search(p, now);
		return;
	}
	if (p->size == p->low && p->size > PMTU_BASE && p->used)
		p->probe = p->size;
	else if (p->size == PMTU_BASE && p->high > p->max)
		search(p, now);         /* the first time */
	p->used = false;
	if (!p->probe)
		p->next = now + CONFIRM_TIME;
}

size_t pmtu_turn(struct pmtu *p, uint64_t now)
{
	if (!p->on || now < p->next)
		return 0;
	if (!p->probe)
		begin(p, now);
	else if (p->tries >= (p->probe > p->size ? SEARCH_TRIES
						 : CONFIRM_TRIES))
		failed(p, now);
	if (!p->probe)
		return 0;
	++p->tries;
	p->next = now + PROBE_TIME;
	return p->probe;
}

void pmtu_answer(struct pmtu *p, size_t size, uint64_t now)
{
	if (!p->on || size > p->max || size < p->size)
		return;
	p->size = p->low = size;
	if (p->high <= size)            /* it was late, not lost */
		p->high = size + 1;
	if (size >= p->probe)
		search(p, now);
}

void pmtu_refused(struct pmtu *p, size_t size, uint64_t now)
{
	if (!p->on || size <= PMTU_BASE)
		return;
	if (size <= p->size) {
		p->max = size - 1;      /* raised again on the next path */
		restart(p, now);
	}
	else if (size < p->high) {
		p->high = size;
		if (p->probe >= size)
			search(p, now);
	}
}
