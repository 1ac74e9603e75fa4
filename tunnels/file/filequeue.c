/*
 * filequeue.c: complete entries on their way to disk.
 *
 *   add -> fill -- enough of them, or a while has passed --> running, RUN_MAX
 *                                             a thread each: filebatch_run
 *
 * The first batches are smaller: the disk shall not wait for the network.
 */
#include <errno.h>
#include "tunnels/errand.h"
#include "tunnels/file/filequeue.h"

enum {
	RUN_MAX = 3,                    /* one gets its names, two are written */
	BATCH_FIRST = 256,              /* entries that start the first batch, */
	BATCH_COUNT = 1024,             /* and, after some, each */
	BATCH_OPEN = 32,                /* of them large */
	BATCH_BYTES = 8 << 20,          /* of memory */
};
#define BATCH_WAIT (500 * MSEC)         /* and none waits longer */

/* They end in order, but may come back in another: each thread by itself. */
struct run {
	const struct filebatch *batch;  /* NULL: none */
	struct errand *errand;
};

struct filequeue {
	struct loop *loop;
	struct filestage *stage;
	bool fresh;                     /* the first batch syncs it */
	enum filestore_taken taken;
	struct filebatch *fill;
	size_t count;                   /* entries that start it */
	unsigned running;
	bool due;                       /* fill waits for no more */
	struct run runv[RUN_MAX];
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
	for (int i = 0; i < RUN_MAX; i++)
		mem_deref(q->runv[i].errand);   /* its batch goes on alone */
	if (q->fill && q->fill->count)
		(void)errand_start(NULL, NULL, &alone, q->fill, NULL);
	else
		mem_deref(q->fill);
	if (q->stage)
		filestage_leave(q->stage);
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
	q->count = BATCH_FIRST;
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

static bool enough(const struct filequeue *q)
{
	const struct filebatch *b = q->fill;

	return b->count >= q->count || b->open >= BATCH_OPEN ||
	       b->bytes >= BATCH_BYTES;
}

static void report(struct filequeue *q, struct filebatch *b)
{
	struct le *le;

	for (le = list_head(&b->opl); le; le = le->next)
		q->h.oph(le->data, q->arg);
	q->h.batchh(b->err, q->arg);
}

/* That of this batch, or a free one (NULL). */
static struct run *find_run(struct filequeue *q, const struct filebatch *b)
{
	for (int i = 0; i < RUN_MAX; i++)
		if (q->runv[i].batch == b)
			return &q->runv[i];
	return NULL;
}

/* A batch has come back (or NULL); the next one may go. */
static void turn(void *data, void *arg)
{
	static const struct errand_handlers handlers = {
		run_handler, turn, free_handler, NULL
	};
	struct filequeue *q = arg;
	struct filebatch *back = data, *b = q->fill;
	struct run *run;

	if (back) {
		run = find_run(q, back);
		run->errand = mem_deref(run->errand);
		run->batch = NULL;
		q->running--;
	}
	run = find_run(q, NULL);
	if (b && run && (q->due || enough(q))) {
		timer_stop(&q->tmr);
		q->fill = NULL;
		q->due = false;
		if (q->count < BATCH_COUNT)
			q->count *= 2;
		if (errand_start(&run->errand, q->loop, &handlers, b, q)) {
			q->h.batchh(ENOMEM, q->arg);
		}
		else {
			run->batch = b;
			q->running++;
		}
	}
	if (back)
		report(q, back);
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
	return q->running == RUN_MAX && q->fill && enough(q);
}
