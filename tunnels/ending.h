/*
 * ending.h: how a tunnel ends: once, and never from inside the callback that
 * found the reason, so that whoever is told may free the tunnel.
 */
#ifndef DIALTONE_ENDING_H
#define DIALTONE_ENDING_H

#include "tunnels/flow/loop.h"
#include "tunnels/tunnel.h"

struct ending {
	struct timer tmr;
	struct tunnel_events ev;
	struct loop *loop;
	bool set;
	int err;
	char why[512];
};

void ending_init(struct ending *e, struct loop *l,
		 const struct tunnel_events *ev);

/* The first reason counts. fmt as re_snprintf; doneh is called in the loop's
 * next turn. */
void ending_set(struct ending *e, int err, const char *fmt, ...);

/* For the tunnel's destructor. */
void ending_stop(struct ending *e);

/* Show one line to the user. */
void ending_note(const struct ending *e, const char *fmt, ...);

/* A name or text that came from elsewhere, for people: control characters,
 * which could move the terminal's cursor, as \xNN. For %H. */
int plain_print(struct re_printf *pf, const char *text);

#endif
