/*
 * fwcallee.h: the side of a forward that was called, and its rules.
 */
#ifndef DIALTONE_FWCALLEE_H
#define DIALTONE_FWCALLEE_H

#include "tunnels/forward/fwtunnel.h"

/* CHECK or LISTEN: answered. EBADMSG: it is neither. */
int fwcallee_order(struct tunnel *t, struct fwwire *w);

/* May a CONNECT of the peer's be? Perhaps: EACCES if no rule names its port,
 * and its address is judged when it is known. id is then set if the name was
 * enough. */
int fwcallee_target(const struct tunnel *t, struct fwwire *w);

#endif
