/*
 * strans.h: server transactions (RFC 3261 section 17.2, 6026).
 *
 * libre's keep their timers in one sorted list, which a proxy with thousands
 * of them for 32 s each would walk at every message.
 */
#ifndef DIALTONE_REGISTRAR_STRANS_H
#define DIALTONE_REGISTRAR_STRANS_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/registrar/transport.h"

struct stable;                  /* all of them */
struct strans;

typedef void (strans_cancel_h)(void *arg);

int stable_alloc(struct stable **tp, struct timers *timers,
		 struct transport *tr);

/* A request that belongs to one of them (a retransmission, ACK for a failure,
 * CANCEL) is dealt with here: true. */
bool stable_recv(struct stable *t, const struct sip_msg *msg);

/* A new one for msg. Kept by the table until its timers are through; the
 * caller gets a reference of its own. cancelh comes at most once, before the
 * final response. */
int strans_alloc(struct strans **sp, struct stable *t,
		 const struct sip_msg *msg, const struct flow *flow,
		 strans_cancel_h *cancelh, void *arg);

/* Send a response of that code: provisional ones, one final, and with INVITE
 * any number of 2xx after a 2xx. After the final one cancelh is forgotten. */
int strans_reply(struct strans *s, uint16_t scode, struct mbuf *mb);

/* Drop it unanswered: retransmissions start anew. */
void strans_drop(struct strans *s);

unsigned stable_count(const struct stable *t);

#endif
