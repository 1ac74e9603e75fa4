/*
 * client.h: dial's line to a sipd: the running one by its control socket, or
 * one in this very process when none runs. The lines are the same.
 */
#ifndef DIALTONE_CLIENT_H
#define DIALTONE_CLIENT_H

#include <re.h>
#include "sipd/house.h"

struct client;

enum client_mode {
	CLIENT_ANY,             /* a running sipd, else our own */
	CLIENT_RUNNING,         /* only a running sipd */
	CLIENT_SYSTEM,          /* ours, else the system's, else our own */
};

struct client_handlers {
	/* one event */
	void (*eventh)(const struct odict *o, void *arg);
	/* the other end has closed the line */
	void (*closeh)(void *arg);
	/* the running sipd's user has no right to what was ordered, ours may
	 * have: client_own, and order again. Not before the line is read. */
	void (*ownh)(void *arg);
	void *arg;
};

/* file NULL: defaults. role is for a sipd of our own. On error one sentence
 * in why. */
int client_alloc(struct client **cp, const char *file, enum client_mode mode,
		 enum house_role role, const struct client_handlers *h,
		 char *why, size_t size);

/* From now on a sipd in this very process, in place of the running one. */
int client_own(struct client *c, const char *file, enum house_role role,
	       char *why, size_t size);

/* Send one order; in and out (or -1) go with it and stay the caller's. */
int client_send(struct client *c, const struct odict *o, int in, int out);

/* Hang up what this line asked for, then doneh; mem_deref afterwards. */
void client_close(struct client *c, void (*doneh)(void *arg), void *arg);

/* Print each line as it came instead of decoding it only (--json). */
void client_echo(struct client *c, bool on);

#endif
