/*
 * classify.c: which probe follows which answer (RFC 5780 sections 4.2 to 4.5).
 *
 *   socket 0: all servers --the best answered--> its other address
 *                                            --> its other address and port
 *   socket 1: server --answered--> change both; change the port
 *   sockets 2..5: server, in this order: which ports are given out?
 *   sockets 0, 2: each other's outside address, with `hairpin`
 *
 * Each probe is sent up to four times within a second; while nobody has
 * answered at all, the servers' are twice more, in two seconds: a way may be
 * slow, or busy. Called by natcheck.c.
 */
#include <errno.h>
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/classify.h"
#include "modules/path/stun.h"
#include "modules/path/wire.h"
#include "sdp/base/clock.h"

#define PATIENT (200 * MSEC)    /* for a server with two addresses */

enum {
	ALLOCS = 4,             /* sockets that show the order of ports */
	DELTA_MAX = 20,         /* more is no order */
	TXC_MAX = 4, TXC_FIRST = 6,
	CHANGE_IP = 4, CHANGE_PORT = 2,         /* RFC 5780 section 7.2 */
};

/* When a transmission is over and the next is due. */
static const uint64_t waitv[TXC_FIRST] = {
	100 * MSEC, 150 * MSEC, 250 * MSEC, 400 * MSEC, 500 * MSEC, 600 * MSEC
};

enum {
	P_SERVER = 0,
	P_MAP_IP = P_SERVER + CLASSIFY_SERVERS,
	P_MAP_BOTH,
	P_OPEN,
	P_FILTER_BOTH, P_FILTER_PORT,
	P_ALLOC,
	P_HAIR_OUT = P_ALLOC + ALLOCS, P_HAIR_BACK,
	P_COUNT
};

enum { SOCK_MAIN, SOCK_FILTER, SOCK_ALLOC };

struct probe {
	unsigned sock;
	uint32_t change;
	struct sa dst;
	uint8_t tid[STUN_TID_SIZE];
	uint64_t sent;          /* first; 0: not yet */
	uint64_t next;          /* UINT64_MAX: over */
	unsigned txc;
	bool answered;
	uint64_t rtt;
	struct sa mapped, other;
};

struct classify {
	struct classify_conf conf;
	uint64_t begun;
	const struct probe *best;       /* the server asked for the rest */
	struct probe probev[P_COUNT];
};

static void transmit(struct classify *c, struct probe *p, uint64_t now)
{
	uint8_t buf[STUN_HEADER_SIZE + 16];
	struct stun_out o;

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, p->tid);
	if (p->change)
		stun_put_u32(&o, STUN_ATTR_CHANGE_REQ, p->change);
	stun_put_fingerprint(&o);
	p->next = now + waitv[p->txc++];
	c->conf.sendh(p->sock, &p->dst, buf, stun_end(&o), c->conf.arg);
}

static void probe(struct classify *c, unsigned i, unsigned sock,
		  const struct sa *dst, uint32_t change, uint64_t now)
{
	struct probe *p = &c->probev[i];

	if (p->sent || RAND_bytes(p->tid, sizeof p->tid) != 1)
		return;
	p->sock = sock;
	p->dst = *dst;
	p->change = change;
	p->sent = now;
	transmit(c, p, now);
}

int classify_alloc(struct classify **cp, const struct classify_conf *conf,
		   uint64_t now)
{
	struct classify *c;

	if (!cp || !conf || !conf->serverc ||
	    conf->serverc > CLASSIFY_SERVERS || !conf->sendh)
		return EINVAL;
	c = mem_zalloc(sizeof *c, NULL);
	if (!c)
		return ENOMEM;
	c->conf = *conf;
	c->begun = now;
	for (unsigned i = 0; i < P_COUNT; i++) {
		sa_init(&c->probev[i].mapped, AF_UNSPEC);
		sa_init(&c->probev[i].other, AF_UNSPEC);
	}
	for (unsigned i = 0; i < conf->serverc; i++)
		probe(c, P_SERVER + i, SOCK_MAIN, &conf->serverv[i], 0, now);
	*cp = c;
	return 0;
}

/* It has another address, as RFC 5780 wants, and not a made-up one. */
static bool has_other(const struct probe *p)
{
	return sa_isset(&p->other, SA_ALL) && !sa_is_any(&p->other) &&
		sa_af(&p->other) == sa_af(&p->dst) &&
		!sa_cmp(&p->other, &p->dst, SA_ADDR) &&
		sa_port(&p->other) != sa_port(&p->dst);
}

static void go_on(struct classify *c, const struct probe *best, uint64_t now)
{
	struct sa dst = best->other;

	c->best = best;
	for (unsigned i = 0; i < ALLOCS; i++)
		probe(c, P_ALLOC + i, SOCK_ALLOC + i, &best->dst, 0, now);
	if (!has_other(best))
		return;
	probe(c, P_OPEN, SOCK_FILTER, &best->dst, 0, now);
	sa_set_port(&dst, sa_port(&best->dst));
	probe(c, P_MAP_IP, SOCK_MAIN, &dst, 0, now);
}

