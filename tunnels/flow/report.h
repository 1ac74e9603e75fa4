/*
 * report.h: what a worker has to tell the control thread, without
 * allocating, and never to somebody who has gone in the meantime.
 *
 * A mailbox cannot take a post back; a report can: control cancels it and is
 * then never called. At most one post is under way for all of them.
 */
#ifndef DIALTONE_REPORT_H
#define DIALTONE_REPORT_H

#include <re.h>
#include "sdp/base/mailbox.h"

struct reports;

/* Embed one per fact; all zero is "not told". */
struct report {
	struct le le;
	void (*h)(void *arg);
	void *arg;
	bool cancelled;
};

/* By the control thread, whose mailbox it is; mem_deref there when the
 * worker has stopped. */
int reports_alloc(struct reports **rp, struct mailbox *control);

/* On the worker: h(arg) will run on the control thread. Told twice before it
 * ran is told once. */
void report_tell(struct reports *r, struct report *rep, void (*h)(void *arg),
		 void *arg);

/* On the control thread: it will not run, now or ever. */
void report_cancel(struct reports *r, struct report *rep);

#endif
