/*
 * loop.c: order of a turn, timers in microseconds, unwatching inside a
 * handler, posts from other threads.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "tests/unit/fakeflow.h"
#include "tests/unit/unit.h"

enum { POSTS = 1000 };

static void count_handler(void *data)
{
	atomic_fetch_add((atomic_int *)data, 1);
}

static void test_posts(void)
{
	struct loop *l = NULL;
	atomic_int n;

	atomic_init(&n, 0);
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&l, "t"), 0);
	for (int i = 0; i < POSTS; i++)
		CU_ASSERT_EQUAL(loop_post(l, count_handler, &n), 0);
	mem_deref(l);
	CU_ASSERT_EQUAL(atomic_load(&n), POSTS);
}

struct sleeper {
	struct loop *l;
	struct timer t;
	uint64_t started, fired;
	int times;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

static void wake(struct sleeper *s)
{
	pthread_mutex_lock(&s->lock);
	s->fired = clock_ns();
	++s->times;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

static int wait_times(struct sleeper *s, int n)
{
	struct timespec ts;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 10;
	pthread_mutex_lock(&s->lock);
	while (s->times < n && !err)
		err = pthread_cond_timedwait(&s->cond, &s->lock, &ts);
	pthread_mutex_unlock(&s->lock);
	return err;
}

static void timer_handler(void *arg)
{
	wake(arg);
}

static void start_timer(void *arg)
{
	struct sleeper *s = arg;

	s->started = clock_ns();
	CU_ASSERT_EQUAL(timer_start(loop_timers(s->l), &s->t, 300000,
				    timer_handler, s), 0);
}

static void test_timer(void)
{
	struct sleeper s = { .lock = PTHREAD_MUTEX_INITIALIZER,
			     .cond = PTHREAD_COND_INITIALIZER };
	uint64_t best = UINT64_MAX;

	CU_ASSERT_EQUAL_FATAL(loop_alloc(&s.l, "t"), 0);
	for (int i = 1; i <= 20; i++) {
		fake_call(s.l, start_timer, &s);
		CU_ASSERT_EQUAL(wait_times(&s, i), 0);
		CU_ASSERT(s.fired - s.started >= 300000);
		if (s.fired - s.started < best)
			best = s.fired - s.started;
	}
	/* milliseconds would be 1,000,000 at least */
	CU_ASSERT(best < 900000);
	mem_deref(s.l);
}

struct turns {
	struct loop *l;
	struct loop_defer d[3], flush, gone;
	int order[16];
	_Atomic int n;
};

static void note(struct turns *t, int what)
{
	if (t->n < 16) {
		t->order[t->n] = what;
		t->n++;
	}
}

static void third(void *arg)
{
	note(arg, 3);
}

static void second(void *arg)
{
	note(arg, 2);
}

/* asks again for itself once, and takes the third back */
static void first(void *arg)
{
	struct turns *t = arg;

	note(t, 1);
	if (t->n < 3) {
		loop_defer(t->l, &t->d[0], first, t);
		loop_defer(t->l, &t->d[0], first, t);
		loop_defer_cancel(t->l, &t->d[2]);
	}
}

