/*
 * show.h: events as people read them.
 */
#ifndef DIALTONE_SHOW_H
#define DIALTONE_SHOW_H

#include <re.h>

struct show;

/* quiet: only errors and what was asked for; verbose: each state. */
int show_alloc(struct show **sp, bool quiet, bool verbose);

/* Print one event, on stdout what was asked for, on stderr the rest. */
void show_event(struct show *s, const struct odict *o);

/* The user is about to be asked about a peer: no more lines until the next
 * event, and the peer may take its time as well. */
void show_asked(struct show *s);

/* End a progress line that stands unfinished. */
void show_flush(struct show *s);

#endif
