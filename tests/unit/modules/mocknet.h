/*
 * mocknet.h: a network in memory and in fake time: hosts behind NATs of each
 * kind (RFC 4787), delay, loss, reordering, walls, relays. One agent to a
 * host.
 *
 *   agent --sendh--> [NAT] --queue: delay, loss--> [NAT] --> agent_recv
 *                    [relay] --/
 *
 * TCP is a way on which nothing is lost; NAT_BLOCKED lets it out as NAT_PORT
 * does, but no UDP.
 *
 * Everything is decided by one seed. The file that includes it runs the
 * clock with net_run.
 */
#ifndef DIALTONE_MOCKNET_H
#define DIALTONE_MOCKNET_H

#include <string.h>
#include "modules/path/agent.h"
#include "modules/path/keepalive.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum nat_kind {
	NAT_NONE, NAT_FULL, NAT_ADDR, NAT_PORT, NAT_SYMMETRIC, NAT_BLOCKED
};

enum {
	HOSTS = 4, BASES = 3, CANDS = 48, MAPPINGS = 256, FLYING = 4096,
	PKT = 400
};

struct mapping {
	int proto;
	struct sa in, out, to;  /* `to`: what opened it */
	struct sa seen[16];     /* who was sent to: filtering */
	unsigned seenc;
	uint64_t born;
};

struct net;

struct host {
	struct net *net;
	struct agent *a;
	enum nat_kind nat;
	struct sa pub;                  /* of the NAT, port 0 */
	unsigned site;                  /* private addresses reach only this */
	struct sa base[BASES];
	unsigned basec;
	bool dead[BASES];               /* cable pulled */
	uint64_t slow[BASES];           /* more delay, ns */
	struct mapping map[MAPPINGS];
	unsigned mapc;
	uint64_t life;                  /* of UDP's mappings; 0: no end */
	struct keepalive keepalive;     /* what it has learned of that */
	unsigned renewals;
	uint16_t port_next;
	struct {
		struct sa base, dst, src;
	} conn[MAPPINGS];               /* by TCP, active: our own port */
	unsigned connc;
	bool tcp, tcp_by[BASES];        /* has candidates of it */
	bool busy;                      /* data flows, it says */
	struct sa relay;                /* unset: it has none */
	bool relay_dead;
	struct sa permitv[32];          /* by the relay */
	unsigned permitc, allocations;
	bool lite;                      /* says so, and does not check */
	struct cand cand[CANDS];           /* local ones, as told to the peer */
	unsigned candc;
	/* what has happened */
	unsigned found, sent, in, suspects;
	uint64_t found_at;              /* the first time */
	uint64_t moved_at;              /* the last time */
	unsigned events;
	struct cand local, remote;
	/* what its sipd would do: candidates by SIP to the peer */
	struct host *peer;
	uint64_t tell_at;               /* 0: nothing to tell */
};

struct flying {
	uint64_t at;
	int proto;
	struct sa src, dst;
	unsigned site;
	uint16_t len;
	uint8_t buf[PKT];
};

struct net {
	uint64_t now, end;
	uint64_t seed;
	uint64_t delay, jitter;         /* ns, one way */
	unsigned loss;                  /* per thousand */
	bool once;                      /* nobody can renominate */
	struct host host[HOSTS];
	unsigned hostc;
	struct flying *fly;
	unsigned flyc;
	/* sees each packet before it flies; true: swallow it */
	bool (*taph)(struct net *n, struct host *h, const struct sa *src,
		     const struct sa *dst, uint8_t *buf, size_t len);
	void *taparg;
};

static inline uint32_t net_rand(struct net *n)
{
	n->seed = n->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(n->seed >> 33);
}

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
	for (unsigned i = 0; i < n->hostc; i++)
		n->host[i].a = mem_deref(n->host[i].a);
	n->fly = mem_deref(n->fly);
}

static inline bool net_private(const struct sa *sa)
{
	return sa_af(sa) == AF_INET && sa_in(sa) >> 24 == 10;
}

/* Its time is over, however much it is used. */
static inline bool nat_ended(const struct host *h, const struct mapping *m)
{
	return h->life && m->proto == IPPROTO_UDP &&
		h->net->now >= m->born + h->life;
}

