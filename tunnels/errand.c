/*
 * errand.c: one blocking job on a thread of its own.
 *
 * The job is shared by the thread and the errand that waits for it. Whoever
 * waits may go first, and the loop after it: so the door home is behind a
 * lock, and closed when the errand is freed.
 *
 *   errand_start -> thread: workh -> (door open?) loop: doneh -> freeh
 *                                    (closed)                    freeh
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <re.h>
#include "tunnels/errand.h"
#include "tunnels/flow/loop.h"

enum {
	ERRAND_STACK = 256 * 1024,      /* getaddrinfo needs some */
	MEMORY_TIME  = 10000,           /* us */
};

struct job {
	pthread_mutex_t lock;           /* of loop and errand */
	struct loop *loop;              /* NULL: the door is closed */
	struct errand *errand;
	struct errand_handlers h;
	void *data, *arg;
};

struct errand {
	struct job *job;
};

static void job_free(struct job *j)
{
	if (j->h.freeh)
		j->h.freeh(j->data);
	(void)pthread_mutex_destroy(&j->lock);
	free(j);
}

static void errand_destructor(void *arg)
{
	struct errand *e = arg;

	if (!e->job)
		return;
	(void)pthread_mutex_lock(&e->job->lock);
	/* the thread frees the job only after it has seen that */
	e->job->loop = NULL;
	e->job->errand = NULL;
	if (e->job->h.stoph)
		e->job->h.stoph(e->job->data);
	(void)pthread_mutex_unlock(&e->job->lock);
}

/* On the loop: the job is ours alone again. */
static void home_handler(void *data)
{
	struct job *j = data;

	/* the thread may still be inside its unlock */
	(void)pthread_mutex_lock(&j->lock);
	(void)pthread_mutex_unlock(&j->lock);
	if (j->errand) {
		j->errand->job = NULL;
		if (j->h.doneh)
			j->h.doneh(j->data, j->arg);
	}
	job_free(j);
}

static void *job_main(void *arg)
{
	struct job *j = arg;
	int err;

	j->h.workh(j->data);
	/* who waits must hear of it: without memory, as soon as there is some */
	do {
		(void)pthread_mutex_lock(&j->lock);
		err = j->loop ? loop_post(j->loop, home_handler, j) : ENOENT;
		(void)pthread_mutex_unlock(&j->lock);
	} while (err == ENOMEM && !usleep(MEMORY_TIME));
	if (err)
		job_free(j);
	return NULL;
}

/* The thread must not take the program's signals. */
static int thread_start(struct job *j)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t tid;
	int err;

	(void)sigfillset(&all);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, ERRAND_STACK);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&tid, &attr, job_main, j);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return err;
}

int errand_start(struct errand **ep, struct loop *l,
		 const struct errand_handlers *h, void *data, void *arg)
{
	struct errand *e = NULL;
	struct job *j;
	int err = ENOMEM;

	j = calloc(1, sizeof *j);
	if (!j) {
		if (h->freeh)
			h->freeh(data);
		return ENOMEM;
	}
	(void)pthread_mutex_init(&j->lock, NULL);
	j->h = *h;
	j->data = data;
	j->arg = arg;
	if (ep) {
		e = mem_zalloc(sizeof *e, errand_destructor);
		if (!e)
			goto out;
		e->job = j;
		j->errand = e;
		j->loop = l;
	}
	err = thread_start(j);
	if (err) {
		if (e)
			e->job = NULL;
		goto out;
	}
	if (ep)
		*ep = e;
	return 0;
out:
	mem_deref(e);
	job_free(j);
	return err;
}
