/*
 * link.c: packets that wait, in a heap by their time.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "conf.h"
#include "link.h"

struct item {
	int64_t t;
	uint64_t seq;                   /* order of those of one time */
	enum dir d;
	bool late;
	int n;
	uint8_t *b;
};

static struct item *heap;
static int heapc, heap_size;
static uint64_t seq;
static int64_t last[2], busy[2];
static int fdv[2];

void link_open(int fd_in, int fd_out)
{
	fdv[IN] = fd_in;
	fdv[OUT] = fd_out;
}

static bool before(const struct item *x, const struct item *y)
{
	return x->t != y->t ? x->t < y->t : x->seq < y->seq;
}

static void push(struct item it, const uint8_t *b)
{
	int i;

	if (heapc == heap_size) {
		heap_size = heap_size ? heap_size * 2 : 256;
		heap = realloc(heap, (size_t)heap_size * sizeof *heap);
	}
	it.seq = seq++;
	it.b = malloc((size_t)it.n);
	if (!heap || !it.b)
		die("out of memory");
	memcpy(it.b, b, (size_t)it.n);
	for (i = heapc++; i && before(&it, &heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = it;
}

static struct item pop(void)
{
	struct item top = heap[0], it = heap[--heapc];
	int i = 0, c;

	while ((c = 2 * i + 1) < heapc) {
		if (c + 1 < heapc && before(&heap[c + 1], &heap[c]))
			c++;
		if (!before(&heap[c], &it))
			break;
		heap[i] = heap[c];
		i = c;
	}
	if (heapc)
		heap[i] = it;
	return top;
}

static void wire(enum dir d, const uint8_t *b, int n)
{
	if (write(fdv[d], b, (size_t)n) != n) {
		COUNT(drop_queue);
	} else if (d == OUT) {
		COUNT(out_packets);
		count[C_out_bytes] += (uint64_t)n;
	} else {
		COUNT(in_packets);
		count[C_in_bytes] += (uint64_t)n;
	}
}

/* When a packet has gone through the narrow place; -1: the queue is full. */
static int64_t through(enum dir d, int n)
{
	if (conf.rate[d] <= 0)
		return now;
	if (busy[d] < now)
		busy[d] = now;
	if ((double)(busy[d] - now) > conf.queue * MSEC)
		return -1;
	busy[d] += (int64_t)(n * 8.0 * SEC / (conf.rate[d] * 1000));
	return busy[d];
}

static bool chance(double percent)
{
	return percent > 0 && rnd01() * 100 < percent;
}

void link_emit(enum dir d, const uint8_t *b, int n)
{
	int64_t t = through(d, n);
	int copies = chance(conf.dup) ? 2 : 1;

	if (t < 0) {
		COUNT(drop_queue);
		return;
	}
	if (chance(conf.loss[d])) {
		COUNT(drop_loss);
		return;
	}
	t += (int64_t)((conf.delay[d] + conf.jitter[d] *
			(rnd01() * 2 - 1)) * MSEC);
	if (chance(conf.reorder))
		t = now;
	else if (t < last[d])
		t = last[d];
	else
		last[d] = t;
	while (copies--) {
		if (t <= now)
			wire(d, b, n);
		else
			push((struct item){ .t = t, .d = d, .n = n }, b);
	}
}

void link_later(int64_t t, const uint8_t *b, int n)
{
	push((struct item){ .t = t, .d = IN, .late = true, .n = n }, b);
}

void link_run(void (*lateh)(uint8_t *b, int n))
{
	while (heapc && heap[0].t <= now) {
		struct item it = pop();

		if (it.late)
			lateh(it.b, it.n);
		else
			wire(it.d, it.b, it.n);
		free(it.b);
	}
}

int64_t link_due(void)
{
	return heapc ? heap[0].t : 0;
}
