/*
 * boardimpl.h: the switchboard as its own files see it.
 *
 *   switchboard.c: sessions, orders    admit.c: calls in
 */
#ifndef DIALTONE_BOARDIMPL_H
#define DIALTONE_BOARDIMPL_H

#include "sipd/judge.h"
#include "sipd/limits.h"
#include "sipd/lines.h"
#include "sipd/switchboard.h"

struct board {
	struct house *house;
	const struct conf *conf;
	struct lines *lines;
	struct line_handlers lh;
	struct list waitl;              /* struct wait */
	struct judged *judged;          /* of an offer within a call */
	bool closing;
	uint64_t left_at;               /* when the last session ended */
	size_t tidied;                  /* of tidyv, since then */
	struct limits *limits;
	struct why *why;
	struct timer watch;             /* of what sessions may have */
};

#endif
