/*
 * turnpeer.c: whom an allocation may talk to.
 *
 *   candidate of the peer --> permission for its address, renewed each 4 min
 *   first packet to it    --> channel for address and port, as long as used
 *
 * A channel is asked for before anything is sent, so that a packet has 4
 * bytes of header and never 36; a permission comes with it.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/turnpeer.h"
#include "modules/path/turnreq.h"

enum { CHANNEL_FIRST = 0x4000 };

#define RENEW (4 * 60 * SEC)    /* a permission lives for 5 min, a channel
                                   for 10: RFC 8656 sections 9 and 12 */

static void permit_body(struct stun_out *o, const struct turn *t,
			const struct turn_txn *x)
{
	const void *owner =
		(const uint8_t *)x - offsetof(struct turn_permit, txn);
	const struct turn_permit *p = owner;
	(void)t;

	stun_put_xor(o, STUN_ATTR_XOR_PEER_ADDR, &p->ip);
}

/* Refused ones stay so: the server has its rules (403). */
static void permit_done(struct turn *t, struct turn_txn *x,
			const struct stun_pkt *m, const struct turn_msg *a,
			uint64_t now)
{
	struct turn_permit *p = (struct turn_permit *)(void *)
		((uint8_t *)x - offsetof(struct turn_permit, txn));
	(void)t;
	(void)a;

	p->renew = m && m->cls == STUN_CLASS_SUCCESS_RESP ? now + RENEW
		: UINT64_MAX;
}

static void permit_ask(struct turn *t, struct turn_permit *p, uint64_t now)
{
	p->renew = UINT64_MAX;
	turnreq_start(t, &p->txn, STUN_METHOD_CREATEPERM, permit_body,
		      permit_done, now);
}

void turnpeer_permit(struct turn *t, const struct sa *peer, uint64_t now)
{
	struct turn_permit *p;

	for (unsigned i = 0; i < t->permitc; i++)
		if (sa_cmp(&t->permitv[i].ip, peer, SA_ADDR))
			return;
	if (t->permitc == TURN_PERMITS ||
	    !sa_isset(&t->relayed[sa_af(peer) == AF_INET6], SA_ADDR))
		return;
	p = &t->permitv[t->permitc++];
	p->ip = *peer;
	permit_ask(t, p, now);
}

static void bind_body(struct stun_out *o, const struct turn *t,
		      const struct turn_txn *x)
{
	const struct turn_peer *p = (const struct turn_peer *)(const void *)
		((const uint8_t *)x - offsetof(struct turn_peer, txn));
	(void)t;

	stun_put_u32(o, STUN_ATTR_CHANNEL_NUMBER,
		     (uint32_t)p->channel << 16);
	stun_put_xor(o, STUN_ATTR_XOR_PEER_ADDR, &p->sa);
}

static const struct sa *relayed_for(const struct turn *t,
				    const struct sa *peer)
{
	return &t->relayed[sa_af(peer) == AF_INET6];
}

static void bind_done(struct turn *t, struct turn_txn *x,
		      const struct stun_pkt *m, const struct turn_msg *a,
		      uint64_t now)
{
	struct turn_peer *p = (struct turn_peer *)(void *)
		((uint8_t *)x - offsetof(struct turn_peer, txn));
	const size_t len = p->held_len;
	(void)a;

	p->bound = m && m->cls == STUN_CLASS_SUCCESS_RESP;
	p->refused = m && m->cls == STUN_CLASS_ERROR_RESP;
	p->renew = p->bound ? now + RENEW : UINT64_MAX;
	p->held_len = 0;
	if (p->bound && len)
		t->conf.datah(relayed_for(t, &p->sa), &p->sa, p->held, len,
			      t->conf.arg);
}

static void bind_ask(struct turn *t, struct turn_peer *p, uint64_t now)
{
	p->renew = UINT64_MAX;
	t->conf.bindh(p->channel, &p->sa, t->conf.arg);
	turnreq_start(t, &p->txn, STUN_METHOD_CHANBIND, bind_body, bind_done,
		      now);
}

static struct turn_peer *peer_find(const struct turn *t,
				   const struct sa *peer)
{
	for (unsigned i = 0; i < t->peerc; i++)
		if (sa_cmp(&t->peerv[i]->sa, peer, SA_ALL))
			return t->peerv[i];
	return NULL;
}

static struct turn_peer *peer_add(struct turn *t, const struct sa *peer)
{
	struct turn_peer *p;

	if (t->peerc == TURN_PEERS)
		return NULL;
	p = mem_zalloc(sizeof *p, NULL);
	if (!p)
		return NULL;
	p->sa = *peer;
	p->channel = (uint16_t)(CHANNEL_FIRST + t->peerc);
	t->peerv[t->peerc++] = p;
	return p;
}

int turnpeer_to(struct turn *t, const struct sa *peer, const uint8_t *buf,
		size_t len, uint64_t now)
{
	struct turn_peer *p = peer_find(t, peer);

	if (!p && sa_isset(relayed_for(t, peer), SA_ADDR))
		p = peer_add(t, peer);
	if (!p)
		return ENOTCONN;
	p->used = now;
	if (p->refused)
		return EACCES;
	if (p->bound)
		return 0;
	if (len <= sizeof p->held) {
		memcpy(p->held, buf, len);
		p->held_len = len;
	}
	if (!p->txn.active)
		bind_ask(t, p, now);
	return EAGAIN;
}

bool turnpeer_recv(struct turn *t, const struct stun_pkt *m, uint64_t now)
{
	for (unsigned i = 0; i < t->permitc; i++)
		if (turnreq_recv(t, &t->permitv[i].txn, permit_body, m, now))
			return true;
	for (unsigned i = 0; i < t->peerc; i++)
		if (turnreq_recv(t, &t->peerv[i]->txn, bind_body, m, now))
			return true;
	return false;
}

/* A channel that nobody has used since is let go: the agent asks for consent
 * on those that matter each few seconds. Its number stays the peer's. */
static void renew_peer(struct turn *t, struct turn_peer *p, uint64_t now)
{
	if (p->used + RENEW < now) {
		p->bound = false;
		p->renew = UINT64_MAX;
	}
	else {
		bind_ask(t, p, now);
	}
}

void turnpeer_tick(struct turn *t, uint64_t now)
{
	for (unsigned i = 0; i < t->permitc; i++) {
		struct turn_permit *p = &t->permitv[i];

		turnreq_tick(t, &p->txn, permit_body, now);
		if (now >= p->renew)
			permit_ask(t, p, now);
	}
	for (unsigned i = 0; i < t->peerc; i++) {
		struct turn_peer *p = t->peerv[i];

		turnreq_tick(t, &p->txn, bind_body, now);
		if (now >= p->renew)
			renew_peer(t, p, now);
	}
}

uint64_t turnpeer_next(const struct turn *t)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < t->permitc; i++) {
		const struct turn_permit *p = &t->permitv[i];

		next = min(next, min(p->renew, turnreq_next(t, &p->txn)));
	}
	for (unsigned i = 0; i < t->peerc; i++) {
		const struct turn_peer *p = t->peerv[i];

		next = min(next, min(p->renew, turnreq_next(t, &p->txn)));
	}
	return next;
}
