/*
 * cands.h: what a host's finders would do: candidates of each kind for its
 * agent, as they are told to the peer.
 */
#ifndef DIALTONE_MOCKNET_CANDS_H
#define DIALTONE_MOCKNET_CANDS_H

#include <errno.h>
#include "tests/unit/modules/mocknet/wire.h"

static inline void host_cand(struct host *h, struct cand *c)
{
	int err;

	sa_init(&c->rel, AF_UNSPEC);
	cand_foundation(c, NULL);
	err = agent_local(h->a, c, h->net->now);
	CU_ASSERT(!err || err == EALREADY);
	/* active ones need not be told */
	if (!err && c->transp != CAND_TCP_ACTIVE) {
		CU_ASSERT_FATAL(h->candc < CANDS);
		h->cand[h->candc++] = *c;
	}
}

static inline void host_add_base(struct host *h, const char *addr)
{
	struct cand c = { .type = CAND_HOST };

	sa_set_str(&c.addr, addr, 5000);
	c.base = c.addr;
	sa_init(&c.rel, AF_UNSPEC);
	c.prio = cand_prio(CAND_HOST, (uint16_t)(65535 - h->basec));
	cand_foundation(&c, NULL);
	h->base[h->basec++] = c.addr;
	h->cand[h->candc++] = c;
	CU_ASSERT_EQUAL(agent_local(h->a, &c, h->net->now), 0);
}

/* What a STUN server would say of base b. */
static inline void host_add_srflx(struct host *h, unsigned b)
{
	struct cand c = { .type = CAND_SRFLX, .base = h->base[b] };
	struct sa server;

	sa_set_str(&server, "198.51.100.1", 3478);
	for (int tcp = 0; tcp <= h->tcp_by[b]; tcp++) {
		c.addr = c.base;
		c.transp = tcp ? CAND_TCP_SO : CAND_UDP;
		if (!net_leave(h, cand_proto(&c), &c.addr, &server) ||
		    sa_cmp(&c.addr, &c.base, SA_ALL))
			continue;
		c.prio = tcp ? cand_prio_tcp(c.type, c.transp,
					     (uint16_t)(8191 - b))
			: cand_prio(c.type, (uint16_t)(65535 - b));
		host_cand(h, &c);
	}
}

/* Of base b, before what STUN says of it. */
static inline void host_add_tcp(struct host *h, unsigned b)
{
	struct cand c = { .type = CAND_HOST };

	h->tcp = h->tcp_by[b] = true;
	for (int t = CAND_TCP_ACTIVE; t <= CAND_TCP_SO; t++) {
		c.transp = (enum cand_transp)t;
		c.base = h->base[b];
		if (t == CAND_TCP_ACTIVE)
			sa_set_port(&c.base, 9);
		c.addr = c.base;
		c.prio = cand_prio_tcp(c.type, c.transp,
				       (uint16_t)(8191 - b));
		host_cand(h, &c);
	}
}

/* An allocation at a relay by the newest base. */
static inline void host_add_relay(struct host *h)
{
	struct cand c = { .type = CAND_RELAY };

	sa_set_str(&h->relay, "198.51.100.2", (uint16_t)(50000 + 100 *
		   (h - h->net->host) + h->allocations++));
	h->relay_dead = false;
	h->permitc = 0;
	c.base = c.addr = h->relay;
	c.prio = cand_prio(CAND_RELAY, 65535);
	host_cand(h, &c);
}

/* Asks its STUN server again, and tells the peer if there is news. */
static inline void host_look_again(struct host *h)
{
	unsigned before = h->candc;

	for (unsigned b = 0; b < h->basec && h->peer; b++)
		if (!h->dead[b])
			host_add_srflx(h, b);
	if (h->candc != before)
		h->tell_at = h->net->now + h->net->delay;
}

/* Opens a socket in place of that of the last but one renewal. */
static inline void host_renew(struct host *h)
{
	unsigned b = sa_cmp(&h->base[1], &h->local.base, SA_ALL) ? 2 : 1;

	if (b < h->basec)
		agent_local_gone(h->a, &h->base[b], h->net->now);
	h->basec = max(h->basec, b + 1);
	h->base[b] = h->base[0];
	sa_set_port(&h->base[b], (uint16_t)(6000 + h->renewals++));
	agent_fresh(h->a, &h->base[b], h->net->now);
	host_add_srflx(h, b);
	h->tell_at = h->net->now + h->net->delay;
}

#endif
