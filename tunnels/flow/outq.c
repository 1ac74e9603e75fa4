/*
 * outq.c: the rate at which the queue goes down, and what it allows.
 *
 * A queue that is found empty says only that the way out is at least so
 * fast; one that is not says how fast it is. To be found empty before it was
 * looked at again makes the next limit twice as large, which is how a fast
 * way is found.
 */
#include <string.h>
#include "sdp/base/clock.h"
#include "tunnels/flow/outq.h"

enum {
	LIMIT_START = 128 * 1024,       /* bytes while the rate is unknown */
	LIMIT_MIN = 4096,               /* a packet, as the kernel counts */
	LIMIT_MAX = 8 << 20,            /* what a socket holds */
};

#define HELD (2 * MSEC)                 /* that may be queued */
#define SAMPLE MSEC                     /* the shortest measurement */
#define RATE_MAX 100000000000ULL        /* bytes a second: no limit */
#define WAIT_MIN (MSEC / 4)
#define WAIT_MAX (5 * MSEC)

static size_t limit(const struct outq *o)
{
	const uint64_t n = o->rate / (SEC / HELD);

	if (!o->rate)
		return LIMIT_START;
	return n < LIMIT_MIN ? LIMIT_MIN : n > LIMIT_MAX ? LIMIT_MAX
							 : (size_t)n;
}

static void measure(struct outq *o, uint64_t now)
{
	uint64_t time = now - o->since, sample;

	if (time < SAMPLE && o->mine)
		return;
	/* links let go in bursts: at a short look they seem fast */
	if (time < SAMPLE)
		time = SAMPLE;
	sample = o->gone * SEC / time;
	if (sample > RATE_MAX)
		sample = RATE_MAX;
	if (!o->mine)
		o->rate = sample > o->rate ? sample : o->rate;
	else if (!o->rate)
		o->rate = sample;
	else
		o->rate = (3 * o->rate + sample) / 4;
	o->gone = 0;
	o->since = now;
}

/* What has left is taken from each sender alike. */
void outq_look(struct outq *o, size_t queued, uint64_t now)
{
	const size_t before = o->mine;

	if (!before)
		return;
	if (queued < o->then)
		o->mine = (size_t)((uint64_t)before * queued / o->then);
	o->then = queued;
	o->gone += before - o->mine;
	measure(o, now);
}

void outq_wrote(struct outq *o, size_t before, size_t after, uint64_t now)
{
	outq_look(o, before, now);
	if (after <= before) {
		/* gone at once: faster than was thought, if it goes on */
		if (!o->mine && o->rate < RATE_MAX)
			o->rate += o->rate / 8;
		return;
	}
	if (!o->mine) {
		o->gone = 0;
		o->since = now;
	}
	o->mine += after - before;
	o->then = after;
}

bool outq_full(const struct outq *o, size_t pending)
{
	return (o->mine || o->rate) && o->mine + pending >= limit(o);
}

/* Until half of it is gone: to look in time keeps the link busy. */
uint64_t outq_wait(const struct outq *o)
{
	const size_t low = limit(o) / 2;
	uint64_t t = WAIT_MIN;

	if (o->rate && o->mine > low)
		t = (o->mine - low) * SEC / o->rate;
	return t < WAIT_MIN ? WAIT_MIN : t > WAIT_MAX ? WAIT_MAX : t;
}