static void start_turns(void *arg)
{
	struct turns *t = arg;

	loop_defer(t->l, &t->d[0], first, t);
	loop_defer(t->l, &t->d[1], second, t);
	loop_defer(t->l, &t->d[1], second, t);
	loop_defer(t->l, &t->d[2], third, t);
	note(t, 0);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void test_defer(void)
{
	struct turns t = { .n = 0 };
	static const int want[] = { 0, 1, 2, 1 };

	CU_ASSERT_EQUAL_FATAL(loop_alloc(&t.l, "t"), 0);
	fake_call(t.l, start_turns, &t);
	for (int i = 0; i < 3; i++)
		fake_call(t.l, nothing, NULL);
	mem_deref(t.l);
	CU_ASSERT_EQUAL(t.n, 4);
	CU_ASSERT_EQUAL(memcmp(t.order, want, sizeof want), 0);
}

enum { FLUSH = 9 };

static void flush_handler(void *arg)
{
	note(arg, FLUSH);
}

/* A turn that takes long: what one has to say is not kept for the others. */
static void long_work(struct turns *t, int what)
{
	const uint64_t start = clock_ns();

	note(t, what);
	loop_flush(t->l, &t->flush, flush_handler, t);
	loop_flush(t->l, &t->flush, flush_handler, t);
	while (clock_ns() < start + MSEC)
		;
}

static void long_first(void *arg)
{
	long_work(arg, 1);
}

static void long_second(void *arg)
{
	long_work(arg, 2);
}

static void start_long(void *arg)
{
	struct turns *t = arg;

	loop_defer(t->l, &t->d[0], long_first, t);
	loop_defer(t->l, &t->d[1], long_second, t);
	loop_defer(t->l, &t->d[2], third, t);
}

static void start_flush(void *arg)
{
	struct turns *t = arg;

	loop_flush(t->l, &t->flush, flush_handler, t);
	loop_flush(t->l, &t->gone, flush_handler, t);
	loop_defer_cancel(t->l, &t->gone);
	loop_flush(t->l, &t->d[1], second, t);
	loop_defer(t->l, &t->d[2], third, t);
}

static void again_handler(void *arg)
{
	struct turns *t = arg;

	note(t, FLUSH);
	if (t->n < 3)
		loop_flush(t->l, &t->flush, again_handler, t);
}

/* Before and behind all others: the next turn's. */
static void start_again(void *arg)
{
	struct turns *t = arg;

	loop_flush(t->l, &t->flush, again_handler, t);
	loop_flush(t->l, &t->d[1], second, t);
}

/* Of itself: nothing else wakes the loop. */
static void wait_notes(const struct turns *t, int n)
{
	for (int i = 0; i < 20000 && t->n < n; i++)
		(void)usleep(1000);
	CU_ASSERT(t->n >= n);
	for (int i = 0; i < 2; i++)
		fake_call(t->l, nothing, NULL);
}

static void flushed(void (*start)(void *arg), const int *want, int n)
{
	struct turns t = { .n = 0 };

	CU_ASSERT_EQUAL_FATAL(loop_alloc(&t.l, "t"), 0);
	fake_call(t.l, start, &t);
	wait_notes(&t, n);
	mem_deref(t.l);
	CU_ASSERT_EQUAL(t.n, n);
	CU_ASSERT_EQUAL(memcmp(t.order, want, (size_t)n * sizeof *want), 0);
}

static void test_flush(void)
{
	static const int order[] = { 3, FLUSH, 2 };
	static const int cut[] = { 1, FLUSH, 2, FLUSH, 3 };
	static const int again[] = { FLUSH, 2, FLUSH };

	flushed(start_flush, order, 3);
	flushed(start_long, cut, 5);
	flushed(start_again, again, 3);
}

struct burst {
	struct turns t;
	bool once;              /* who is told once of each change */
	struct loop_fd lf[3];
	int fd[3];
};

static void burst_handler(uint32_t events, void *arg)
{
	struct burst *b = arg;
	(void)events;

	long_work(&b->t, 1);
	/* whichever comes first ends all: none is left for a later turn */
	for (int i = 0; i < 3 && !b->once; i++)
		loop_unwatch(&b->lf[i]);
}

static void start_burst(void *arg)
{
	struct burst *b = arg;

	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(loop_watch(b->t.l, &b->lf[i], b->fd[i],
					   EPOLLIN | (b->once ? EPOLLET : 0),
					   burst_handler, b), 0);
}

static void burst(bool once, const int *want, int n)
{
	struct burst b = { .once = once };

	CU_ASSERT_EQUAL_FATAL(loop_alloc(&b.t.l, "t"), 0);
	for (int i = 0; i < 3; i++)
		b.fd[i] = eventfd(1, EFD_NONBLOCK);
	fake_call(b.t.l, start_burst, &b);
	wait_notes(&b.t, n);
	mem_deref(b.t.l);
	CU_ASSERT_EQUAL(b.t.n, n);
	CU_ASSERT_EQUAL(memcmp(b.t.order, want, (size_t)n * sizeof *want), 0);
	for (int i = 0; i < 3; i++)
		close(b.fd[i]);
}

static void test_cut(void)
{
	static const int first_only[] = { 1, FLUSH };
	static const int each[] = { 1, FLUSH, 1, FLUSH, 1, FLUSH };

	burst(false, first_only, 2);
	burst(true, each, 6);
}

struct pair {
	struct loop *l;
	struct loop_fd lf[2];
	int fd[2];
	atomic_int calls;
};

/* the first one called unwatches both: the other must not be called */
static void unwatch_handler(uint32_t events, void *arg)
{
	struct pair *p = arg;

	CU_ASSERT(events & EPOLLIN);
	atomic_fetch_add(&p->calls, 1);
	loop_unwatch(&p->lf[0]);
	loop_unwatch(&p->lf[1]);
}

static void watch_both(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(loop_watch(p->l, &p->lf[i], p->fd[i], EPOLLIN,
					   unwatch_handler, p), 0);
		CU_ASSERT_EQUAL(loop_rewatch(&p->lf[i], 0), 0);
		CU_ASSERT_EQUAL(loop_rewatch(&p->lf[i], EPOLLIN), 0);
	}
}

static void test_unwatch(void)
{
	struct pair p = { .l = NULL };

	atomic_init(&p.calls, 0);
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&p.l, "t"), 0);
	for (int i = 0; i < 2; i++)
		p.fd[i] = eventfd(1, EFD_NONBLOCK);
	fake_call(p.l, watch_both, &p);
	for (int i = 0; i < 3; i++)
		fake_call(p.l, nothing, NULL);
	mem_deref(p.l);
	CU_ASSERT_EQUAL(atomic_load(&p.calls), 1);
	CU_ASSERT_PTR_NULL(p.lf[0].loop);
	for (int i = 0; i < 2; i++)
		close(p.fd[i]);
}

static void test_arguments(void)
{
	struct loop_fd lf = { .loop = NULL };

	CU_ASSERT_EQUAL(loop_alloc(NULL, "t"), EINVAL);
	CU_ASSERT_EQUAL(loop_post(NULL, nothing, NULL), EINVAL);
	CU_ASSERT_EQUAL(loop_watch(NULL, &lf, 0, EPOLLIN, NULL, NULL),
			EINVAL);
	CU_ASSERT_EQUAL(loop_rewatch(&lf, EPOLLIN), EINVAL);
	loop_unwatch(&lf);
	loop_unwatch(NULL);
}

UNIT_SUITE("loop",
	{ "posts run before the join", test_posts },
	{ "a timer in microseconds", test_timer },
	{ "deferred work", test_defer },
	{ "flushes come last, and in time", test_flush },
	{ "unwatch inside a handler", test_unwatch },
	{ "who waits for the next turn", test_cut },
	{ "arguments", test_arguments })