/* Those that have answered, if it is time: any with two addresses, at once;
 * another when such a one could have answered as well. */
static void maybe_go_on(struct classify *c, uint64_t now)
{
	const struct probe *first = NULL;
	bool waiting = false;

	if (c->best)
		return;
	for (unsigned i = 0; i < c->conf.serverc; i++) {
		const struct probe *p = &c->probev[P_SERVER + i];

		waiting |= !p->answered && p->next != UINT64_MAX;
		if (p->answered && has_other(p)) {
			go_on(c, p, now);
			return;
		}
		if (p->answered && !first)
			first = p;
	}
	if (first && (!waiting || now >= c->begun + PATIENT))
		go_on(c, first, now);
}

/* Each sends first, so that filters let the other in. */
static void maybe_hairpin(struct classify *c, uint64_t now)
{
	const struct probe *a = c->best, *b = &c->probev[P_ALLOC];

	if (!c->conf.hairpin || !a || !b->answered)
		return;
	probe(c, P_HAIR_BACK, SOCK_MAIN, &b->mapped, 0, now);
	probe(c, P_HAIR_OUT, SOCK_ALLOC, &a->mapped, 0, now);
}

static void follow(struct classify *c, const struct probe *p, uint64_t now)
{
	const struct probe *v = c->probev;

	maybe_go_on(c, now);
	if (p == &v[P_MAP_IP])
		probe(c, P_MAP_BOTH, SOCK_MAIN, &c->best->other, 0, now);
	if (p == &v[P_OPEN]) {
		probe(c, P_FILTER_BOTH, SOCK_FILTER, &p->dst,
		      CHANGE_IP | CHANGE_PORT, now);
		probe(c, P_FILTER_PORT, SOCK_FILTER, &p->dst, CHANGE_PORT,
		      now);
	}
	maybe_hairpin(c, now);
}

/* An answer comes from where the request went, or as was asked for. */
static bool source_fits(const struct classify *c, const struct probe *p,
			const struct sa *src)
{
	if (p == &c->probev[P_FILTER_BOTH])
		return sa_cmp(src, &c->best->other, SA_ALL);
	if (p == &c->probev[P_FILTER_PORT])
		return sa_cmp(src, &p->dst, SA_ADDR) &&
			sa_port(src) == sa_port(&c->best->other);
	return sa_cmp(src, &p->dst, SA_ALL);
}

static struct probe *find(struct classify *c, const uint8_t *tid)
{
	for (unsigned i = 0; i < P_COUNT; i++) {
		struct probe *p = &c->probev[i];

		if (p->sent && !memcmp(p->tid, tid, sizeof p->tid))
			return p;
	}
	return NULL;
}

/* A request of our own that has come back to us: nobody else knows its id. */
static void recv_hairpin(const struct classify *c, struct probe *p,
			 unsigned sock)
{
	if ((p == &c->probev[P_HAIR_OUT] && sock == SOCK_MAIN) ||
	    (p == &c->probev[P_HAIR_BACK] && sock == SOCK_ALLOC)) {
		p->answered = true;
		p->next = UINT64_MAX;
	}
}

void classify_recv(struct classify *c, unsigned sock, const struct sa *src,
		   const uint8_t *buf, size_t len, uint64_t now)
{
	struct stun_pkt m;
	struct probe *p;

	if (stun_parse(&m, buf, len) || m.method != STUN_METHOD_BINDING)
		return;
	p = find(c, m.tid);
	if (!p || p->answered)
		return;
	if (m.cls == STUN_CLASS_REQUEST) {
		recv_hairpin(c, p, sock);
		return;
	}
	if (sock != p->sock || !source_fits(c, p, src))
		return;
	p->next = UINT64_MAX;
	if (m.cls == STUN_CLASS_SUCCESS_RESP &&
	    sa_isset(&m.mapped, SA_ALL)) {
		p->answered = true;
		p->mapped = m.mapped;
		p->other = m.other;
		p->rtt = now - p->sent;
	}
	follow(c, p, now);
}

static unsigned txc_most(const struct classify *c, unsigned i)
{
	return i < P_MAP_IP && !c->best ? TXC_FIRST : TXC_MAX;
}

void classify_tick(struct classify *c, uint64_t now)
{
	for (unsigned i = 0; i < P_COUNT; i++) {
		struct probe *p = &c->probev[i];

		if (!p->sent || now < p->next)
			continue;
		if (p->txc < txc_most(c, i))
			transmit(c, p, now);
		else
			p->next = UINT64_MAX;
	}
	maybe_go_on(c, now);
}

