/*
 * waits.h: who waits for calls, at `dial wait`.
 */
#ifndef DIALTONE_WAITS_H
#define DIALTONE_WAITS_H

#include "sipd/incoming.h"

struct wait_conf {
	const struct tunnel_kind *kind; /* NULL: pipe and file */
	const char *from;               /* only this peer; NULL: any */
	const char *into;               /* folder for files; NULL: inbox */
	const char *code;               /* of a pairing */
	int fd_in, fd_out;              /* for pipe; kept by the caller */
	unsigned flags;                 /* enum session_flag */
	struct session_handlers sh;     /* told of the sessions */
};

struct wait {
	struct le le;
	struct wait_conf conf;          /* strings are our own */
};

/* Join the queue; mem_deref leaves it. */
int wait_alloc(struct wait **wp, struct list *waitl,
	       const struct wait_conf *conf);

/* Is this tunnel of this caller waited for? in->offer is NULL within a call. */
bool wait_matches(const struct wait *w, const struct incoming *in,
		  const struct desc_media *m);

/* The first in the queue who waits for this one; NULL: nobody. */
struct wait *waits_match(const struct list *waitl, const struct incoming *in,
			 const struct desc_media *m);

/* The first in the queue who waits for one of the tunnels; NULL: nobody. */
struct wait *waits_find(const struct list *waitl, const struct incoming *in);

#endif
