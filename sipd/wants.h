/*
 * wants.h: the tunnels that a dial of the control socket asks for.
 */
#ifndef DIALTONE_WANTS_H
#define DIALTONE_WANTS_H

#include "sipd/judge.h"

enum { WANTS_ARGS_MAX = 4096 };         /* words of all tunnels */

struct wants {
	struct session_want v[DESC_MEDIA_MAX];
	size_t n;                       /* one at least */
	struct judge_lookup lookupv[DESC_MEDIA_MAX];
	char *argv[WANTS_ARGS_MAX];
};

/* Of {"tunnels":[{"kind":..,"args":[..]},..],"peer":..,"cwd":..} and the
 * user's descriptors. It points into o and to why, which its tunnels fill in
 * as well. EINVAL, ENOMEM: one sentence in why. */
int wants_read(struct wants **wp, const struct odict *o, const int fdv[2],
	       const struct conf *c, char *why, size_t size);

#endif
