/*
 * report.c: a list of facts under a mutex, and one mail that empties it.
 *
 *   worker: report_tell --> list --mail--> control: run --> h(arg)
 *
 * The mail may outlive us in the mailbox, so the list is an object of its
 * own: if it is dropped while the mail is under way, the mail frees it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "tunnels/flow/report.h"

enum { RUN_MAX = 64 };          /* of one mail, then others have a turn */

struct told {
	pthread_mutex_t lock;
	struct list l;
	struct mailbox *control;
	bool posted;            /* the mail is under way */
	bool dropped;           /* its owner is gone */
};

struct reports {
	struct told *told;
};

static void told_free(struct told *t)
{
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static void reports_destructor(void *arg)
{
	struct reports *r = arg;
	struct told *t = r->told;
	bool posted;

	if (!t)
		return;
	(void)pthread_mutex_lock(&t->lock);
	list_clear(&t->l);
	t->dropped = true;
	posted = t->posted;
	(void)pthread_mutex_unlock(&t->lock);
	if (!posted)
		told_free(t);
}

int reports_alloc(struct reports **rp, struct mailbox *control)
{
	struct reports *r = mem_zalloc(sizeof *r, reports_destructor);

	if (!r)
		return ENOMEM;
	r->told = calloc(1, sizeof *r->told);
	if (!r->told) {
		mem_deref(r);
		return ENOMEM;
	}
	(void)pthread_mutex_init(&r->told->lock, NULL);
	list_init(&r->told->l);
	r->told->control = control;
	*rp = r;
	return 0;
}

/* Take one: copied, for once it is off the list it may be told again. false:
 * there was none, and no mail is under way any more. */
static bool next(struct told *t, struct report *rep)
{
	struct le *le;

	(void)pthread_mutex_lock(&t->lock);
	le = list_head(&t->l);
	if (le) {
		*rep = *(struct report *)le->data;
		list_unlink(le);
	}
	else if (!t->dropped)
		t->posted = false;
	(void)pthread_mutex_unlock(&t->lock);
	return le != NULL;
}

static void post(struct told *t, mail_h *h)
{
	while (mailbox_post(t->control, h, t))
		(void)usleep(1000);     /* memory comes back */
}

/* On the control thread. A handler may drop the owner: then the list is
 * empty, and freeing it falls to us, for `posted` still stands. */
static void run(void *data)
{
	struct told *t = data;
	struct report rep;
	unsigned n = 0;

	while (n < RUN_MAX && next(t, &rep)) {
		rep.h(rep.arg);
		++n;
	}
	if (t->dropped)
		told_free(t);
	else if (n == RUN_MAX)
		post(t, run);
}

void report_tell(struct reports *r, struct report *rep, void (*h)(void *arg),
		 void *arg)
{
	struct told *t = r->told;
	bool first = false;

	(void)pthread_mutex_lock(&t->lock);
	if (!rep->le.list && !rep->cancelled) {
		rep->h = h;
		rep->arg = arg;
		list_append(&t->l, &rep->le, rep);
		first = !t->posted;
		t->posted = true;
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (first)
		post(t, run);
}

void report_cancel(struct reports *r, struct report *rep)
{
	(void)pthread_mutex_lock(&r->told->lock);
	list_unlink(&rep->le);
	rep->cancelled = true;
	(void)pthread_mutex_unlock(&r->told->lock);
}
