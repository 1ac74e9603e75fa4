/*
 * turnreq.h: requests of one allocation: sent, repeated, authenticated,
 * answered. What a request says is asked of turn_body_h.
 */
#ifndef DIALTONE_TURNREQ_H
#define DIALTONE_TURNREQ_H

#include "modules/path/turnimpl.h"

/* Put the attributes of x; the credentials follow. */
typedef void (turn_body_h)(struct stun_out *o, const struct turn *t,
			   const struct turn_txn *x);

/* Start anew, whatever was under way. */
void turnreq_start(struct turn *t, struct turn_txn *x, uint16_t method,
		   turn_body_h *body, turn_done_h *doneh, uint64_t now);

/* m is x's answer: deal with it. False: it is not. */
bool turnreq_recv(struct turn *t, struct turn_txn *x, turn_body_h *body,
		  const struct stun_pkt *m, uint64_t now);

/* Repeat or give up what is due. */
void turnreq_tick(struct turn *t, struct turn_txn *x, turn_body_h *body,
		  uint64_t now);

/* When turnreq_tick is wanted; UINT64_MAX: x is not under way. */
uint64_t turnreq_next(const struct turn *t, const struct turn_txn *x);

/* One such message into buf, for once; its length. */
size_t turnreq_write(const struct turn *t, const struct turn_txn *x,
		     turn_body_h *body, uint8_t *buf, size_t size);

#endif