/* The mapping of an inside address towards dst, made if there is none. */
static inline struct mapping *nat_out(struct host *h, int proto,
				      const struct sa *in,
				      const struct sa *dst)
{
	struct mapping *m = NULL;

	for (unsigned i = 0; i < h->mapc && !m; i++) {
		struct mapping *x = &h->map[i];

		if (x->proto == proto && sa_cmp(&x->in, in, SA_ALL) &&
		    !nat_ended(h, x) &&
		    (h->nat != NAT_SYMMETRIC || sa_cmp(&x->to, dst, SA_ALL)))
			m = x;
	}
	if (!m) {
		if (h->mapc == MAPPINGS)
			return NULL;
		m = &h->map[h->mapc++];
		m->proto = proto;
		m->in = *in;
		m->to = *dst;
		m->born = h->net->now;
		m->out = h->pub;
		sa_set_port(&m->out, (uint16_t)(20000 + 7 * h->port_next++));
	}
	for (unsigned i = 0; i < m->seenc && i < 16; i++)
		if (sa_cmp(&m->seen[i], dst, SA_ALL))
			return m;
	m->seen[m->seenc++ % 16] = *dst;
	return m;
}

/* The inside address of a packet from src to an outside one; NULL: dropped. */
static inline const struct sa *nat_in(const struct host *h, int proto,
				      const struct sa *src,
				      const struct sa *dst)
{
	for (unsigned i = 0; i < h->mapc; i++) {
		const struct mapping *m = &h->map[i];

		if (m->proto != proto || !sa_cmp(&m->out, dst, SA_ALL) ||
		    nat_ended(h, m))
			continue;
		if (h->nat == NAT_FULL)
			return &m->in;
		for (unsigned k = 0; k < m->seenc && k < 16; k++)
			if (sa_cmp(&m->seen[k], src, h->nat == NAT_ADDR
				   ? SA_ADDR : SA_ALL))
				return &m->in;
	}
	return NULL;
}

static inline int base_index(const struct host *h, const struct sa *sa)
{
	for (unsigned i = 0; i < h->basec; i++)
		if (sa_cmp(&h->base[i], sa, SA_ALL))
			return (int)i;
	return -1;
}

/* Active ends have a port of their own for each connection: the base is
 * the address with port 9. */
static inline int base_of(const struct host *h, int proto,
			  const struct sa *sa)
{
	for (unsigned i = 0; i < h->basec; i++)
		if (sa_cmp(&h->base[i], sa, proto == IPPROTO_UDP ? SA_ALL
			   : SA_ADDR))
			return (int)i;
	return -1;
}

static inline void conn_src(struct host *h, struct sa *src,
			    const struct sa *dst)
{
	unsigned i;

	for (i = 0; i < h->connc; i++)
		if (sa_cmp(&h->conn[i].base, src, SA_ALL) &&
		    sa_cmp(&h->conn[i].dst, dst, SA_ALL))
			break;
	CU_ASSERT_FATAL(i < MAPPINGS);
	if (i == h->connc) {
		h->conn[i].base = *src;
		h->conn[i].dst = *dst;
		h->conn[i].src = *src;
		sa_set_port(&h->conn[i].src, (uint16_t)(40000 + i));
		h->connc++;
	}
	*src = h->conn[i].src;
}

/* The base of what arrives at our side of a connection, or a listener. */
static inline bool conn_dst(const struct host *h, struct sa *to)
{
	for (unsigned i = 0; i < h->connc; i++) {
		if (!sa_cmp(&h->conn[i].src, to, SA_ALL))
			continue;
		*to = h->conn[i].base;
		return true;
	}
	return h->tcp && base_index(h, to) >= 0;
}

static inline bool relay_permits(const struct host *h, const struct sa *src)
{
	for (unsigned i = 0; i < h->permitc && i < 32; i++)
		if (sa_cmp(&h->permitv[i], src, SA_ADDR))
			return true;
	return false;
}

/* A relay is reached from the first address that the host had. */
static inline bool relay_works(const struct host *h)
{
	return sa_isset(&h->relay, SA_ALL) && !h->relay_dead &&
		!h->dead[h->basec - 1];
}

/* Who gets a packet; *to becomes the address it arrives at. */
static inline struct host *net_route(struct net *n, int proto,
				     const struct sa *src, struct sa *to,
				     unsigned site)
{
	for (unsigned i = 0; i < n->hostc; i++) {
		struct host *h = &n->host[i];
		const struct sa *in;
		int b = base_of(h, proto, to);

		if (proto == IPPROTO_UDP && sa_cmp(&h->relay, to, SA_ALL))
			return relay_works(h) && relay_permits(h, src) ? h :
				NULL;
		if (b >= 0 && !h->dead[b] && (!net_private(to) ||
					      h->site == site))
			return proto == IPPROTO_UDP || conn_dst(h, to) ? h
				: NULL;
		if (h->nat == NAT_NONE || !sa_cmp(&h->pub, to, SA_ADDR))
			continue;
		in = nat_in(h, proto, src, to);
		b = in ? base_of(h, proto, in) : -1;
		if (b < 0 || h->dead[b])
			return NULL;
		*to = *in;
		return proto == IPPROTO_UDP || conn_dst(h, to) ? h : NULL;
	}
	return NULL;
}

