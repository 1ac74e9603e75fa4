/*
 * line.h: one session and who is told of it: a stake for each group of its
 * tunnels that somebody has asked for or waits for. For switchboard.c
 * and admit.c.
 */
#ifndef DIALTONE_LINE_H
#define DIALTONE_LINE_H

#include "sipd/session.h"

struct line;

/* What the switchboard does about it. */
struct line_handlers {
	/* The session is closed, all who had a stake know. The line is freed
	 * next. */
	void (*closedh)(struct session *s, void *arg);
	/* It is open: the peer has shown that it has its key. May hang up. */
	void (*openh)(struct line *l, void *arg);
	/* As session_handlers.offerh; *owner: who is to be told, arg NULL:
	 * nobody. */
	void (*offerh)(struct session *s, const struct desc_media *m,
		       struct session_want *want,
		       struct session_handlers *owner, enum reason *rp,
		       void *arg);
	void *arg;
};

struct line {
	struct le le;                   /* the switchboard's */
	struct le he;                   /* the same, by peer */
	struct le se;                   /* until it is proven, by source */
	struct sa src;
	bool proven;                    /* its key, or it is our own call */
	struct session *s;              /* set by the switchboard; owned */
	struct list stakel;
	char peer[64];
	struct line_handlers h;
};

int line_alloc(struct line **lp, const char *peer,
	       const struct line_handlers *h);

/* What the session is to be given. */
struct session_handlers line_handlers(struct line *l);

/* Tell this owner of a group. */
int line_stake(struct line *l, unsigned group,
	       const struct session_handlers *owner);

/* An owner (its handlers' arg) is told no more. */
void line_release(struct line *l, const void *owner);

/* An owner (its handlers' arg) has gone: nobody is told any more, and what it
 * had asked for ends. */
void line_drop(struct line *l, const void *owner);

#endif
