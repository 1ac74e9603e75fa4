/*
 * track.h: the mapping and the session a packet belongs to, and their time.
 */
#ifndef NATEMU_TRACK_H
#define NATEMU_TRACK_H

#include "table.h"

/* The mapping for what goes from in to rem, made if need be. fw: a firewall,
 * which changes nothing. NULL if there is none or no room. */
struct map *track_map(enum proto p, const struct ep *in,
		      const struct ep *rem, bool fw, bool make);
/* k has passed in this direction. */
void track_seen(struct sess *s, const struct pkt *k, enum dir d);
/* For an ADF filter: the address of k's destination may answer. */
void track_addr(struct map *m, const struct pkt *k);

#endif
