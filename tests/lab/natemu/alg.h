/*
 * alg.h: SIP as home routers rewrite it.
 */
#ifndef NATEMU_ALG_H
#define NATEMU_ALG_H

#include "table.h"

/* Is this SIP over UDP? */
bool alg_sip(const struct pkt *k);
/* Write the rewritten packet to out; its length, 0 if k is left alone.
 * port: the other side of a port in the text, which is a mapping's. */
int alg_rewrite(const struct pkt *k, uint8_t *out, enum dir d,
		const struct map *m,
		int (*port)(enum dir d, const struct ep *e,
			    const struct ep *rem));

#endif
