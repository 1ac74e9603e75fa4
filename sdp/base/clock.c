/*
 * clock.c: a binary heap of timers, ordered by time.
 *
 * Each timer knows its place, so stopping one is O(log n) as starting is.
 * Called by whoever owns the heap's thread: the worker's loop, the control
 * thread through a timerfd, or a test with a time of its own.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/timerfd.h>
#include <re.h>
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"

enum { HEAP_MIN = 16 };

struct timers {
	struct timer **v;
	size_t n, size;
	uint64_t armed;         /* what the timerfd is set to; 0: unset */
	struct rc_fd rfd;       /* fd -1 unless attached */
};

static void timers_destructor(void *arg)
{
	struct timers *heap = arg;

	for (size_t i = 0; i < heap->n; i++)
		heap->v[i]->heap = NULL;
	if (heap->rfd.fd >= 0) {
		rc_fd_close(&heap->rfd);
		(void)close(heap->rfd.fd);
	}
	mem_deref(heap->v);
}

uint64_t clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_wall(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ((uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec) / MSEC;
}

int timers_alloc(struct timers **tp)
{
	struct timers *heap;

	if (!tp)
		return EINVAL;
	heap = mem_zalloc(sizeof *heap, timers_destructor);
	if (!heap)
		return ENOMEM;
	heap->rfd.fd = -1;
	*tp = heap;
	return 0;
}

static void place(struct timers *heap, size_t i, struct timer *t)
{
	heap->v[i] = t;
	t->pos = i;
}

static void sift_up(struct timers *heap, size_t i, struct timer *t)
{
	while (i) {
		size_t up = (i - 1) / 2;

		if (heap->v[up]->when <= t->when)
			break;
		place(heap, i, heap->v[up]);
		i = up;
	}
	place(heap, i, t);
}

static void sift_down(struct timers *heap, size_t i, struct timer *t)
{
	for (;;) {
		size_t kid = 2 * i + 1;

		if (kid >= heap->n)
			break;
		if (kid + 1 < heap->n &&
		    heap->v[kid + 1]->when < heap->v[kid]->when)
			++kid;
		if (heap->v[kid]->when >= t->when)
			break;
		place(heap, i, heap->v[kid]);
		i = kid;
	}
	place(heap, i, t);
}

/* Put t where its time belongs, given that slot i is free for it. */
static void settle(struct timers *heap, size_t i, struct timer *t)
{
	if (i && heap->v[(i - 1) / 2]->when > t->when)
		sift_up(heap, i, t);
	else
		sift_down(heap, i, t);
}

static int grow(struct timers *heap)
{
	size_t size = heap->size ? 2 * heap->size : HEAP_MIN;
	struct timer **v;

	if (heap->n < heap->size)
		return 0;
	v = heap->v ? mem_realloc(heap->v, size * sizeof *v)
		    : mem_alloc(size * sizeof *v, NULL);
	if (!v)
		return ENOMEM;
	heap->v = v;
	heap->size = size;
	return 0;
}

/* The timerfd follows the earliest timer; set only when that is earlier, a
 * wake-up too early is harmless and rearms it. */
static void arm(struct timers *heap)
{
	struct itimerspec its = { .it_value = { 0, 0 } };
	uint64_t when = timers_next(heap);

	if (heap->rfd.fd < 0 || when == UINT64_MAX)
		return;
	if (heap->armed && heap->armed <= when)
		return;
	heap->armed = when;
	its.it_value.tv_sec = (time_t)(when / SEC);
	its.it_value.tv_nsec = (long)(when % SEC);
	if (!when)
		its.it_value.tv_nsec = 1;       /* zero would disarm it */
	(void)timerfd_settime(heap->rfd.fd, TFD_TIMER_ABSTIME, &its, NULL);
}

int timer_start_at(struct timers *heap, struct timer *t, uint64_t when,
		   timer_h *h, void *arg)
{
	if (!heap || !t || !h)
		return EINVAL;
	t->h = h;
	t->arg = arg;
	if (t->heap == heap) {
		t->when = when;
		settle(heap, t->pos, t);
		arm(heap);
		return 0;
	}
	timer_stop(t);
	if (grow(heap))
		return ENOMEM;
	t->when = when;
	t->heap = heap;
	sift_up(heap, heap->n++, t);
	arm(heap);
	return 0;
}

int timer_start(struct timers *heap, struct timer *t, uint64_t delay,
		timer_h *h, void *arg)
{
	return timer_start_at(heap, t, clock_ns() + delay, h, arg);
}

void timer_stop(struct timer *t)
{
	struct timers *heap;
	struct timer *last;

	if (!t || !t->heap)
		return;
	heap = t->heap;
	t->heap = NULL;
	last = heap->v[--heap->n];
	if (last != t)
		settle(heap, t->pos, last);
}

uint64_t timers_next(const struct timers *heap)
{
	return heap && heap->n ? heap->v[0]->when : UINT64_MAX;
}

void timers_run(struct timers *heap, uint64_t now)
{
	size_t left;

	if (!heap)
		return;
	/* bounded, so that a timer that restarts itself for `now` cannot
	 * keep us here */
	for (left = heap->n; left && timers_next(heap) <= now; left--) {
		struct timer *t = heap->v[0];

		timer_stop(t);
		t->h(t->arg);
	}
}

static void fd_handler(int flags, void *arg)
{
	struct timers *heap = arg;
	uint64_t n;
	(void)flags;

	if (read(heap->rfd.fd, &n, sizeof n) < 0 && errno != EAGAIN)
		return;
	heap->armed = 0;
	/* a handler may drop the last reference but ours */
	mem_ref(heap);
	timers_run(heap, clock_ns());
	arm(heap);
	mem_deref(heap);
}

int timers_attach(struct timers *heap)
{
	int err;

	if (!heap || heap->rfd.fd >= 0)
		return EINVAL;
	heap->rfd.fd = timerfd_create(CLOCK_MONOTONIC,
				      TFD_NONBLOCK | TFD_CLOEXEC);
	if (heap->rfd.fd < 0)
		return errno;
	err = rc_fd_listen(&heap->rfd, FD_READ, fd_handler, heap);
	if (err) {
		(void)close(heap->rfd.fd);
		heap->rfd.fd = -1;
		return err;
	}
	arm(heap);
	return 0;
}
