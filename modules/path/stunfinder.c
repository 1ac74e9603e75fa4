/*
 * stunfinder.c: the finder that asks STUN servers how the outside sees us
 * (RFC 8489 section 6.2.1, RFC 8445 section 5.1.1.2).
 *
 *   each base x each server: request, again after 250, 500, 1000, 1500 ms ...
 *        | first answer: the others have 100 ms more
 *        v
 *   done, at the latest after 1.5 s; late answers still count
 *        |
 *        v
 *   a request every 20 s keeps what was found open; if it was not, the new
 *   address is told, and this network is asked more often (keepalive.h)
 */
#include <errno.h>
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/finder.h"
#include "sdp/base/clock.h"

enum {
	BASES_MAX = 4,          /* of each family */
	ASKS_MAX  = 16,         /* bases times servers */
	RC        = 80,         /* transmissions: two minutes */
	RC_PROMPT = 3,          /* those of less than a second */
};

#define RTO     (250 * MSEC)
#define RTO_MAX (1500 * MSEC)   /* a firewall may open meanwhile */
#define PATIENT (1500 * MSEC)
#define GRACE   (100 * MSEC)

struct ask {
	struct sa base, server, mapped;
	uint16_t pref;
	uint8_t tid[STUN_TID_SIZE];
	unsigned txc;           /* transmissions of this request */
	uint64_t next;          /* UINT64_MAX: over */
	uint64_t idle;          /* before this request */
};

struct finder {
	finder_cand_h *candh;
	finder_done_h *doneh;   /* NULL once called */
	void *arg;
	int (*sendh)(int proto, const struct sa *local, const struct sa *dst,
		     const uint8_t *buf, size_t len, void *arg);
	void (*forgedh)(const struct sa *src, void *arg);
	void *send_arg;
	struct keepalive *keepalive;
	uint64_t done_at;
	unsigned n;
	struct ask askv[];
};

static uint64_t interval(const struct finder *f, const struct ask *q)
{
	return keepalive_interval(f->keepalive, &q->base, &q->mapped);
}

static void transmit(struct finder *f, struct ask *q, uint64_t now)
{
	uint8_t buf[STUN_HEADER_SIZE + 8];
	struct stun_out o;
	int err;

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, q->tid);
	stun_put_fingerprint(&o);
	q->next = now + (q->txc < RC ? min(RTO << min(q->txc, 8u), RTO_MAX)
			 : interval(f, q));
	q->txc++;
	err = f->sendh(IPPROTO_UDP, &q->base, &q->server, buf,
		       stun_end(&o), f->send_arg);
	if (netif_hopeless(err))
		q->next = UINT64_MAX;
}

static void ask(struct finder *f, struct ask *q, uint64_t now)
{
	/* the first 4 bytes are the path's handle */
	if (RAND_bytes(q->tid + 4, sizeof q->tid - 4) != 1) {
		q->next = UINT64_MAX;
		return;
	}
	q->txc = 0;
	transmit(f, q, now);
}

/* txc is 0 once a request is answered, until it is refreshed. */
static bool all_over(const struct finder *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->askv[i].txc && f->askv[i].next != UINT64_MAX)
			return false;
	return true;
}

/* Last in whatever calls it. */
static void maybe_done(struct finder *f, uint64_t now)
{
	finder_done_h *doneh = f->doneh;

	if (!doneh || (now < f->done_at && !all_over(f)))
		return;
	f->doneh = NULL;
	doneh(f->arg);
}

static void fill(struct finder *f, const struct finder_env *env)
{
	for (size_t s = 0; s < env->stunc; s++) {
		unsigned bases = 0;

		for (size_t i = 0; i < env->netc; i++) {
			struct ask *q = &f->askv[f->n];

			if (f->n == ASKS_MAX || bases == BASES_MAX)
				break;
			if (!finder_base(&q->base, env, i) ||
			    !finder_reaches(&q->base, &env->stunv[s]))
				continue;
			q->server = env->stunv[s];
			q->pref = finder_pref(i);
			sa_init(&q->mapped, AF_UNSPEC);
			memcpy(q->tid, &env->handle, 4);
			f->n++;
			bases++;
		}
	}
}

