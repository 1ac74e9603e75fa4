/*
 * rights.h: what a peer may do, when and how much: its own lines in [peer],
 * else those of its [group], else those of [sipd].
 */
#ifndef DIALTONE_RIGHTS_H
#define DIALTONE_RIGHTS_H

#include "sipd/conf.h"

/* 0 and "": no limit. Strings are the configuration's. */
struct rights {
	const char *allow;
	const char *hours;      /* "mon-fri 08:00-18:00,sat 09:00-12:00" */
	uint32_t sessions;      /* at once */
	uint32_t rate;          /* calls a minute */
	uint32_t duration;      /* seconds of one session */
	uint64_t bytes;         /* of one session, both ways */
	const char *group;      /* NULL: none */
};

/* Of a [peer], or NULL: of a key that is only in known_peers. */
void rights_of(struct rights *r, const struct conf *c,
	       const struct conf_peer *p);

/* As lines for people, each without a newline. */
void rights_explain(const struct rights *r,
		    void (*h)(const char *line, void *arg), void *arg);

#endif
