/*
 * bundleimpl.h: a bundle as its own files see it.
 *
 *   bundledesc.c: offer and answer    bundle.c: which there are
 *                  \                    /
 *                   bundleitem.c: one tunnel
 */
#ifndef DIALTONE_BUNDLEIMPL_H
#define DIALTONE_BUNDLEIMPL_H

#include "sipd/bundleitem.h"

struct bundle {
	struct mailbox *control;
	struct list iteml;
	unsigned groups, serials;       /* given so far */
	unsigned numbers;               /* the highest in use, and one */
	struct bundle_handlers h;
	void *arg;
	char names[128];
};

#endif
