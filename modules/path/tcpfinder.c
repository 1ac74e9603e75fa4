/*
 * tcpfinder.c: the finder of TCP candidates (RFC 6544): active, passive and
 * simultaneous open from each address, done within start; and what a STUN
 * server says of the port that the latter leaves from. Where there is a port
 * that takes TLS, passive there as well: by the address that a server has
 * seen, the router forwards it or lets in what its host has asked for.
 *
 *   each base x each server: a request by a connection from that port
 *        | an answer: a server-reflexive candidate, later than the others
 *        v
 *   asked again every 25 s: the connection holds the NAT's mapping
 *
 * Nothing waits for it: what UDP has found is told without.
 */
#include <errno.h>
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/finder.h"
#include "sdp/base/clock.h"

enum {
	BASES_MAX = 2,          /* of each family, that servers are asked by */
	ASKS_MAX  = 12,
	PREF_MAX  = 0x1fff,
};

#define REFRESH (25 * SEC)

struct ask {
	struct sa base, server, mapped;
	uint16_t pref, tls;     /* tls: port that takes it, 0: none */
	uint8_t tid[STUN_TID_SIZE];
};

struct finder {
	finder_cand_h *candh;
	void *arg;
	int (*sendh)(int proto, const struct sa *local, const struct sa *dst,
		     const uint8_t *buf, size_t len, void *arg);
	void *send_arg;
	uint64_t next;
	unsigned n;
	struct ask askv[ASKS_MAX];
};

static uint16_t pref_of(size_t i)
{
	return (uint16_t)(PREF_MAX - i);
}

static bool is_six(const struct finder_env *env, size_t i)
{
	return sa_af(&env->netv[i].addr) == AF_INET6;
}

static uint16_t tls_port(const struct finder_env *env, size_t i)
{
	return is_six(env, i) ? env->tls6 : env->tls4;
}

static bool tcp_base(struct sa *base, const struct finder_env *env, size_t i,
		     enum cand_transp transp)
{
	uint16_t port = is_six(env, i) ? env->tcp6 : env->tcp4;

	if (port && transp == CAND_TLS_PASSIVE)
		port = tls_port(env, i);
	*base = env->netv[i].addr;
	sa_set_port(base, port);
	return port != 0;
}

static void host_cands(const struct finder_env *env, size_t i,
		       finder_cand_h *candh, void *arg)
{
	static const enum cand_transp transpv[] = {
		CAND_TCP_ACTIVE, CAND_TCP_PASSIVE, CAND_TCP_SO,
		CAND_TLS_PASSIVE
	};

	for (size_t k = 0; k < ARRAY_SIZE(transpv); k++) {
		struct cand c = { .type = CAND_HOST, .transp = transpv[k] };

		if (!tcp_base(&c.base, env, i, c.transp))
			return;
		if (c.transp == CAND_TCP_ACTIVE)
			sa_set_port(&c.base, FINDER_DISCARD);
		c.addr = c.base;
		sa_init(&c.rel, AF_UNSPEC);
		c.prio = cand_prio_tcp(CAND_HOST, c.transp, pref_of(i));
		cand_foundation(&c, NULL);
		candh(&c, arg);
	}
}

/* The first of each family are the best. */
static void fill(struct finder *f, const struct finder_env *env, size_t s,
		 enum cand_transp transp)
{
	unsigned bases = 0;

	for (size_t i = 0; i < env->netc && bases < BASES_MAX; i++) {
		struct ask *q = &f->askv[f->n];
		struct sa base;

		if (f->n == ASKS_MAX)
			return;
		if (!tcp_base(&base, env, i, transp) ||
		    !finder_reaches(&base, &env->stunv[s]))
			continue;
		q->base = base;
		q->server = env->stunv[s];
		q->pref = pref_of(i);
		q->tls = tls_port(env, i);
		sa_init(&q->mapped, AF_UNSPEC);
		memcpy(q->tid, &env->handle, 4);
		f->n++;
		bases++;
	}
}