/* What src becomes on its way out of h; false: goes nowhere. */
static inline bool net_leave(struct host *h, int proto, struct sa *src,
			     const struct sa *dst)
{
	const struct mapping *m;
	int b = base_of(h, proto, src);

	if (proto == IPPROTO_UDP && sa_cmp(&h->relay, src, SA_ALL)) {
		h->permitv[h->permitc++ % 32] = *dst;
		return relay_works(h) && !net_private(dst);
	}
	if (b < 0 || h->dead[b])
		return false;
	if (proto == IPPROTO_TCP && sa_port(src) == 9)
		conn_src(h, src, dst);
	if (!net_private(src) || net_private(dst))
		return true;
	if (h->nat == NAT_NONE ||
	    (h->nat == NAT_BLOCKED && proto == IPPROTO_UDP))
		return false;
	m = nat_out(h, proto, src, dst);
	if (m)
		*src = m->out;
	return m;
}

static inline void net_fly(struct net *n, int proto, const struct sa *src,
			   const struct sa *dst, unsigned site,
			   uint64_t more, const uint8_t *buf, size_t len)
{
	struct flying *f = &n->fly[n->flyc];

	if (n->flyc == FLYING || len > PKT ||
	    (net_rand(n) % 1000 < n->loss && (proto == IPPROTO_UDP ||
					      n->loss == 1000)))
		return;
	n->flyc++;
	f->proto = proto;
	f->at = n->now + n->delay + more;
	if (n->jitter)
		f->at += net_rand(n) % n->jitter;
	f->src = *src;
	f->dst = *dst;
	f->site = site;
	f->len = (uint16_t)len;
	memcpy(f->buf, buf, len);
}

static inline int host_send(int proto, const struct sa *local,
			    const struct sa *dst, const uint8_t *buf,
			    size_t len, void *arg)
{
	struct host *h = arg;
	struct sa src = *local;
	uint8_t copy[PKT];

	CU_ASSERT_FATAL(len > 0 && len <= PKT);
	if (base_of(h, proto, local) < 0 && !sa_cmp(local, &h->relay, SA_ALL))
		return EADDRNOTAVAIL;
	h->sent++;
	if (h->lite && !(buf[0] & 1) && !(buf[1] & 0x10))
		return 0;
	memcpy(copy, buf, len);
	if (h->net->taph && h->net->taph(h->net, h, local, dst, copy, len))
		return 0;
	if (net_leave(h, proto, &src, dst)) {
		int b = base_of(h, proto, local);

		/* a relay is not on the way */
		net_fly(h->net, proto, &src, dst, h->site,
			b < 0 ? h->net->delay : h->slow[b], copy, len);
	}
	return 0;
}

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

/* The NAT has forgotten everything. */
static inline void host_nat_reboot(struct host *h)
{
	h->mapc = 0;
	h->connc = 0;
	h->port_next += 100;
}

/* A host on a site of its own, with one address behind its NAT. */
static inline bool host_busy(void *arg)
{
	return ((struct host *)arg)->busy;
}

static inline struct host *net_host(struct net *n, enum nat_kind nat,
				    bool controlling)
{
	struct host *h = &n->host[n->hostc];
	char buf[32];
	struct agent_conf conf = {
		.handle = 0x1000 + n->hostc,
		.seed = net_rand(n), .controlling = controlling,
		.sendh = host_send, .busyh = host_busy,
		.keepalive = &h->keepalive, .arg = h,
	};

	h->net = n;
	h->nat = nat;
	sa_init(&h->relay, AF_UNSPEC);
	h->site = ++n->hostc;
	CU_ASSERT_EQUAL_FATAL(agent_alloc(&h->a, &conf), 0);
	(void)re_snprintf(buf, sizeof buf, "203.0.113.%u", n->hostc);
	sa_set_str(&h->pub, buf, 0);
	(void)re_snprintf(buf, sizeof buf, nat == NAT_NONE ? "192.0.2.%u"
			  : "10.0.%u.2", n->hostc);
	host_add_base(h, buf);
	if (nat != NAT_NONE && nat != NAT_BLOCKED)
		host_add_srflx(h, 0);
	return h;
}

static inline void net_tell(const struct host *from, struct host *to)
{
	CU_ASSERT_EQUAL(net_tell_some(from, to, from->candc), 0);
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
