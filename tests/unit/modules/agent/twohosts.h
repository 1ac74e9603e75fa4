/*
 * twohosts.h: for the tests of the ICE agent (modules/path/agent.c and its
 * parts): two hosts of the mock network that are told of each other, and how
 * good the path is that they have beside what theory allows.
 */
#ifndef DIALTONE_AGENT_TWOHOSTS_H
#define DIALTONE_AGENT_TWOHOSTS_H

#include "modules/path/ice.h"
#include "tests/unit/modules/mocknet.h"

/* Two hosts described to each other half a round trip apart. */
static inline void meet(struct net *n, struct host **ap, struct host **bp,
			enum nat_kind na, enum nat_kind nb)
{
	*ap = net_host(n, na, true);
	*bp = net_host(n, nb, false);
	net_tell(*ap, *bp);
	net_run(n, n->delay);
	net_tell(*bp, *ap);
}

/* Its role, which a conflict may have changed. */
static inline bool controls(const struct host *h)
{
	return h->a->cl.controlling;
}

/* Can these reach each other without a relay? */
static inline bool possible(enum nat_kind x, enum nat_kind y)
{
	enum nat_kind lo = min(x, y), hi = max(x, y);

	if (hi == NAT_BLOCKED)
		return false;
	return hi != NAT_SYMMETRIC || (lo != NAT_SYMMETRIC && lo != NAT_PORT);
}

enum tier { LAN, DIRECT, TCP, RELAYED, NOTHING };

static inline enum tier tier_of(const struct host *h)
{
	struct cand l, r;

	if (!agent_selected(h->a, &l, &r))
		return NOTHING;
	if (l.type == CAND_RELAY || r.type == CAND_RELAY)
		return RELAYED;
	if (l.transp != CAND_UDP)
		return TCP;
	return l.type == CAND_HOST && r.type == CAND_HOST ? LAN : DIRECT;
}

#endif
