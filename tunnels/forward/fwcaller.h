/*
 * fwcaller.h: the side of a forward whose user has asked for it.
 */
#ifndef DIALTONE_FWCALLER_H
#define DIALTONE_FWCALLER_H

#include "tunnels/forward/fwtunnel.h"

/* Take our ports and send the orders. What fails of the user's wishes ends the
 * tunnel with a sentence. */
int fwcaller_start(struct tunnel *t, unsigned number,
		   const struct fworders_handlers *h);

/* The answer to one of our orders. EBADMSG: it is none. */
int fwcaller_answer(struct tunnel *t, const struct fwwire *w);

/* Where a CONNECT of the peer's leads, by one of our -R: host and port are
 * filled in. EACCES: nowhere. */
int fwcaller_target(struct tunnel *t, struct fwwire *w);

#endif
