/*
 * fileopts.h: the words after `send` and `get`: options, then names.
 */
#ifndef DIALTONE_FILEOPTS_H
#define DIALTONE_FILEOPTS_H

#include "tunnels/file/filezip.h"
#include "tunnels/tunnel.h"

struct fileopts {
	bool overwrite;                 /* what has the name already */
	enum filezip_when zip;          /* send */
	const char *into;               /* get: where to, as written */
	const char **namev;             /* what is left; mem_deref it */
	size_t namec;
};

/* verb is for sentences; "get" has --into. EINVAL with ask->why. */
int fileopts_parse(struct fileopts *o, const struct tunnel_ask *ask,
		   const char *verb);

/* The word as an absolute path, from ask->cwd. */
int fileopts_path(char **pp, const struct tunnel_ask *ask, const char *word);

#endif
