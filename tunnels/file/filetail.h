/*
 * filetail.h: what a receive that was cut short leaves to its threads: whole
 * files, still on their way to their names. The next receive into the folder
 * begins when that is over: it would find their unfinished files locked, have
 * them sent once more, and end beside what is still at work.
 */
#ifndef DIALTONE_FILETAIL_H
#define DIALTONE_FILETAIL_H

#include <sys/types.h>
#include <re.h>

struct errand;
struct loop;

struct filetail {
	struct le le;           /* zero: not begun */
	dev_t dev;
	ino_t ino;
	uint64_t number;
};

/* Nobody waits any more for what is done in the open folder; then, on any
 * thread: it is over. To end what was not begun is fine. */
void filetail_begin(struct filetail *t, int root);
void filetail_end(struct filetail *t);

/* On the loop, when what has begun in the folder until now is over. The errand
 * stays NULL, and nobody is told, if nothing has. */
typedef void (filetail_h)(void *arg);
int filetail_wait(struct errand **ep, struct loop *l, int root,
		  filetail_h *h, void *arg);

#endif
