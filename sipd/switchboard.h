/*
 * switchboard.h: all sessions of this process: who calls in and may, who
 * waits for calls, how many there are, and the call log.
 *
 * Owns the house. control.c and dial give it orders.
 */
#ifndef DIALTONE_SWITCHBOARD_H
#define DIALTONE_SWITCHBOARD_H

#include "sipd/waits.h"
#include "sipd/why.h"

struct board;

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

/* Call `text` (a peer's name or address), or add to a session with it that is
 * open. sh is told of the session until it is closed or, by endh, what was
 * asked for is over; *sp stays the board's and is valid until then. On error the
 * reason is in *rp, with a sentence in why ("" if the reason says all). */
int board_dial(struct session **sp, struct board *b, const char *text,
	       const struct session_want *wantv, size_t wantc,
	       unsigned flags, const struct session_handlers *sh,
	       enum reason *rp, char *why, size_t size);

/* Who waits for calls: join with wait_alloc. Sessions answered so far go on
 * when one leaves. */
struct list *board_waits(struct board *b);

/* All sessions, oldest first; h returns true to stop there. */
typedef bool (board_session_h)(struct session *s, void *arg);
struct session *board_apply(const struct board *b, board_session_h *h,
			    void *arg);

/* How sessions that are over have found their paths. */
const struct why *board_why(const struct board *b);

/* By its id; NULL: there is none. */
struct session *board_find(const struct board *b, const char *id);

/* One more is told of a session, as of its first tunnels. */
int board_adopt(struct board *b, struct session *s,
		const struct session_handlers *owner);

/* An owner (its handlers' arg) is told no more; what it had goes on. */
void board_release(struct board *b, const void *owner);

/* An owner (its handlers' arg) has gone: nobody is told any more, and what it
 * has asked for ends: its tunnels, and sessions that have no others. */
void board_drop(struct board *b, const void *owner);

#endif
