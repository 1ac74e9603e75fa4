/*
 * candpair.c: one candidate pair. Owned by a checklist; pure values, no
 * packets.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/candpair.h"
#include "modules/path/path.h"

static void pair_destructor(void *arg)
{
	struct candpair *p = arg;

	list_unlink(&p->le);
	mem_deref(p->local);
	mem_deref(p->remote);
	mem_deref(p->creds);
}

/* The same /24 or /64, or the same address: likely the same link. */
static bool same_subnet(const struct sa *a, const struct sa *b)
{
	if (sa_af(a) == AF_INET)
		return sa_in(a) >> 8 == sa_in(b) >> 8;
	return !memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 8);
}

int candpair_alloc(struct candpair **pp, struct lcand *local,
		   struct rcand *remote, struct creds *creds)
{
	struct candpair *p = mem_zalloc(sizeof *p, pair_destructor);

	if (!p)
		return ENOMEM;
	p->local = mem_ref(local);
	p->remote = mem_ref(remote);
	p->creds = mem_ref(creds);
	p->likely = local->c.type == CAND_HOST &&
		same_subnet(&local->c.base, &remote->c.addr);
	sa_init(&p->mapped, AF_UNSPEC);
	*pp = p;
	return 0;
}

const char *candpair_state_name(enum pair_state state)
{
	static const char *const namev[] = {
		[PAIR_WAITING]     = "waiting",
		[PAIR_IN_PROGRESS] = "in-progress",
		[PAIR_SUCCEEDED]   = "succeeded",
		[PAIR_FAILED]      = "failed",
	};

	return namev[state];
}

const char *candpair_tier_name(enum pair_tier tier)
{
	static const char *const namev[] = {
		[TIER_LAN]    = "lan",
		[TIER_DIRECT] = "direct",
		[TIER_TCP]    = "tcp",
		[TIER_RELAY]  = "relay",
	};

	return namev[tier];
}

uint64_t candpair_prio(const struct candpair *p, bool controlling)
{
	uint32_t l = p->local->c.prio, r = p->remote->c.prio;
	uint32_t g = controlling ? l : r, d = controlling ? r : l;

	return ((uint64_t)min(g, d) << 32) + 2 * (uint64_t)max(g, d) +
		(g > d);
}

uint32_t candpair_prflx_prio(const struct candpair *p)
{
	const struct cand *c = &p->local->c;

	return c->transp == CAND_UDP ?
		cand_prio(CAND_PRFLX, (uint16_t)(c->prio >> 8)) :
		cand_prio_tcp(CAND_PRFLX, c->transp,
			      (uint16_t)(c->prio >> 8));
}

static bool is_host(const struct candpair *p)
{
	bool unmapped = !sa_isset(&p->mapped, SA_ADDR) ||
		sa_cmp(&p->mapped, &p->local->c.base, SA_ALL);

	return p->local->c.type == CAND_HOST && unmapped &&
		p->remote->c.type == CAND_HOST;
}

enum pair_tier candpair_tier(const struct candpair *p)
{
	if (p->local->c.type == CAND_RELAY || p->remote->c.type == CAND_RELAY)
		return TIER_RELAY;
	if (p->local->c.transp != CAND_UDP)
		return TIER_TCP;
	return is_host(p) ? TIER_LAN : TIER_DIRECT;
}

static uint64_t cost(const struct candpair *p)
{
	uint64_t credit =
		sa_af(&p->remote->c.addr) == AF_INET6 ? 3 * MSEC : 0;

	return p->srtt + 3 * MSEC - credit;
}

bool candpair_better(const struct candpair *a, const struct candpair *b,
		     unsigned samples)
{
	enum pair_tier ta = candpair_tier(a), tb = candpair_tier(b);
	uint64_t hyst = max(cost(b) / 5, 10 * MSEC) + a->rttvar + b->rttvar;

	if (ta != tb)
		return ta < tb;
	return a->samples >= samples && b->samples >= samples &&
		cost(a) + hyst < cost(b);
}

bool candpair_is(const struct candpair *p, int proto, const struct sa *base,
		 const struct sa *remote)
{
	return cand_proto(&p->local->c) == proto &&
		sa_cmp(&p->remote->c.addr, remote, SA_ALL) &&
		sa_cmp(&p->local->c.base, base, SA_ALL);
}

void candpair_rtt(struct candpair *p, uint64_t rtt)
{
	uint64_t off = rtt > p->srtt ? rtt - p->srtt : p->srtt - rtt;

	p->rttvar = p->samples ? p->rttvar - p->rttvar / 4 + off / 4 : rtt / 2;
	p->srtt = p->samples ? p->srtt - p->srtt / 8 + rtt / 8 : rtt;
	p->srtt = max(p->srtt, (uint64_t)1);
	p->samples++;
}

int candpair_proto(const struct candpair *p)
{
	return p->remote->c.transp == CAND_TLS_PASSIVE ? PATH_TLS
		: cand_proto(&p->local->c);
}

/* all of 127/8, of which libre knows one address only */
static bool loopback(const struct sa *sa)
{
	return sa_af(sa) == AF_INET ? sa_in(sa) >> 24 == 127
		: sa_is_loopback(sa);
}

enum cand_transp candpair_other(enum cand_transp transp)
{
	static const enum cand_transp other[] = {
		[CAND_UDP]         = CAND_UDP,
		[CAND_TCP_ACTIVE]  = CAND_TCP_PASSIVE,
		[CAND_TCP_PASSIVE] = CAND_TCP_ACTIVE,
		[CAND_TCP_SO]      = CAND_TCP_SO,
		[CAND_TLS_PASSIVE] = CAND_TCP_ACTIVE,
	};

	return other[transp];
}

/* Who is passive waits; its pairs are made by the checks that come. But who
 * tells from where it will come can get out by TLS alone, and where we listen
 * for that, the NAT may have to be opened for it: a check that goes there and
 * is not answered does so. */
static bool transp_fits(const struct cand *local, const struct cand *remote)
{
	if (cand_passive(local))
		return local->transp == CAND_TLS_PASSIVE &&
			remote->transp == CAND_TCP_ACTIVE &&
			remote->type == CAND_SRFLX;
	return candpair_other(remote->transp) == local->transp;
}

static bool addr_fits(const struct sa *local, const struct sa *remote)
{
	if (sa_af(local) != sa_af(remote))
		return false;
	/* RFC 8445 section 6.1.2.2 */
	if (sa_af(local) == AF_INET6 &&
	    sa_is_linklocal(local) != sa_is_linklocal(remote))
		return false;
	/* a description must not make us talk to our own machine's inside;
	 * where loopback is all there is, it says so itself */
	return !loopback(remote) || loopback(local);
}

bool candpair_fits(const struct cand *local, const struct cand *remote)
{
	return transp_fits(local, remote) &&
		addr_fits(&local->base, &remote->addr);
}
