/*
 * mocknet.h: hosts behind NATs of each kind, one agent to a host, in memory
 * and in fake time.
 *
 *   agent --sendh--> mocknet/wire.h, nat.h --net_run--> agent_recv
 *     ^-- agent_local: mocknet/cands.h
 *
 * Everything is decided by one seed. The file that includes it describes hosts
 * to each other (net_tell) and runs the clock (net_run).
 */
#ifndef DIALTONE_MOCKNET_H
#define DIALTONE_MOCKNET_H

#include "tests/unit/modules/mocknet/cands.h"

static inline void net_init(struct net *n, uint64_t seed)
{
	memset(n, 0, sizeof *n);
	n->now = SEC;
	n->seed = seed * 2654435761u + 1;
	n->delay = MSEC;
	n->fly = mem_zalloc(FLYING * sizeof *n->fly, NULL);
}

static inline void net_close(struct net *n)
{
	for (unsigned i = 0; i < n->hostc; i++) {
		/* what networks do to packets is not mistaken for lies */
		CU_ASSERT(n->liar || !n->host[i].forged);
		n->host[i].a = mem_deref(n->host[i].a);
	}
	n->fly = mem_deref(n->fly);
}

static inline void net_events(struct host *h)
{
	unsigned ev = agent_events(h->a);

	h->events |= ev;
	if (ev & AGENT_RENEW)
		host_renew(h);
	if (ev & AGENT_SUSPECT) {
		h->suspects++;
		host_look_again(h);
	}
	if (!(ev & AGENT_FOUND))
		return;
	CU_ASSERT(agent_selected(h->a, &h->local, &h->remote));
	h->moved_at = h->net->now;
	if (!h->found++)
		h->found_at = h->net->now;
}

/* The description of `from` reaches `to` with the first candc candidates. */
static inline int net_tell_some(const struct host *from, struct host *to,
				unsigned candc)
{
	static struct desc d;
	int err;

	memset(&d, 0, sizeof d);
	d.candv = (struct cand *)from->cand;
	str_ncpy(d.ufrag, agent_ufrag(from->a), sizeof d.ufrag);
	str_ncpy(d.pwd, agent_pwd(from->a), sizeof d.pwd);
	d.renomination = !from->net->once;
	d.ice_lite = from->lite;
	d.complete = candc == from->candc;
	d.candc = candc;
	err = agent_remote(to->a, &d, to->net->now);
	net_events(to);
	return err;
}

static inline void net_tell(const struct host *from, struct host *to)
{
	CU_ASSERT_EQUAL(net_tell_some(from, to, from->candc), 0);
}

static inline void net_arrive(struct net *n, struct flying f)
{
	struct sa to = f.dst;
	struct host *h = net_route(n, f.proto, &f.src, &to, f.site);
	struct stun_pkt m;

	if (!h || !h->a || stun_parse(&m, f.buf, f.len))
		return;
	h->in++;
	agent_recv(h->a, f.proto, &to, &f.src, &m, n->now);
	net_events(h);
}

static inline uint64_t net_next(const struct net *n, unsigned *fly)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < n->hostc; i++) {
		if (n->host[i].a)
			next = min(next, agent_next(n->host[i].a));
		if (n->host[i].tell_at)
			next = min(next, n->host[i].tell_at);
	}
	*fly = FLYING;
	for (unsigned i = 0; i < n->flyc; i++) {
		if (n->fly[i].at > next)
			continue;
		next = n->fly[i].at;
		*fly = i;
	}
	return next;
}

/* Run for `t` nanoseconds, or until nothing is left to happen. A clock that
 * does not move on is a bug of the agent. */
static inline void net_run(struct net *n, uint64_t t)
{
	uint64_t end = n->now + t;
	unsigned stuck = 0, fly;

	for (;;) {
		uint64_t next = net_next(n, &fly);

		if (next > end)
			break;
		stuck = next > n->now ? 0 : stuck + 1;
		CU_ASSERT_FATAL(stuck < 2000);
		n->now = max(n->now, next);
		if (fly < FLYING) {
			struct flying f = n->fly[fly];

			n->fly[fly] = n->fly[--n->flyc];
			net_arrive(n, f);
			continue;
		}
		for (unsigned i = 0; i < n->hostc; i++) {
			struct host *h = &n->host[i];

			if (h->tell_at && h->tell_at <= n->now) {
				h->tell_at = 0;
				CU_ASSERT_EQUAL(net_tell_some(h, h->peer,
							      h->candc), 0);
			}
			if (!h->a || agent_next(h->a) > n->now)
				continue;
			agent_tick(h->a, n->now);
			net_events(h);
		}
	}
	n->now = end;
}

/* The NAT has forgotten everything. */
static inline void host_nat_reboot(struct host *h)
{
	nat_reboot(&h->nat);
	h->connc = 0;
}

static inline bool host_busy(void *arg)
{
	return ((struct host *)arg)->busy;
}

static inline void host_forged(const struct sa *src, void *arg)
{
	(void)src;
	((struct host *)arg)->forged++;
}

/* A host on a site of its own, with one address behind its NAT. */
static inline struct host *net_host(struct net *n, enum nat_kind nat,
				    bool controlling)
{
	struct host *h = &n->host[n->hostc];
	char buf[32];
	struct agent_conf conf = {
		.handle = 0x1000 + n->hostc,
		.seed = net_rand(n), .controlling = controlling,
		.sendh = host_send, .busyh = host_busy,
		.keepalive = &h->keepalive, .forgedh = host_forged, .arg = h,
	};

	h->net = n;
	h->nat.kind = nat;
	sa_init(&h->relay, AF_UNSPEC);
	h->site = ++n->hostc;
	CU_ASSERT_EQUAL_FATAL(agent_alloc(&h->a, &conf), 0);
	(void)re_snprintf(buf, sizeof buf, "203.0.113.%u", n->hostc);
	sa_set_str(&h->nat.pub, buf, 0);
	(void)re_snprintf(buf, sizeof buf, nat == NAT_NONE ? "192.0.2.%u"
			  : "10.0.%u.2", n->hostc);
	host_add_base(h, buf);
	if (nat != NAT_NONE && nat != NAT_BLOCKED)
		host_add_srflx(h, 0);
	return h;
}

/* A packet on x's path arrives at y on y's path. */
static inline bool net_joined(struct host *x, struct host *y)
{
	struct sa src = x->local.base, dst = x->remote.addr;
	int proto = cand_proto(&x->local);

	return x->found && y->found && net_leave(x, proto, &src, &dst) &&
		net_route(x->net, proto, &src, &dst, x->site) == y &&
		sa_cmp(&dst, &y->local.base, SA_ALL) &&
		sa_cmp(&src, &y->remote.addr, SA_ALL);
}

#endif
