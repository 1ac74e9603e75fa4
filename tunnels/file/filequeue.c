/*
 * filequeue.c: complete entries on their way to disk.
 *
 *   add -> fill -- enough of them, or a while has passed --> running
 *                                                     thread: filebatch_run
 */
#include <errno.h>
#include "tunnels/errand.h"
#include "tunnels/file/filequeue.h"

enum {
	BATCH_COUNT = 2048,             /* entries that start a batch */
	BATCH_OPEN = 32,                /* of them large */
	BATCH_BYTES = 16 << 20,         /* of memory */
};
#define BATCH_WAIT (500 * MSEC)         /* and none waits longer */

struct filequeue {
	struct loop *loop;
	struct filestage *stage;
	bool fresh;                     /* the first batch syncs it */
	enum filestore_taken taken;
	struct filebatch *fill;
	bool running;
	bool due;                       /* fill waits for no more */
	struct errand *errand;
	struct timer tmr;
	struct filequeue_handlers h;
	void *arg;
};

static void run_handler(void *data)
{
	filebatch_run(data);
}

static void free_handler(void *data)
{
	mem_deref(data);
}

static void filequeue_destructor(void *arg)
{
	static const struct errand_handlers alone = {
		run_handler, NULL, free_handler, NULL
	};
	struct filequeue *q = arg;

	timer_stop(&q->tmr);
	mem_deref(q->errand);           /* its batch goes on by itself */
	if (q->fill && q->fill->count)
		(void)errand_start(NULL, NULL, &alone, q->fill, NULL);
	else
		mem_deref(q->fill);
	filestage_unref(q->stage);
}

int filequeue_alloc(struct filequeue **qp, struct loop *l, int root,
		    bool fresh, enum filestore_taken taken,
		    const struct filequeue_handlers *h, void *arg)
{
	struct filequeue *q = mem_zalloc(sizeof *q, filequeue_destructor);
	int err;

	if (!q)
		return ENOMEM;
	q->loop = l;
	q->fresh = fresh;
	q->taken = taken;
	q->h = *h;
	q->arg = arg;
	err = filestage_alloc(&q->stage, root);
	if (err) {
		mem_deref(q);
		return err;
	}
	*qp = q;
	return 0;
}

static bool enough(const struct filebatch *b)
{
	return b->count >= BATCH_COUNT || b->open >= BATCH_OPEN ||
	       b->bytes >= BATCH_BYTES;
}

static void report(struct filequeue *q, struct filebatch *b)
{
	struct le *le;

	for (le = list_head(&b->opl); le; le = le->next)
		q->h.oph(le->data, q->arg);
	q->h.batchh(b->err, q->arg);
}

/* A batch has come back (or NULL); the next one may go. */
static void turn(void *data, void *arg)
{
	static const struct errand_handlers handlers = {
		run_handler, turn, free_handler, NULL
	};
	struct filequeue *q = arg;
	struct filebatch *b = q->fill;

	if (data) {
		q->running = false;
		q->errand = mem_deref(q->errand);
	}
	if (b && !q->running && (q->due || enough(b))) {
		timer_stop(&q->tmr);
		q->fill = NULL;
		q->due = false;
		q->running = !errand_start(&q->errand, q->loop, &handlers,
					   b, q);
		if (!q->running)
			q->h.batchh(ENOMEM, q->arg);
	}
	if (data)
		report(q, data);
}

static void due_handler(void *arg)
{
	struct filequeue *q = arg;

	q->due = true;
	turn(NULL, q);
}

int filequeue_add(struct filequeue *q, struct fileop *op)
{
	int err = 0;

	if (!q->fill) {
		err = filebatch_alloc(&q->fill, q->stage, q->taken);
		if (err) {
			mem_deref(op);
			return err;
		}
		q->fill->fresh = q->fresh;
		q->fresh = false;
		err = timer_start(loop_timers(q->loop), &q->tmr, BATCH_WAIT,
				  due_handler, q);
	}
	filebatch_add(q->fill, op);
	turn(NULL, q);
	return err;
}

void filequeue_flush(struct filequeue *q)
{
	due_handler(q);
}

bool filequeue_empty(const struct filequeue *q)
{
	return !q->fill && !q->running;
}

bool filequeue_full(const struct filequeue *q)
{
	return q->running && q->fill && enough(q->fill);
}
