/*
 * quicorder.h: a stream of a QUIC connection as its own files see it, and the
 * order in which streams send.
 */
#ifndef DIALTONE_QUICORDER_H
#define DIALTONE_QUICORDER_H

#include "tunnels/flow/quicbuf.h"
#include "tunnels/flow/quicimpl.h"

struct qstream {
	struct stream s;                /* first */
	struct qconn *c;
	int64_t id;                     /* -1: not opened yet */
	int prio;
	struct le all;                  /* of allstreaml */
	struct le send;                 /* of sendl, laterl or queuel */
	struct le want;                 /* of wantl */
	struct quicbuf buf;
	size_t turn;                    /* sent since it was its turn */
	bool fin_sent, blocked;
};

static inline bool quicorder_unsent(const struct qstream *q)
{
	return q->buf.sent < q->buf.written || (q->s.fin_tx && !q->fin_sent);
}

/* It may have something to send, or may again: now, or later if that can
 * wait. */
void quicorder_ready(struct qstream *q);

/* n bytes of it went: another's turn? */
void quicorder_sent(struct qstream *q, size_t n);

/* Its priority is another. */
void quicorder_again(struct qstream *q);

/* Something goes anyway: what is patient goes along. */
void quicorder_hurry(struct qconn *c);

/* Nobody has anything to send any more. */
void quicorder_end(struct qconn *c);

#endif
