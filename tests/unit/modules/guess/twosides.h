/*
 * twosides.h: for the tests of modules/path/guess.c: two agents behind NATs
 * that filter by address and port, in memory and in fake time; some draw the
 * ports by lot, some count.
 *
 *   agent --> [NAT: a mapping for each destination, or one] --> 10 ms --> ...
 */
#ifndef DIALTONE_GUESS_TWOSIDES_H
#define DIALTONE_GUESS_TWOSIDES_H

#include <string.h>
#include "modules/path/agent.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { MAPS = 4096, FLYING = 4096, SEENS = 64, PORT = 5000, PKT = 400 };

enum kind { KEEPS, LOTS, COUNTS };

struct map {
	struct sa in, to;
	uint16_t port;
	unsigned seen, seenc;           /* KEEPS: those it has sent to */
	struct sa seenv[SEENS];
};

struct net;

struct side {
	struct net *net;
	struct agent *a;
	enum kind kind;
	struct sa base, pub;
	struct map *mapv;
	unsigned mapc;
	uint16_t port, hole;
	struct cand candv[4];
	unsigned candc;
	bool allowed, refuse;           /* beginh says no */
	bool six;                       /* has no IPv4: behind a NAT64 */
	unsigned begins, ends, worked, opened, sent, found;
	struct cand local, remote;
};

struct net {
	uint64_t now, seed;
	struct side s[2];
	struct flying {
		uint64_t at;
		struct sa src, dst;
		uint16_t len;
		uint8_t buf[PKT];
	} *fly;
	unsigned flyc;
};

static inline uint32_t rnd(struct net *n)
{
	n->seed = n->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(n->seed >> 33);
}

static inline struct map *map_out(struct side *s, const struct sa *in,
				  const struct sa *to)
{
	struct map *m;
	unsigned i;

	for (i = 0; i < s->mapc; i++) {
		m = &s->mapv[i];
		if (sa_cmp(&m->in, in, SA_ALL) &&
		    (s->kind == KEEPS || sa_cmp(&m->to, to, SA_ALL)))
			break;
	}
	m = &s->mapv[i];
	if (i == s->mapc) {
		CU_ASSERT_FATAL(s->mapc < MAPS);
		s->mapc++;
		m->in = *in;
		m->to = *to;
		m->port = s->kind == COUNTS ? s->port++
			: (uint16_t)(1024 + rnd(s->net) % 64512);
	}
	return m;
}

static inline bool lets_in(const struct map *m, const struct sa *src)
{
	for (unsigned i = 0; i < m->seenc; i++)
		if (sa_cmp(&m->seenv[i], src, SA_ALL))
			return true;
	return sa_cmp(&m->to, src, SA_ALL);
}

/* For the NAT that keeps its ports, as many as it is sent to: a hash would
 * be faster, this is a test. */
static inline struct map *map_in(struct side *s, const struct sa *dst,
				 const struct sa *src)
{
	for (unsigned i = 0; i < s->mapc; i++) {
		struct map *m = &s->mapv[i];

		if (m->port == sa_port(dst) && lets_in(m, src))
			return m;
	}
	return NULL;
}

static inline void leave(struct side *s, const struct sa *src,
			 const struct sa *dst, const uint8_t *buf, size_t len)
{
	struct map *m = map_out(s, src, dst);
	struct net *n = s->net;
	struct flying *f = &n->fly[n->flyc];

	if (s->kind == KEEPS) {
		/* a ring is enough: answers come at once */
		m->seenv[m->seen++ % SEENS] = *dst;
		m->seenc = min(m->seen, (unsigned)SEENS);
	}
	if (n->flyc == FLYING || !len)
		return;
	n->flyc++;
	f->at = n->now + 10 * MSEC;
	f->src = s->pub;
	sa_set_port(&f->src, m->port);
	f->dst = *dst;
	f->len = (uint16_t)len;
	memcpy(f->buf, buf, len);
}

/* 64:ff9b::/96, RFC 6052 section 2.1 */
static const struct nat64 nat64 = { 96, { 0, 0x64, 0xff, 0x9b } };

/* What a NAT64 makes of such an address. */
static inline struct sa four(const struct sa *six)
{
	struct sa sa = *six;

	if (sa_af(six) == AF_INET6) {
		CU_ASSERT(!memcmp(&six->u.in6.sin6_addr, nat64.prefix, 12));
		sa_set_in(&sa, ntohl(six->u.in6.sin6_addr.s6_addr32[3]),
			  sa_port(six));
	}
	return sa;
}

static inline int on_send(int proto, const struct sa *local,
			  const struct sa *dst, const uint8_t *buf, size_t len,
			  void *arg)
{
	struct side *s = arg;
	struct sa to = four(dst);

	CU_ASSERT_EQUAL(proto, IPPROTO_UDP);
	CU_ASSERT_EQUAL(sa_af(local), sa_af(dst));
	CU_ASSERT_FATAL(len <= PKT);
	s->sent++;
	leave(s, local, &to, buf, len);
	return 0;
}

static inline bool on_begin(void *arg)
{
	struct side *s = arg;

	s->begins++;
	return !s->refuse;
}

static inline int on_open(const struct sa *base, const struct sa *dst,
			  unsigned n, void *arg)
{
	struct side *s = arg;
	struct sa to = four(dst);

	CU_ASSERT_EQUAL(sa_af(base), sa_af(dst));
	for (unsigned i = 0; i < n; i++) {
		struct sa in = *base;

		sa_set_port(&in, (uint16_t)(40000 + s->hole++));
		leave(s, &in, &to, NULL, 0);
	}
	s->opened += n;
	return 0;
}

static inline void on_end(bool worked, void *arg)
{
	struct side *s = arg;

	s->ends++;
	s->worked += worked;
}

