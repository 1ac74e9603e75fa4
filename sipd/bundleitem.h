/*
 * bundleitem.h: one tunnel of a session, and its way across the threads. Only
 * bundle.c and bundledesc.c know it.
 *
 *   bundle (control thread)              worker thread
 *     item_start      ---------------->  tunnel_kind.start
 *     handlers        <--- mailbox ----  progress, done
 *     item_count      ---------------->  tunnel_kind.status
 *     item_drop       ---------------->  mem_deref of the tunnel
 */
#ifndef DIALTONE_BUNDLEITEM_H
#define DIALTONE_BUNDLEITEM_H

#include "sipd/bundle.h"

/* From ITEM_PLACED on it has a line. */
enum item_state {
	ITEM_PLANNED, ITEM_REFUSED, ITEM_PLACED, ITEM_TAKEN, ITEM_STARTED
};

struct item {
	struct le le;                   /* of the bundle; control thread */
	const struct bundle_handlers *h; /* control thread; NULL: gone */
	void *arg;
	struct mailbox *control;
	const struct tunnel_kind *kind;
	struct tunnel *tunnel;          /* the worker's, once started */
	enum item_state state;
	unsigned group, serial;
	unsigned line;                  /* in the descriptions, once placed */
	bool ours;                      /* offered by us */
	bool fresh;                     /* its line is a new one */
	bool news;                      /* taken, and nobody has asked */
	bool done;
	struct desc_media said;         /* our words while planned */
	struct desc_media remote;       /* the peer's */
	struct tunnel_way way;
	uint8_t local_fp[DESC_FP_SIZE], remote_fp[DESC_FP_SIZE];
	char counters[200];
};

/* A new one, at the end of l; what it reports goes to h while it is there. */
int item_alloc(struct item **ip, struct list *l, struct mailbox *control,
	       const struct bundle_handlers *h, void *arg);

/* Taken: hand it to the worker of this way, whose number is not looked at. */
int item_start(struct item *it, const struct tunnel_way *way);

/* Have its counters counted, if it has any and runs. */
void item_count(struct item *it);

/* It ends, here or on the worker, and is heard of no more. */
void item_drop(struct item *it);

#endif
