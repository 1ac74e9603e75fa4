/*
 * turnpeer.h: permissions and channels of one allocation (RFC 8656 sections
 * 9 and 12).
 */
#ifndef DIALTONE_TURNPEER_H
#define DIALTONE_TURNPEER_H

#include "modules/path/turnimpl.h"

/* See turn_permit. */
void turnpeer_permit(struct turn *t, const struct sa *peer, uint64_t now);

/* See turn_to. */
int turnpeer_to(struct turn *t, const struct sa *peer, const uint8_t *buf,
		size_t len, uint64_t now);

/* An answer to one of these requests: deal with it. False: to none. */
bool turnpeer_recv(struct turn *t, const struct stun_pkt *m, uint64_t now);

/* Ask, repeat and renew what is due; when next. */
void turnpeer_tick(struct turn *t, uint64_t now);
uint64_t turnpeer_next(const struct turn *t);

#endif
