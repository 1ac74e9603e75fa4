/*
 * filetail.c: those of this process, by folder.
 *
 *   filequeue freed -> begin ... last batch freed -> end
 *                        +-- the next receive: wait --+--> listens
 *
 * Those that begin later are not waited for: whoever calls and hangs up over
 * and over keeps nobody out. Another process, or a receive that goes on, is
 * kept apart by the lock on the unfinished file alone (filestore.c).
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "tunnels/errand.h"
#include "tunnels/file/filetail.h"

static struct {
	pthread_mutex_t lock;           /* of all here, and of each stop */
	pthread_cond_t cond;            /* one is over, or stop */
	struct list tails;
	uint64_t number;                /* of the next */
} all = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
	  LIST_INIT, 0 };

struct wait {
	struct filetail last;           /* the folder; the first not ours */
	bool stop;
	filetail_h *h;
};

static void identify(struct filetail *t, int root)
{
	struct stat st = { .st_ino = 0 };

	(void)fstat(root, &st);
	t->dev = st.st_dev;
	t->ino = st.st_ino;
}

void filetail_begin(struct filetail *t, int root)
{
	identify(t, root);
	(void)pthread_mutex_lock(&all.lock);
	t->number = all.number++;
	list_append(&all.tails, &t->le, t);
	(void)pthread_mutex_unlock(&all.lock);
}

void filetail_end(struct filetail *t)
{
	(void)pthread_mutex_lock(&all.lock);
	list_unlink(&t->le);
	(void)pthread_cond_broadcast(&all.cond);
	(void)pthread_mutex_unlock(&all.lock);
}

/* Locked: one that the wait is for? */
static bool any(const struct filetail *last)
{
	const struct le *le;

	for (le = list_head(&all.tails); le; le = le->next) {
		const struct filetail *t = le->data;

		if (t->number < last->number && t->ino == last->ino &&
		    t->dev == last->dev)
			return true;
	}
	return false;
}

static void work_handler(void *data)
{
	const struct wait *w = data;

	(void)pthread_mutex_lock(&all.lock);
	while (!w->stop && any(&w->last))
		(void)pthread_cond_wait(&all.cond, &all.lock);
	(void)pthread_mutex_unlock(&all.lock);
}

/* A thread for each call while a disk is slow would be a way to wear us out. */
static void stop_handler(void *data)
{
	struct wait *w = data;

	(void)pthread_mutex_lock(&all.lock);
	w->stop = true;
	(void)pthread_cond_broadcast(&all.cond);
	(void)pthread_mutex_unlock(&all.lock);
}

static void done_handler(void *data, void *arg)
{
	const struct wait *w = data;

	w->h(arg);
}

int filetail_wait(struct errand **ep, struct loop *l, int root,
		  filetail_h *h, void *arg)
{
	static const struct errand_handlers handlers = {
		work_handler, done_handler, free, stop_handler
	};
	struct wait wait = { .h = h }, *w;
	bool one;

	identify(&wait.last, root);
	(void)pthread_mutex_lock(&all.lock);
	wait.last.number = all.number;
	one = any(&wait.last);
	(void)pthread_mutex_unlock(&all.lock);
	if (!one)
		return 0;
	w = malloc(sizeof *w);
	if (!w)
		return ENOMEM;
	*w = wait;
	return errand_start(ep, l, &handlers, w, arg);
}
