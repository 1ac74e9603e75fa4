/*
 * loop.c: a worker thread: epoll, a timer heap, a mailbox.
 *
 *   sleep -> descriptors, mailbox -> timers -> deferred -> flushes -> sleep
 *              \--- when it takes long: flushes first, then the rest ---/
 *
 * libre's own loop sleeps in milliseconds and looks at the wall clock; a
 * paced sender needs microseconds. Owned by the worker, or by a test.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <re.h>
#include "tunnels/flow/loop.h"

enum {
	EVENTS_MAX = 64,        /* descriptors per turn */
	SLACK = 1000,           /* ns the kernel may let a timer be late */
};

/* After so long, what the turn has to say is said, and the rest of its events
 * come in the next: a hundred connections that are made in a row must not be
 * told to the peer only when the last of them stands, while he has nothing to
 * do. */
#define TURN_TIME 100000ULL             /* ns */

struct loop {
	int epfd;
	struct mailbox *mailbox;
	struct loop_fd mail;            /* the mailbox's descriptor */
	struct timers *timers;
	uint64_t now;
	struct loop_defer *deferl;      /* asked for, oldest first */
	struct loop_defer **defer_tail;
	struct loop_defer *runl;        /* of them, this turn's */
	struct loop_defer *flushl;      /* at its end */
	struct loop_defer **flush_tail;
	struct loop_defer *flushing;    /* of them, this turn's */
	struct epoll_event ev[EVENTS_MAX];
	int ev_pos, ev_n;               /* of them, next to be handled */
	bool no_pwait2;                 /* a kernel before 5.11 */
	bool stop;
	bool started;
	pthread_t thread;
	char name[16];
};

static void stop_handler(void *data)
{
	struct loop *l = data;

	l->stop = true;
}

static void loop_destructor(void *arg)
{
	struct loop *l = arg;

	if (l->started) {
		while (mailbox_post(l->mailbox, stop_handler, l))
			(void)usleep(1000);     /* memory comes back */
		(void)pthread_join(l->thread, NULL);
	}
	mem_deref(l->timers);
	mem_deref(l->mailbox);
	if (l->epfd >= 0)
		(void)close(l->epfd);
}

/* How long to sleep: not at all if something was deferred to this turn. */
static void until(const struct loop *l, struct timespec *ts, bool *forever)
{
	const uint64_t next = timers_next(l->timers);
	uint64_t now, delay;

	*forever = false;
	ts->tv_sec = 0;
	ts->tv_nsec = 0;
	if (l->deferl || l->runl || l->flushl || l->stop)
		return;
	if (next == UINT64_MAX) {
		*forever = true;
		return;
	}
	now = clock_ns();
	delay = next > now ? next - now : 0;
	ts->tv_sec = (time_t)(delay / SEC);
	ts->tv_nsec = (long)(delay % SEC);
}

static int wait_ms(struct loop *l, const struct timespec *ts, bool forever)
{
	int ms = -1;

	if (!forever && ts->tv_sec > 3600)
		ms = 3600 * 1000;
	else if (!forever)
		ms = (int)(ts->tv_sec * 1000 +
			   (ts->tv_nsec + 999999) / 1000000);
	return epoll_wait(l->epfd, l->ev, EVENTS_MAX, ms);
}

static void wait_events(struct loop *l)
{
	struct timespec ts;
	bool forever;
	int n = -1;

	until(l, &ts, &forever);
	if (!l->no_pwait2) {
		n = epoll_pwait2(l->epfd, l->ev, EVENTS_MAX,
				 forever ? NULL : &ts, NULL);
		/* EPERM: a sandbox written before the call was */
		if (n < 0 && (errno == ENOSYS || errno == EPERM))
			l->no_pwait2 = true;
	}
	if (l->no_pwait2)
		n = wait_ms(l, &ts, forever);
	l->ev_pos = 0;
	l->ev_n = n > 0 ? n : 0;
}

static bool late(const struct loop *l)
{
	return l->flushl && clock_ns() >= l->now + TURN_TIME;
}

static void run_events(struct loop *l)
{
	while (l->ev_pos < l->ev_n && !late(l)) {
		const struct epoll_event *ev = &l->ev[l->ev_pos++];
		struct loop_fd *lf = ev->data.ptr;

		if (lf)
			lf->h(ev->events, lf->arg);
	}
}

static void run_first(struct loop_defer **list)
{
	struct loop_defer *d = *list;

	*list = d->next;
	d->next = NULL;
	d->queued = 0;
	d->h(d->arg);
}

/* Only what was asked for by now: who asks again is served next turn. */
static void run_deferred(struct loop *l)
{
	if (!l->runl) {
		l->runl = l->deferl;
		l->deferl = NULL;
		l->defer_tail = &l->deferl;
	}
	while (l->runl) {
		run_first(&l->runl);
		if (late(l))
			break;
	}
}

static void run_flushes(struct loop *l)
{
	l->flushing = l->flushl;
	l->flushl = NULL;
	l->flush_tail = &l->flushl;
	while (l->flushing)
		run_first(&l->flushing);
}

