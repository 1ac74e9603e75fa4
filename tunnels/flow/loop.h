/*
 * loop.h: a worker thread: epoll, a timer heap, a mailbox.
 *
 * All but loop_alloc, loop_post and mem_deref is called on that thread only.
 */
#ifndef DIALTONE_LOOP_H
#define DIALTONE_LOOP_H

#include "sdp/base/clock.h"
#include "sdp/base/mailbox.h"

struct loop;

typedef void (loop_fd_h)(uint32_t events, void *arg);

/* Embed one per descriptor; all zero is "not watched". */
struct loop_fd {
	struct loop *loop;
	int fd;
	uint32_t events;        /* EPOLLIN | EPOLLOUT... as asked for */
	loop_fd_h *h;
	void *arg;
};

/* Start the thread. mem_deref from the creating thread runs what was posted,
 * then stops and joins it. */
int loop_alloc(struct loop **lp, const char *name);

/* Run h(data) on the loop's thread; from any thread; see mailbox_post. */
int loop_post(struct loop *l, mail_h *h, void *data);

/* Watch a descriptor (level-triggered). The fd stays the caller's; stop
 * watching before closing it. Safe inside any handler. */
int loop_watch(struct loop *l, struct loop_fd *lf, int fd, uint32_t events,
	       loop_fd_h *h, void *arg);
int loop_rewatch(struct loop_fd *lf, uint32_t events);
void loop_unwatch(struct loop_fd *lf);

/* The loop's timers; loop_now is clock_ns() as of this wake-up. */
struct timers *loop_timers(struct loop *l);
uint64_t loop_now(const struct loop *l);

/* Call h once per turn, after its events. Asked for anew each turn; a second
 * ask in one turn is the same. */
struct loop_defer {
	struct loop_defer *next;
	int queued;
	void (*h)(void *arg);
	void *arg;
};
void loop_defer(struct loop *l, struct loop_defer *d, void (*h)(void *arg),
		void *arg);

/* The same behind all that was deferred, before sleeping: the place to flush
 * batches. A turn that takes long is cut short for it. */
void loop_flush(struct loop *l, struct loop_defer *d, void (*h)(void *arg),
		void *arg);
/* Either. */
void loop_defer_cancel(struct loop *l, struct loop_defer *d);

#endif
