/*
 * wire.h: what is between agents, in memory and in fake time: delay, loss,
 * reordering, NATs, walls, relays. How a packet leaves a host, flies, and
 * whom it reaches; mocknet.h lets it arrive.
 *
 *   host_send --taph--> net_leave: [NAT], [relay] --> net_fly: the queue
 *       net_route: [NAT], [relay] <-- when its time has come
 *
 * TCP is a way on which nothing is lost; NAT_BLOCKED lets it out as NAT_PORT
 * does, but no UDP.
 */
#ifndef DIALTONE_MOCKNET_WIRE_H
#define DIALTONE_MOCKNET_WIRE_H

#include <string.h>
#include "modules/path/agent.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"
#include "tests/unit/modules/mocknet/nat.h"

enum {
	HOSTS = 4, BASES = 3, CANDS = 48, CONNS = 256, FLYING = 4096,
	PKT = 400
};

struct net;

struct host {
	struct net *net;
	struct agent *a;
	struct nat nat;
	unsigned site;                  /* private addresses reach only this */
	struct sa base[BASES];
	unsigned basec;
	bool dead[BASES];               /* cable pulled */
	uint64_t slow[BASES];           /* more delay, ns */
	struct keepalive keepalive;     /* what it has learned of NATs */
	unsigned renewals;
	struct {
		struct sa base, dst, src;
	} conn[CONNS];                  /* by TCP, active: our own port */
	unsigned connc;
	bool tcp, tcp_by[BASES];        /* has candidates of it */
	bool busy;                      /* data flows, it says */
	struct sa relay;                /* unset: it has none */
	bool relay_dead;
	struct sa permitv[32];          /* by the relay */
	unsigned permitc, allocations;
	bool lite;                      /* says so, and does not check */
	struct cand cand[CANDS];        /* local ones, as told to the peer */
	unsigned candc;
	/* what has happened */
	unsigned found, sent, in, suspects, forged;
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
	bool liar;                      /* somebody forges */
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

static inline bool net_private(const struct sa *sa)
{
	return sa_af(sa) == AF_INET && sa_in(sa) >> 24 == 10;
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
	CU_ASSERT_FATAL(i < CONNS);
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
		if (h->nat.kind == NAT_NONE ||
		    !sa_cmp(&h->nat.pub, to, SA_ADDR))
			continue;
		in = nat_in(&h->nat, proto, src, to, n->now);
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
	if (h->nat.kind == NAT_NONE ||
	    (h->nat.kind == NAT_BLOCKED && proto == IPPROTO_UDP))
		return false;
	m = nat_out(&h->nat, proto, src, dst, h->net->now);
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

#endif
