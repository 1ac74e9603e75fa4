/*
 * events.h: sessions and other facts as JSON objects.
 */
#ifndef DIALTONE_EVENTS_H
#define DIALTONE_EVENTS_H

#include "sipd/session.h"

/* A new object with "event" and, unless NULL, "tag"; the caller's. */
int event_alloc(struct odict **op, const char *event, const char *tag);

/* Nothing is added for NULL or "". */
void event_str(struct odict *o, const char *key, const char *val);
void event_int(struct odict *o, const char *key, uint64_t val);

/* Everything that can be told of a session: peer, state, key, path, times,
 * bytes. */
void event_session(struct odict *o, const struct session *s);

#endif