static int start(struct finder **fp, const struct finder_env *env,
		 uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		 void *arg)
{
	size_t most = min(env->netc * env->stunc, (size_t)ASKS_MAX);
	struct finder *f;

	if (!most) {
		*fp = NULL;
		doneh(arg);
		return 0;
	}
	/* one more: fill looks at the next before it knows it has it */
	f = mem_zalloc(sizeof *f + (most + 1) * sizeof f->askv[0], NULL);
	if (!f)
		return ENOMEM;
	f->candh = candh;
	f->doneh = doneh;
	f->arg = arg;
	f->sendh = env->sendh;
	f->forgedh = env->forgedh;
	f->send_arg = env->arg;
	f->keepalive = env->keepalive;
	f->done_at = now + PATIENT;
	fill(f, env);
	for (unsigned i = 0; i < f->n; i++)
		ask(f, &f->askv[i], now);
	*fp = f;
	maybe_done(f, now);
	return 0;
}

static struct ask *find(struct finder *f, const struct sa *local,
			const struct sa *src, const struct stun_pkt *m)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct ask *q = &f->askv[i];

		if (memcmp(q->tid, m->tid, sizeof q->tid) || !q->txc ||
		    !sa_cmp(&q->base, local, SA_ALL))
			continue;
		if (sa_cmp(&q->server, src, SA_ALL))
			return q;
		if (f->forgedh)
			f->forgedh(src, f->send_arg);
	}
	return NULL;
}

/* The NAT gave the same host another port: it had forgotten the first one. A
 * request that had to be repeated may itself have come too late. */
static void learn(struct finder *f, const struct ask *q,
		  const struct sa *mapped)
{
	if (q->idle && q->txc <= RC_PROMPT &&
	    sa_cmp(&q->mapped, mapped, SA_ADDR) &&
	    !sa_cmp(&q->mapped, mapped, SA_ALL))
		keepalive_failed(f->keepalive, &q->base, mapped, q->idle);
}

static void report(struct finder *f, struct ask *q,
		   const struct sa *mapped)
{
	struct cand c = {
		.type = CAND_SRFLX, .transp = CAND_UDP, .addr = *mapped,
		.base = q->base, .rel = q->base,
	};

	if (sa_cmp(&q->mapped, mapped, SA_ALL))
		return;
	q->mapped = *mapped;
	/* not behind a NAT: redundant, RFC 8445 section 5.1.3 */
	if (sa_cmp(mapped, &q->base, SA_ALL))
		return;
	c.prio = cand_prio(CAND_SRFLX, q->pref);
	cand_foundation(&c, &q->server);
	f->candh(&c, f->arg);
}

/* An error of any kind ends this request: 300 could send us anywhere without
 * proof, 401 and 438 want what a Binding server has no reason to ask for,
 * and 5xx is answered as well by the next server. */
static bool recv_answer(struct finder *f, int proto, const struct sa *local,
			const struct sa *src, const struct stun_pkt *m,
			uint64_t now)
{
	struct ask *q = proto == IPPROTO_UDP ? find(f, local, src, m) : NULL;

	if (!q)
		return false;
	if (m->cls == STUN_CLASS_SUCCESS_RESP && !m->unknownc &&
	    sa_isset(&m->mapped, SA_ALL)) {
		learn(f, q, &m->mapped);
		q->idle = keepalive_interval(f->keepalive, &q->base,
					     &m->mapped);
		q->next = now + q->idle;
		q->txc = 0;
		f->done_at = min(f->done_at, now + GRACE);
		report(f, q, &m->mapped);
	}
	else if (m->cls == STUN_CLASS_ERROR_RESP) {
		q->next = UINT64_MAX;
	}
	maybe_done(f, now);
	return true;
}

static void tick(struct finder *f, uint64_t now)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct ask *q = &f->askv[i];

		if (now < q->next)
			continue;
		if (q->txc)
			transmit(f, q, now);
		else
			ask(f, q, now);
	}
	maybe_done(f, now);
}

static uint64_t next(const struct finder *f)
{
	uint64_t t = f->doneh ? f->done_at : UINT64_MAX;

	for (unsigned i = 0; i < f->n; i++)
		t = min(t, f->askv[i].next);
	return t;
}

const struct finder_kind stun_finder = {
	.name        = "stun",
	.until_found = true,
	.start       = start,
	.recv        = recv_answer,
	.tick        = tick,
	.next        = next,
};
