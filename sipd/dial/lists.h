/*
 * lists.h: what is asked for in lists: on a terminal for people, elsewhere a
 * line for each thing, to be cut by other programs.
 */
#ifndef DIALTONE_DIAL_LISTS_H
#define DIALTONE_DIAL_LISTS_H

#include <re.h>

/* Print one of these events: session, account, meeting-point, peer, call. */
void lists_event(const struct odict *o);

/* "" and 0 if there is no such key. */
const char *lists_str(const struct odict *o, const char *key);
uint64_t lists_num(const struct odict *o, const char *key);

/* "4.2 kB" */
const char *lists_size(char buf[32], double n);

/* "direct", "TCP", "relayed" of an event. */
const char *lists_path(const struct odict *o);

#endif