static void *loop_main(void *arg)
{
	struct loop *l = arg;

	(void)prctl(PR_SET_NAME, l->name);
	(void)prctl(PR_SET_TIMERSLACK, SLACK);
	while (!l->stop) {
		if (l->ev_pos == l->ev_n)
			wait_events(l);
		l->now = clock_ns();
		run_events(l);
		timers_run(l->timers, l->now);
		run_deferred(l);
		run_flushes(l);
	}
	/* what the last posts have posted themselves */
	mailbox_run(l->mailbox);
	return NULL;
}

static void mail_handler(uint32_t events, void *arg)
{
	struct loop *l = arg;
	(void)events;

	mailbox_run(l->mailbox);
}

int loop_alloc(struct loop **lp, const char *name)
{
	struct loop *l;
	int err;

	if (!lp)
		return EINVAL;
	l = mem_zalloc(sizeof *l, loop_destructor);
	if (!l)
		return ENOMEM;
	l->defer_tail = &l->deferl;
	l->flush_tail = &l->flushl;
	l->now = clock_ns();
	str_ncpy(l->name, name ? name : "loop", sizeof l->name);
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	err = l->epfd < 0 ? errno : 0;
	if (!err)
		err = mailbox_alloc(&l->mailbox);
	if (!err)
		err = timers_alloc(&l->timers);
	if (!err)
		err = loop_watch(l, &l->mail, mailbox_fd(l->mailbox), EPOLLIN,
				 mail_handler, l);
	if (!err)
		err = pthread_create(&l->thread, NULL, loop_main, l);
	if (err) {
		mem_deref(l);
		return err;
	}
	l->started = true;
	*lp = l;
	return 0;
}

int loop_post(struct loop *l, mail_h *h, void *data)
{
	return l ? mailbox_post(l->mailbox, h, data) : EINVAL;
}

int loop_watch(struct loop *l, struct loop_fd *lf, int fd, uint32_t events,
	       loop_fd_h *h, void *arg)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = lf } };

	if (!l || !lf || !h || fd < 0)
		return EINVAL;
	loop_unwatch(lf);
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev))
		return errno;
	lf->loop = l;
	lf->fd = fd;
	lf->events = events;
	lf->h = h;
	lf->arg = arg;
	return 0;
}

int loop_rewatch(struct loop_fd *lf, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = lf } };

	if (!lf || !lf->loop)
		return EINVAL;
	if (lf->events == events)
		return 0;
	if (epoll_ctl(lf->loop->epfd, EPOLL_CTL_MOD, lf->fd, &ev))
		return errno;
	lf->events = events;
	return 0;
}

void loop_unwatch(struct loop_fd *lf)
{
	struct loop *l;

	if (!lf || !lf->loop)
		return;
	l = lf->loop;
	(void)epoll_ctl(l->epfd, EPOLL_CTL_DEL, lf->fd, NULL);
	/* its event may be waiting later in this turn */
	for (int i = l->ev_pos; i < l->ev_n; i++)
		if (l->ev[i].data.ptr == lf)
			l->ev[i].data.ptr = NULL;
	lf->loop = NULL;
}

struct timers *loop_timers(struct loop *l)
{
	return l ? l->timers : NULL;
}

uint64_t loop_now(const struct loop *l)
{
	return l ? l->now : 0;
}

static void queue(struct loop_defer ***tail, struct loop_defer *d,
		  void (*h)(void *arg), void *arg)
{
	if (d->queued)
		return;
	d->queued = 1;
	d->next = NULL;
	d->h = h;
	d->arg = arg;
	**tail = d;
	*tail = &d->next;
}

void loop_defer(struct loop *l, struct loop_defer *d, void (*h)(void *arg),
		void *arg)
{
	if (l && d)
		queue(&l->defer_tail, d, h, arg);
}

void loop_flush(struct loop *l, struct loop_defer *d, void (*h)(void *arg),
		void *arg)
{
	if (l && d)
		queue(&l->flush_tail, d, h, arg);
}

static bool unlink_defer(struct loop_defer **pp, const struct loop_defer *d)
{
	while (*pp && *pp != d)
		pp = &(*pp)->next;
	if (!*pp)
		return false;
	*pp = d->next;
	return true;
}

static bool unqueue(struct loop_defer **list, struct loop_defer ***tail,
		    const struct loop_defer *d)
{
	if (!unlink_defer(list, d))
		return false;
	*tail = list;
	while (**tail)
		*tail = &(**tail)->next;
	return true;
}

void loop_defer_cancel(struct loop *l, struct loop_defer *d)
{
	if (!l || !d || !d->queued)
		return;
	(void)(unlink_defer(&l->runl, d) || unlink_defer(&l->flushing, d) ||
	       unqueue(&l->deferl, &l->defer_tail, d) ||
	       unqueue(&l->flushl, &l->flush_tail, d));
	d->next = NULL;
	d->queued = 0;
}