/* One that is asked from the port of TLS keeps the NAT open there. */
static void fill_all(struct finder *f, const struct finder_env *env)
{
	for (size_t s = 0; s < env->stunc; s++) {
		if (!s)
			fill(f, env, s, CAND_TLS_PASSIVE);
		fill(f, env, s, CAND_TCP_SO);
	}
}

static void ask(struct finder *f, uint64_t now)
{
	f->next = now + REFRESH;
	for (unsigned i = 0; i < f->n; i++) {
		struct ask *q = &f->askv[i];
		uint8_t buf[STUN_HEADER_SIZE + 8];
		struct stun_out o;

		/* the first 4 bytes are the path's handle */
		if (RAND_bytes(q->tid + 4, sizeof q->tid - 4) != 1)
			return;
		stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, q->tid);
		stun_put_fingerprint(&o);
		(void)f->sendh(IPPROTO_TCP, &q->base, &q->server, buf,
			       stun_end(&o), f->send_arg);
	}
}

static int start(struct finder **fp, const struct finder_env *env,
		 uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		 void *arg)
{
	struct finder *f;

	*fp = NULL;
	if (env->private) {
		doneh(arg);
		return 0;
	}
	f = mem_zalloc(sizeof *f, NULL);
	if (!f)
		return ENOMEM;
	f->candh = candh;
	f->arg = arg;
	f->sendh = env->sendh;
	f->send_arg = env->arg;
	for (size_t i = 0; i < env->netc; i++)
		host_cands(env, i, candh, arg);
	fill_all(f, env);
	if (f->n) {
		ask(f, now);
		*fp = f;
	}
	else
		mem_deref(f);
	doneh(arg);
	return 0;
}

static void tell(struct finder *f, const struct ask *q,
		 enum cand_transp transp, uint16_t port)
{
	struct cand c = {
		.type = CAND_SRFLX, .transp = transp, .addr = q->mapped,
		.base = q->base,
	};

	if (port) {
		sa_set_port(&c.addr, port);
		sa_set_port(&c.base, port);
	}
	c.rel = c.base;
	c.prio = cand_prio_tcp(CAND_SRFLX, transp, q->pref);
	cand_foundation(&c, &q->server);
	f->candh(&c, f->arg);
}

/* By TLS our own port is told, whatever the NAT has made of it: no other is
 * of use to who can reach this one alone. candh may drop the finder. */
static void report(struct finder *f, struct ask *q, const struct sa *mapped)
{
	const bool tls = q->tls && q->tls == sa_port(&q->base);

	if (sa_cmp(&q->mapped, mapped, SA_ALL))
		return;
	q->mapped = *mapped;
	/* not behind a NAT: redundant, RFC 8445 section 5.1.3 */
	if (sa_cmp(mapped, &q->base, SA_ALL))
		return;
	if (!tls)
		tell(f, q, CAND_TCP_SO, 0);
	if (q->tls && !sa_cmp(mapped, &q->base, SA_ADDR))
		tell(f, q, CAND_TLS_PASSIVE, q->tls);
}

static bool recv_answer(struct finder *f, int proto, const struct sa *local,
			const struct sa *src, const struct stun_pkt *m,
			uint64_t now)
{
	(void)now;
	for (unsigned i = 0; i < f->n; i++) {
		struct ask *q = &f->askv[i];

		if (proto != IPPROTO_TCP ||
		    memcmp(q->tid, m->tid, sizeof q->tid) ||
		    !sa_cmp(&q->server, src, SA_ALL) ||
		    !sa_cmp(&q->base, local, SA_ALL))
			continue;
		if (m->cls == STUN_CLASS_SUCCESS_RESP && !m->unknownc &&
		    sa_isset(&m->mapped, SA_ALL))
			report(f, q, &m->mapped);
		return true;
	}
	return false;
}

static void tick(struct finder *f, uint64_t now)
{
	if (now >= f->next)
		ask(f, now);
}

static uint64_t next(const struct finder *f)
{
	return f->next;
}

const struct finder_kind tcp_finder = {
	.name        = "tcp",
	.until_found = true,
	.start       = start,
	.recv        = recv_answer,
	.tick        = tick,
	.next        = next,
};
