/*
 * portmapstep.h: what follows what with a gateway. All take the time last.
 */
#ifndef DIALTONE_PORTMAPSTEP_H
#define DIALTONE_PORTMAPSTEP_H

#include "modules/path/portmapimpl.h"

/* Probe from the start: what was known is forgotten. */
void portmap_begin(struct portmap *p, uint64_t now);

/* Probe what has not answered yet. */
void portmap_probe(struct portmap *p);

/* Ask by the best that has answered and not refused. */
void portmap_choose(struct portmap *p, uint64_t now);

/* Ask, renew or remove, as the state is: first, and again. */
void portmap_ask(struct portmap *p, uint64_t now);
void portmap_transmit(struct portmap *p, uint64_t now);

/* How that ended. */
void portmap_granted(struct portmap *p, const struct sa *external,
		     uint32_t lifetime, uint64_t now);
void portmap_refused(struct portmap *p, uint64_t now);
void portmap_silent(struct portmap *p, uint64_t now);

/* The gateway has answered by this, and has been up for so long. */
void portmap_found_by(struct portmap *p, enum portmap_proto proto,
		      uint64_t now);
void portmap_note_epoch(struct portmap *p, enum portmap_proto proto,
			uint32_t value, uint64_t now);

#endif
