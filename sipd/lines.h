/*
 * lines.h: the lines of the switchboard: all there are, by peer and, until
 * the peer has proven its key, by where it called from.
 */
#ifndef DIALTONE_LINES_H
#define DIALTONE_LINES_H

#include "sipd/line.h"
#include "sipd/peers.h"

struct lines;

int lines_alloc(struct lines **lp);

/* All are over now; none of their handlers is called after it. */
void lines_flush(struct lines *ls);

/* A line with this peer; owner, if any, has a stake in its first group. It is
 * here until its session is closed (lines_closed), or lines_cancel. */
int lines_add(struct line **lp, struct lines *ls, const char *peer,
	      const struct line_handlers *h,
	      const struct session_handlers *owner);

/* It is a call from there, whose key is not proven. */
void lines_source(struct lines *ls, struct line *l, const struct sa *src);

/* It has not come to a session: it is freed. */
void lines_cancel(struct lines *ls, struct line *l);

/* From closedh: the line that is freed next counts no more. */
void lines_closed(struct lines *ls);

/* How many there are: all, with a peer that has proven its key, from a source
 * (IPv6: its /64) without that, and of strangers that ring. */
uint32_t lines_count(const struct lines *ls);
uint32_t lines_of_peer(const struct lines *ls, const char *peer);
uint32_t lines_unproven(const struct lines *ls, const struct sa *src);
unsigned lines_held(const struct lines *ls);

/* One with this very peer that runs and has room for n tunnels more. */
struct line *lines_joinable(const struct lines *ls, const struct peer *p,
			    size_t n);

/* The session's; NULL if there is none. */
struct line *lines_of(const struct lines *ls, const struct session *s);

/* Of struct line, the oldest first. */
const struct list *lines_list(const struct lines *ls);

#endif
