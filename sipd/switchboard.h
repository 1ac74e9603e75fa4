/*
 * switchboard.h: all sessions of this process: who calls in and may, who
 * waits for calls, how many there are, and the call log.
 *
 * Owns the house. control.c and dial give it orders.
 */
#ifndef DIALTONE_SWITCHBOARD_H
#define DIALTONE_SWITCHBOARD_H

#include "sipd/session.h"

struct board;
struct wait;

/* Build the house and answer calls. On error one sentence in why. conf must
 * outlive the board. */
int board_alloc(struct board **bp, const struct conf *conf,
		enum house_role role, char *why, size_t size);

struct house *board_house(const struct board *b);

/* Hang up all, unregister, then doneh (at most some seconds later). No call
 * is taken any more. */
void board_close(struct board *b, void (*doneh)(void *arg), void *arg);

/* Another configuration: peers, permissions and limits follow; sessions go
 * on. On success the old one is not used any more; else it still is. */
int board_reload(struct board *b, const struct conf *conf, char *why,
		 size_t size);

/* Call `text` (a peer's name or address). sh is told of the session until it
 * is closed; *sp stays the board's and is valid until then. On error the
 * reason is in *rp, with a sentence in why ("" if the reason says all). */
int board_dial(struct session **sp, struct board *b, const char *text,
	       const struct session_want *wantv, size_t wantc,
	       unsigned flags, const struct session_handlers *sh,
	       enum reason *rp, char *why, size_t size);

/* Answer calls for a kind on behalf of a user who waits for them. */
struct wait_conf {
	const struct tunnel_kind *kind; /* NULL: pipe and file */
	const char *from;               /* only this peer; NULL: any known */
	const char *into;               /* folder for files; NULL: inbox */
	int fd_in, fd_out;              /* for pipe; kept by the caller */
	unsigned flags;                 /* SESSION_CAN_ASK */
	struct session_handlers sh;
};

/* mem_deref stops waiting; sessions answered so far go on. */
int board_wait(struct wait **wp, struct board *b,
	       const struct wait_conf *conf);

/* All sessions, oldest first; h returns true to stop there. */
typedef bool (board_session_h)(struct session *s, void *arg);
struct session *board_apply(const struct board *b, board_session_h *h,
			    void *arg);

/* An owner (its handlers' arg) has gone: nobody is told any more, and its
 * sessions are hung up. */
void board_drop(struct board *b, const void *owner);

#endif
