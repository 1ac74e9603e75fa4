/*
 * turnattempt.c: one way to one relay that is tried: a link, then the
 * allocation that is asked for by it, and its candidates. When, and what
 * follows, is turngroup.c's to know, which alone calls it.
 *
 *   open: relay_ops --link--> up --ask: turn.c--> READY --tell--> candidates
 *                       '---> down, why
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "modules/path/turnattempt.h"

static const int afv[] = { AF_INET, AF_INET6 };

void turnattempt_close(struct turnattempt *a)
{
	uint8_t buf[TURN_MSG_MAX];
	size_t n = a->turn && a->link ?
		turn_last(a->turn, buf, sizeof buf) : 0;

	if (n)
		a->g->e->env.relay_ops->lasth(a->link, buf, n);
	a->turn = mem_deref(a->turn);
	a->link = mem_deref(a->link);
	a->up = a->down = false;
	sa_init(&a->local, AF_UNSPEC);
}

static void send_handler(const uint8_t *buf, size_t len, void *arg)
{
	struct turnattempt *a = arg;

	a->g->e->env.relay_ops->sendh(a->link, buf, len);
}

static void bind_handler(uint16_t channel, const struct sa *peer, void *arg)
{
	struct turnattempt *a = arg;

	a->g->e->env.relay_ops->bindh(a->link, channel, peer);
}

static void data_handler(const struct sa *relayed, const struct sa *peer,
			 const uint8_t *buf, size_t len, void *arg)
{
	const struct finder_env *env = &((struct turnattempt *)arg)->g->e->env;

	(void)env->sendh(IPPROTO_UDP, relayed, peer, buf, len, env->arg);
}

static void forged_handler(void *arg)
{
	const struct turnattempt *a = arg;
	const struct finder_env *env = &a->g->e->env;

	if (env->forgedh)
		env->forgedh(&a->server, env->arg);
}

/* Noted only; the tick that is asked for deals with it. */
static void up_handler(const struct sa *local, const struct sa *server,
		       void *arg)
{
	struct turnattempt *a = arg;
	const struct finder_env *env = &a->g->e->env;

	a->local = *local;
	a->server = *server;
	a->up = true;
	env->wakeh(env->arg);
}

static void down_handler(const char *why, void *arg)
{
	struct turnattempt *a = arg;
	const struct finder_env *env = &a->g->e->env;

	(void)re_snprintf(a->why, sizeof a->why, "cannot be reached: %s",
			  why);
	a->down = true;
	env->wakeh(env->arg);
}

int turnattempt_open(struct turnattempt *a)
{
	static const struct relay_link_handlers h = {
		up_handler, down_handler
	};
	const struct relay_ops *ops = a->g->e->env.relay_ops;
	int err = ops->openh(&a->link, a->g->r, a->way,
			     sa_isset(&a->elsewhere, SA_ADDR) ? &a->elsewhere
			     : NULL, &h, a, ops->arg);

	if (err)
		a->link = NULL;
	return err;
}

int turnattempt_ask(struct turnattempt *a, uint64_t now)
{
	const struct relay *r = a->g->r;
	const struct turn_conf conf = {
		.user = r->user, .password = r->password,
		.secret = r->secret,
		.wall = (uint64_t)time(NULL),
		.handle = a->g->e->env.handle,
		.reliable = r->wayv[a->way].transp != RELAY_UDP,
		.local = a->local,
		.keepalive = a->g->e->env.keepalive,
		.sendh = send_handler, .bindh = bind_handler,
		.datah = data_handler, .forgedh = forged_handler, .arg = a,
	};

	a->up = false;
	return turn_alloc(&a->turn, &conf, now);
}

/* By UDP rather than by TCP, and that rather than by TLS. */
static void tell_relayed(const struct turnattempt *a, int af)
{
	struct turnenv *e = a->g->e;
	const struct sa *relayed = turn_relayed(a->turn, af);
	const size_t pref = a->g->r->wayv[a->way].transp * RELAYS_MAX +
		a->g->index;
	struct cand c = { .type = CAND_RELAY, .transp = CAND_UDP };

	if (!relayed)
		return;
	c.addr = c.base = *relayed;
	c.rel = *turn_mapped(a->turn);
	if (e->env.private)
		sa_init(&c.rel, AF_UNSPEC);
	c.prio = cand_prio(CAND_RELAY, finder_pref(pref));
	cand_foundation(&c, &a->server);
	e->candh(&c, e->arg);
}

/* UDP did not get there. Perhaps nothing but this does, to one port: then the
 * peer's NAT has to know where our connections will come from. */
static void tell_active(const struct turnattempt *a)
{
	struct turnenv *e = a->g->e;
	struct cand c = {
		.type = CAND_SRFLX, .transp = CAND_TCP_ACTIVE,
		.addr = *turn_mapped(a->turn), .base = a->local,
	};

	if (a->g->r->wayv[a->way].transp == RELAY_UDP || e->env.private ||
	    !sa_isset(&c.addr, SA_ALL))
		return;
	sa_set_port(&c.addr, FINDER_DISCARD);
	sa_set_port(&c.base, FINDER_DISCARD);
	c.rel = c.base;
	c.prio = cand_prio_tcp(CAND_SRFLX, c.transp, 0);
	cand_foundation(&c, &a->server);
	e->candh(&c, e->arg);
}

void turnattempt_tell(const struct turnattempt *a)
{
	for (int i = 0; i < 2; i++)
		tell_relayed(a, afv[i]);
	tell_active(a);
}

unsigned turnattempt_relayed(const struct turnattempt *a, struct sa sav[2])
{
	unsigned n = 0;

	for (int i = 0; i < 2; i++)
		if (turn_relayed(a->turn, afv[i]))
			sav[n++] = *turn_relayed(a->turn, afv[i]);
	return n;
}

bool turnattempt_has(const struct turnattempt *a, const struct sa *relayed)
{
	const struct sa *sa = a ? turn_relayed(a->turn, sa_af(relayed)) : NULL;

	return sa && sa_cmp(sa, relayed, SA_ALL);
}
