/*
 * pathimpl.h: one path as its own files see it:
 *
 *   path.c (what comes in, and what is reported) -> pathenv.c (what the agent
 *   and the finders are given to call)
 */
#ifndef DIALTONE_PATHIMPL_H
#define DIALTONE_PATHIMPL_H

#include "modules/path/agent.h"
#include "modules/path/finders.h"
#include "modules/path/paths.h"

struct path {
	struct member member;
	struct agent *agent;
	struct finders *finders;
	struct timer timer;
	struct path_handlers h;
	void *arg;
	unsigned held;          /* ways in that are under way */
	bool nomem;             /* a candidate was lost for want of memory */
	bool begun;             /* path_gather was called */
	bool gathering;         /* gatheredh is still to be called */
	enum path_relay relay;
	struct guess_links *links;      /* of a guess */
	bool guessed;                   /* it is over: one link is enough */
};

/* Somebody but ourselves still wants it. */
static inline bool path_alive(const struct path *p)
{
	return mem_nrefs(p) > p->held;
}

#endif