uint64_t classify_next(const struct classify *c)
{
	uint64_t t = UINT64_MAX;

	for (unsigned i = 0; i < P_COUNT; i++)
		if (c->probev[i].sent)
			t = min(t, c->probev[i].next);
	for (unsigned i = 0; i < c->conf.serverc && !c->best; i++)
		if (c->probev[P_SERVER + i].answered)
			t = min(t, c->begun + PATIENT);
	return t;
}

/* --- what it all means ------------------------------------------------- */

static bool same(const struct probe *a, const struct probe *b)
{
	return sa_cmp(&a->mapped, &b->mapped, SA_ALL);
}

/* By servers that know nothing of each other. */
static enum nat_kind mapping_by_servers(const struct classify *c)
{
	bool far = false;

	for (unsigned i = 0; i < c->conf.serverc; i++) {
		const struct probe *p = &c->probev[P_SERVER + i];

		if (p == c->best || !p->answered)
			continue;
		if (!same(p, c->best))
			return sa_cmp(&p->dst, &c->best->dst, SA_ADDR)
				? NAT_ADDRESS_PORT : NAT_DEPENDENT;
		far |= !sa_cmp(&p->dst, &c->best->dst, SA_ADDR);
	}
	return far ? NAT_INDEPENDENT : NAT_UNKNOWN;
}

static enum nat_kind mapping(const struct classify *c)
{
	const struct probe *ip = &c->probev[P_MAP_IP];
	const struct probe *both = &c->probev[P_MAP_BOTH];

	if (sa_cmp(&c->best->mapped, &c->conf.basev[SOCK_MAIN], SA_ALL))
		return NAT_NONE;
	if (!ip->answered)
		return mapping_by_servers(c);
	if (same(ip, c->best))
		return NAT_INDEPENDENT;
	if (!both->answered)
		return NAT_DEPENDENT;
	return same(both, ip) ? NAT_ADDRESS : NAT_ADDRESS_PORT;
}

static enum nat_kind filtering(const struct classify *c)
{
	const struct probe *both = &c->probev[P_FILTER_BOTH];
	const struct probe *port = &c->probev[P_FILTER_PORT];

	if (both->answered)
		return NAT_INDEPENDENT;
	if (!both->sent || both->next != UINT64_MAX)
		return NAT_UNKNOWN;
	return port->answered ? NAT_ADDRESS : NAT_ADDRESS_PORT;
}

static enum nat_has preserves(const struct classify *c)
{
	unsigned yes = sa_port(&c->best->mapped) ==
		sa_port(&c->conf.basev[SOCK_MAIN]);
	unsigned n = 1;

	for (unsigned i = 0; i < ALLOCS; i++) {
		const struct probe *p = &c->probev[P_ALLOC + i];

		if (!p->answered)
			continue;
		n++;
		yes += sa_port(&p->mapped) ==
			sa_port(&c->conf.basev[SOCK_ALLOC + i]);
	}
	return 2 * yes > n ? NAT_HAS : NAT_HAS_NOT;
}

/* The smallest step, if all are small and forward: others may have taken a
 * port in between. */
static unsigned delta(const struct classify *c)
{
	unsigned step = 0;

	for (unsigned i = 1; i < ALLOCS; i++) {
		const struct probe *a = &c->probev[P_ALLOC + i - 1];
		const struct probe *b = &c->probev[P_ALLOC + i];
		unsigned d = (uint16_t)(sa_port(&b->mapped) -
					sa_port(&a->mapped));

		if (!a->answered || !b->answered || !d || d > DELTA_MAX)
			return 0;
		step = step ? min(step, d) : d;
	}
	return step;
}

void classify_result(struct nat *nat, const struct classify *c)
{
	memset(nat, 0, sizeof *nat);
	sa_init(&nat->server, AF_UNSPEC);
	sa_init(&nat->mapped, AF_UNSPEC);
	if (!c || !c->best)
		return;
	nat->udp = true;
	nat->server = c->best->dst;
	nat->rtt = c->best->rtt;
	nat->mapped = c->best->mapped;
	nat->mapping = mapping(c);
	nat->filtering = filtering(c);
	if (nat->mapping == NAT_NONE)
		return;
	nat->preserves = preserves(c);
	if (nat->preserves != NAT_HAS)
		nat->delta = delta(c);
	if (c->probev[P_HAIR_OUT].sent)
		nat->hairpin = c->probev[P_HAIR_OUT].answered ||
			c->probev[P_HAIR_BACK].answered
			? NAT_HAS : NAT_HAS_NOT;
}

const char *nat_kind_name(enum nat_kind kind)
{
	static const char *const namev[] = {
		[NAT_UNKNOWN]      = "unknown",
		[NAT_NONE]         = "none",
		[NAT_INDEPENDENT]  = "endpoint-independent",
		[NAT_ADDRESS]      = "address-dependent",
		[NAT_ADDRESS_PORT] = "address and port-dependent",
		[NAT_DEPENDENT]    = "destination-dependent",
	};

	return namev[kind];
}
