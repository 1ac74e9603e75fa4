/*
 * bundleitem.c: a tunnel belongs to the control thread before its start, to
 * the worker afterwards. Its reports travel by the control mailbox; the item
 * goes back the same way as the last of them, so none can come too late.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sipd/bundleitem.h"
#include "tunnels/flow/loop.h"

/* One report on its way to the control thread. */
struct report {
	struct item *item;
	bool done;
	int err;
	struct tunnel_progress p;
	char name[256], text[512];
};

struct count {
	struct item *item;
	char text[200];
};

static void item_destructor(void *arg)
{
	struct item *it = arg;

	list_unlink(&it->le);
	mem_deref(it->tunnel);
	mem_deref(it->said.param);
	mem_deref(it->remote.param);
}

static void item_free(void *data)
{
	mem_deref(data);
}

/* On the worker: the tunnel ends here, the rest on the control thread. */
static void item_stop(void *data)
{
	struct item *it = data;

	it->tunnel = mem_deref(it->tunnel);
	if (mailbox_post(it->control, item_free, it))
		mem_deref(it);
}

void item_drop(struct item *it)
{
	it->h = NULL;
	list_unlink(&it->le);
	if (it->state != ITEM_STARTED ||
	    loop_post(it->way.loop, item_stop, it))
		mem_deref(it);
}

int item_alloc(struct item **ip, struct list *l, struct mailbox *control,
	       const struct bundle_handlers *h, void *arg)
{
	struct item *it = mem_zalloc(sizeof *it, item_destructor);

	if (!it)
		return ENOMEM;
	it->control = control;
	it->h = h;
	it->arg = arg;
	list_append(l, &it->le, it);
	*ip = it;
	return 0;
}

/* Control thread: what a tunnel said, unless it is gone by now. */
static void report_handler(void *data)
{
	struct report *r = data;
	struct item *it = r->item;

	if (it->h && r->done) {
		it->done = !r->err;
		it->h->doneh(it->group, r->err, r->text, it->arg);
	}
	else if (it->h) {
		it->h->progressh(it->group, it->serial, &r->p, it->arg);
	}
	free(r);
}

static void report_post(struct report *r)
{
	if (mailbox_post(r->item->control, report_handler, r))
		free(r);
}

static void progress_handler(const struct tunnel_progress *p, void *arg)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return;
	r->item = arg;
	r->p = *p;
	if (p->name) {
		(void)str_ncpy(r->name, p->name, sizeof r->name);
		r->p.name = r->name;
	}
	if (p->note) {
		(void)str_ncpy(r->text, p->note, sizeof r->text);
		r->p.note = r->text;
	}
	report_post(r);
}

static void done_handler(int err, const char *why, void *arg)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return;
	r->item = arg;
	r->done = true;
	r->err = err;
	(void)str_ncpy(r->text, why ? why : "", sizeof r->text);
	report_post(r);
}

/* On the worker. */
static void start_handler(void *data)
{
	struct item *it = data;
	const struct tunnel_events ev = {
		progress_handler, done_handler, it
	};
	int err = it->kind->start(it->tunnel, &it->remote, &it->way, &ev);

	if (err)
		done_handler(err, "", it);
}

int item_start(struct item *it, const struct tunnel_way *way)
{
	const unsigned number = it->way.number;
	int err;

	it->way = *way;
	it->way.number = number;
	it->way.local_fp = memcpy(it->local_fp, way->local_fp,
				  DESC_FP_SIZE);
	it->way.remote_fp = memcpy(it->remote_fp, way->remote_fp,
				   DESC_FP_SIZE);
	err = loop_post(way->loop, start_handler, it);
	if (!err)
		it->state = ITEM_STARTED;
	return err;
}

static void count_done(void *data)
{
	struct count *c = data;

	(void)str_ncpy(c->item->counters, c->text, sizeof c->text);
	free(c);
}

/* On the worker. */
static void count_handler(void *data)
{
	struct count *c = data;
	const struct item *it = c->item;

	if (it->tunnel)
		(void)re_snprintf(c->text, sizeof c->text, "%s: %H",
				  it->kind->name, it->kind->status,
				  it->tunnel);
	if (mailbox_post(it->control, count_done, c))
		free(c);
}

void item_count(struct item *it)
{
	struct count *c;

	if (it->state != ITEM_STARTED || !it->kind->status)
		return;
	c = calloc(1, sizeof *c);
	if (!c)
		return;
	c->item = it;
	if (loop_post(it->way.loop, count_handler, c))
		free(c);
}
