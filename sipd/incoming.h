/*
 * incoming.h: who is calling, and may they? Words only: the offer is read,
 * the caller is named by its key, each tunnel is judged.
 */
#ifndef DIALTONE_INCOMING_H
#define DIALTONE_INCOMING_H

#include "sipd/session.h"
#include "sipd/callend.h"

/* What is known of a call before it is answered. */
struct incoming {
	struct desc *offer;             /* ours; NULL if it was not readable */
	struct peer peer;
	bool known;                     /* its key is pinned */
	bool renewed;                   /* another is, which has to vouch for
	                                   the one shown: its claim */
	enum reason reason;             /* NONE: may go on */
	uint16_t scode;                 /* else the answer it gets */
	char text[256];                 /* and the sentence */
};

/* Decode and name the caller. in->offer must be dereferenced. */
void incoming_read(struct incoming *in, const struct house *h,
		   const struct call *c);

/* Refuse it by its reason and text. */
void incoming_refuse(const struct incoming *in, struct call *c);

#endif