static const struct agent_guess needs = { on_begin, on_open, on_end };

static inline void side_init(struct net *n, unsigned i, enum kind kind,
			     bool six)
{
	struct side *s = &n->s[i];
	struct agent_conf conf = {
		.handle = i, .seed = n->seed + i, .controlling = !i,
		.sendh = on_send, .guess = &needs, .arg = s,
	};
	struct cand c = { .type = CAND_HOST, .transp = CAND_UDP };
	char text[32];

	s->net = n;
	s->kind = kind;
	s->allowed = true;
	s->port = (uint16_t)(20000 + rnd(n) % 20000);
	s->mapv = mem_zalloc(MAPS * sizeof *s->mapv, NULL);
	s->six = six;
	(void)re_snprintf(text, sizeof text, six ? "2001:db8:%u::2"
			  : "10.%u.0.2", i + 1);
	(void)sa_set_str(&s->base, text, PORT);
	(void)re_snprintf(text, sizeof text, "203.0.113.%u", i + 1);
	(void)sa_set_str(&s->pub, text, 0);
	CU_ASSERT_EQUAL_FATAL(agent_alloc(&s->a, &conf), 0);
	agent_nat64(s->a, six ? &nat64 : NULL, n->now);
	c.addr = c.base = s->base;
	sa_init(&c.rel, AF_UNSPEC);
	c.prio = cand_prio(CAND_HOST, 65535);
	CU_ASSERT_EQUAL(agent_local(s->a, &c, n->now), 0);
	s->candv[s->candc++] = c;
	/* two servers tell who is hard */
	c.type = CAND_SRFLX;
	c.rel = c.base;
	c.prio = cand_prio(CAND_SRFLX, 65535);
	for (unsigned k = 0; k < 2; k++) {
		struct sa server;

		(void)re_snprintf(text, sizeof text, "198.51.100.%u", k + 1);
		(void)sa_set_str(&server, text, 3478);
		c.addr = s->pub;
		sa_set_port(&c.addr, map_out(s, &s->base, &server)->port);
		if (!agent_local(s->a, &c, n->now))
			s->candv[s->candc++] = c;
	}
}

static inline void net_init_six(struct net *n, uint64_t seed, enum kind x,
				enum kind y, int six)
{
	memset(n, 0, sizeof *n);
	n->now = SEC;
	n->seed = seed;
	n->fly = mem_zalloc(FLYING * sizeof *n->fly, NULL);
	side_init(n, 0, x, six == 0);
	side_init(n, 1, y, six == 1);
}

static inline void net_init(struct net *n, uint64_t seed, enum kind x,
			    enum kind y)
{
	net_init_six(n, seed, x, y, -1);
}

static inline void net_close(struct net *n)
{
	for (int i = 0; i < 2; i++) {
		n->s[i].a = mem_deref(n->s[i].a);
		n->s[i].mapv = mem_deref(n->s[i].mapv);
	}
	n->fly = mem_deref(n->fly);
}

static inline void tell(struct net *n, int from)
{
	static struct desc d;
	struct side *s = &n->s[from], *to = &n->s[!from];

	memset(&d, 0, sizeof d);
	d.candv = s->candv;
	d.candc = s->candc;
	d.renomination = d.complete = true;
	d.guess = s->allowed;
	str_ncpy(d.ufrag, agent_ufrag(s->a), sizeof d.ufrag);
	str_ncpy(d.pwd, agent_pwd(s->a), sizeof d.pwd);
	agent_guess(to->a, to->allowed);
	CU_ASSERT_EQUAL(agent_remote(to->a, &d, n->now), 0);
}

static inline void events(struct side *s)
{
	if (!(agent_events(s->a) & AGENT_FOUND))
		return;
	s->found++;
	CU_ASSERT(agent_selected(s->a, &s->local, &s->remote));
}

static inline void arrive(struct net *n, const struct flying *f)
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &n->s[i];
		const struct map *m;
		struct sa src = f->src;
		struct stun_pkt pkt;

		if (!sa_cmp(&s->pub, &f->dst, SA_ADDR))
			continue;
		m = map_in(s, &f->dst, &f->src);
		if (!m || stun_parse(&pkt, f->buf, f->len))
			return;
		if (s->six)
			CU_ASSERT(nat64_map(&src, &nat64, &f->src));
		agent_recv(s->a, IPPROTO_UDP, &m->in, &src, &pkt, n->now);
		events(s);
		return;
	}
}

static inline void run(struct net *n, uint64_t ns)
{
	uint64_t end = n->now + ns;

	for (unsigned stuck = 0; stuck < 5000; stuck++) {
		uint64_t next = min(agent_next(n->s[0].a),
				    agent_next(n->s[1].a));

		/* all fly as long: the first is the next */
		if (n->flyc)
			next = min(next, n->fly[0].at);
		if (next > end)
			break;
		if (next > n->now)
			stuck = 0;
		n->now = max(n->now, next);
		if (n->flyc && n->fly[0].at <= n->now) {
			struct flying f = n->fly[0];

			memmove(n->fly, n->fly + 1,
				--n->flyc * sizeof *n->fly);
			arrive(n, &f);
			continue;
		}
		for (int i = 0; i < 2; i++) {
			agent_tick(n->s[i].a, n->now);
			events(&n->s[i]);
		}
	}
	n->now = max(n->now, end);
}

static inline void meet(struct net *n)
{
	tell(n, 0);
	run(n, 10 * MSEC);
	tell(n, 1);
}

static inline bool joined(const struct net *n)
{
	return n->s[0].found && n->s[1].found &&
		n->s[0].ends == n->s[0].begins &&
		n->s[1].ends == n->s[1].begins;
}

#endif
