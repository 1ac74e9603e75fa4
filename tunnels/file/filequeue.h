/*
 * filequeue.h: complete entries on their way to disk, a batch at a time on a
 * thread of its own while the next one fills.
 */
#ifndef DIALTONE_FILEQUEUE_H
#define DIALTONE_FILEQUEUE_H

#include "tunnels/file/filebatch.h"
#include "tunnels/flow/loop.h"

struct filequeue;

/* On the loop. Neither may free the queue. */
struct filequeue_handlers {
	/* this entry is on disk, or op->err says why not */
	void (*oph)(const struct fileop *op, void *arg);
	/* after the last of a batch. err: the disk failed, see
	 * filebatch_fatal */
	void (*batchh)(int err, void *arg);
};

/* root is duplicated; fresh: its own name is not synced. mem_deref: what was
 * added is still carried out, as a tail (filetail.h). */
int filequeue_alloc(struct filequeue **qp, struct loop *l, int root,
		    bool fresh, enum filestore_taken taken,
		    const struct filequeue_handlers *h, void *arg);

/* op is the queue's from here on, also on error. */
int filequeue_add(struct filequeue *q, struct fileop *op);

/* Do not wait for more. */
void filequeue_flush(struct filequeue *q);

bool filequeue_empty(const struct filequeue *q);

/* So much waits that the sender should. */
bool filequeue_full(const struct filequeue *q);

#endif
