/*
 * turngroup.c: an allocation on one relay, by the first of its ways that
 * gives one.
 *
 *   way 0 --250 ms--> way 1 --250 ms--> way 2 ...    the next at once when
 *     |                                              one has failed
 *     v link up, Allocate
 *   READY: candidates; the other ways are dropped
 *     | lost: candidates gone, all ways once more: at once, then after
 *     v 1, 2, 4 ... 30 s
 *
 * turngroup_fresh: a second allocation by the same way, while the first goes
 * on (renew.c); that one goes when the next is made, or ends by itself.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "modules/path/turngroup.h"
#include "sdp/base/clock.h"

enum {
	HOPS_MAX = 3,           /* from server to server */
};

#define STAGGER   (250 * MSEC)
#define RETRY_MIN SEC
#define RETRY_MAX (30 * SEC)
#define RETRY_LATER (60 * SEC)          /* the server has no room */

static const int afv[] = { AF_INET, AF_INET6 };

static void attempt_close(struct attempt *a)
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

/* -- what the turn and the link say ------------------------------------- */

static void send_handler(const uint8_t *buf, size_t len, void *arg)
{
	struct attempt *a = arg;

	a->g->e->env.relay_ops->sendh(a->link, buf, len);
}

static void bind_handler(uint16_t channel, const struct sa *peer, void *arg)
{
	struct attempt *a = arg;

	a->g->e->env.relay_ops->bindh(a->link, channel, peer);
}

static void data_handler(const struct sa *relayed, const struct sa *peer,
			 const uint8_t *buf, size_t len, void *arg)
{
	const struct finder_env *env = &((struct attempt *)arg)->g->e->env;

	(void)env->sendh(IPPROTO_UDP, relayed, peer, buf, len, env->arg);
}

static void forged_handler(void *arg)
{
	const struct attempt *a = arg;
	const struct finder_env *env = &a->g->e->env;

	if (env->forgedh)
		env->forgedh(&a->server, env->arg);
}

/* Noted only; the tick that is asked for deals with it. */
static void up_handler(const struct sa *local, const struct sa *server,
		       void *arg)
{
	struct attempt *a = arg;
	const struct finder_env *env = &a->g->e->env;

	a->local = *local;
	a->server = *server;
	a->up = true;
	env->wakeh(env->arg);
}

static void down_handler(const char *why, void *arg)
{
	struct attempt *a = arg;
	const struct finder_env *env = &a->g->e->env;

	(void)re_snprintf(a->why, sizeof a->why, "cannot be reached: %s",
			  why);
	a->down = true;
	env->wakeh(env->arg);
}

/* -- one attempt -------------------------------------------------------- */

static void start_all(struct turngroup *g, uint64_t now)
{
	g->retry_at = UINT64_MAX;
	for (size_t i = 0; i < g->r->wayc; i++) {
		g->v[i].open_at = i == g->r->hint ? now : now + i * STAGGER;
		g->v[i].hops = 0;
		sa_init(&g->v[i].elsewhere, AF_UNSPEC);
	}
}

static bool any_left(const struct turngroup *g)
{
	for (size_t i = 0; i < g->r->wayc; i++)
		if (g->v[i].link || g->v[i].open_at != UINT64_MAX)
			return true;
	return false;
}

static void next_way(struct turngroup *g, uint64_t now)
{
	for (size_t i = 0; i < g->r->wayc; i++) {
		if (g->v[i].open_at == UINT64_MAX)
			continue;
		g->v[i].open_at = now;
		return;
	}
}

static uint64_t backoff(const struct turngroup *g)
{
	const unsigned n = min(g->fails, 6u);

	if (g->end == TURN_REFUSED || g->end == TURN_LATER)
		return RETRY_LATER;
	return n ? min(RETRY_MIN << (n - 1), RETRY_MAX) : 0;
}

/* A refusal is worth more to people than silence by another way. */
static void note(struct turngroup *g, enum turn_end end, const char *why)
{
	if (g->end == TURN_REFUSED && *g->why && end != TURN_REFUSED)
		return;
	g->end = end;
	(void)re_snprintf(g->why, sizeof g->why, "the relay %s %s",
			  g->r->name, why);
}

static void attempt_failed(struct attempt *a, enum turn_end end,
			   const char *why, uint64_t now)
{
	struct turngroup *g = a->g;

	note(g, end, why);
	attempt_close(a);
	/* who refuses us by one way does so by all */
	for (size_t i = 0; end == TURN_REFUSED && i < g->r->wayc; i++) {
		attempt_close(&g->v[i]);
		g->v[i].open_at = UINT64_MAX;
	}
	next_way(g, now);
	if (any_left(g))
		return;
	g->settled = true;
	g->retry_at = now + backoff(g);
	g->fails++;
}

/* What is in use stays until it ends. */
static void fresh_failed(struct attempt *a)
{
	a->g->fresh_af = 0;
	attempt_close(a);
}

static void attempt_open(struct attempt *a, uint64_t now)
{
	static const struct relay_link_handlers h = {
		up_handler, down_handler
	};
	const struct relay_ops *ops = a->g->e->env.relay_ops;
	int err;

	a->open_at = UINT64_MAX;
	err = ops->openh(&a->link, a->g->r, a->way,
			 sa_isset(&a->elsewhere, SA_ADDR) ? &a->elsewhere
			 : NULL, &h, a, ops->arg);
	if (!err)
		return;
	a->link = NULL;
	if (a->g->fresh_af)
		a->g->fresh_af = 0;
	else
		attempt_failed(a, TURN_LOST, strerror(err), now);
}

static void attempt_ask(struct attempt *a, uint64_t now)
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
	int err;

	a->up = false;
	err = turn_alloc(&a->turn, &conf, now);
	if (err && a->g->fresh_af)
		fresh_failed(a);
	else if (err)
		attempt_failed(a, TURN_REFUSED, err == EOVERFLOW
			       ? "cannot be used: its user or password is"
			       " too long" : strerror(err), now);
}

/* -- candidates --------------------------------------------------------- */

/* By UDP rather than by TCP, and that rather than by TLS. */
static void tell(const struct attempt *a, int af)
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
static void tell_active(const struct attempt *a)
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

void turngroup_announce(const struct turngroup *g)
{
	for (int i = 0; i < 2 && g->chosen; i++)
		tell(g->chosen, afv[i]);
	if (g->chosen)
		tell_active(g->chosen);
}

/* The candidates of an allocation that is closed. */
static void tell_gone(const struct turngroup *g, const struct sa *gonev,
		      unsigned n)
{
	const struct finder_env *env = &g->e->env;

	for (unsigned i = 0; i < n; i++)
		env->goneh(&gonev[i], env->arg);
}

static unsigned relayed_of(struct sa gonev[2], const struct attempt *a)
{
	unsigned n = 0;

	for (int i = 0; i < 2; i++)
		if (turn_relayed(a->turn, afv[i]))
			gonev[n++] = *turn_relayed(a->turn, afv[i]);
	return n;
}

/* What was moved away from: nothing is tried in its place. */
static void drop_old(struct turngroup *g)
{
	struct attempt *a = g->old;
	struct sa gonev[2];
	unsigned n;

	if (!a)
		return;
	n = relayed_of(gonev, a);
	g->old = NULL;
	attempt_close(a);
	tell_gone(g, gonev, n);
}

static void drop_others(struct turngroup *g, const struct attempt *a)
{
	for (size_t i = 0; i < g->r->wayc; i++) {
		g->v[i].open_at = UINT64_MAX;
		if (&g->v[i] != a)
			attempt_close(&g->v[i]);
	}
}

static void tell_fresh(struct turngroup *g)
{
	const struct sa *sa = turn_relayed(g->chosen->turn, g->fresh_af);

	g->fresh_af = 0;
	if (sa)
		g->e->env.freshh(sa, g->e->env.arg);
}

static void attempt_ready(struct attempt *a, uint64_t now)
{
	struct turngroup *g = a->g;
	struct turnenv *e = g->e;

	if (g->fresh_af)
		g->old = g->chosen;
	else
		drop_others(g, a);
	g->chosen = a;
	g->r->hint = a->way;
	g->settled = true;
	g->fails = 0;
	*g->why = '\0';
	g->end = TURN_LOST;
	for (int i = 0; i < 2; i++)
		if (turn_relayed(a->turn, afv[i]))
			e->env.relay_ops->relayedh(a->link,
						   turn_relayed(a->turn,
								afv[i]));
	for (unsigned i = 0; i < e->permitc; i++)
		turn_permit(a->turn, &e->permitv[i], now);
	turngroup_announce(g);
	if (g->fresh_af)
		tell_fresh(g);
}

void turngroup_lost(struct turngroup *g, enum turn_end end, const char *why,
		    uint64_t now)
{
	struct sa gonev[2];
	unsigned n = relayed_of(gonev, g->chosen);

	note(g, end, why);
	for (size_t i = 0; i <= RELAY_WAYS; i++)
		if (&g->v[i] != g->old)
			attempt_close(&g->v[i]);
	g->chosen = NULL;
	g->fresh_af = 0;
	drop_old(g);
	start_all(g, now);
	tell_gone(g, gonev, n);
}

/* The address is the server's own, and of use to whoever asked for it. */
static void go_elsewhere(struct attempt *a, uint64_t now)
{
	const struct sa *to = turn_alternate(a->turn);

	if (!sa_isset(to, SA_ALL) || ++a->hops > HOPS_MAX) {
		attempt_failed(a, TURN_LOST, "sends us around in circles",
			       now);
		return;
	}
	a->elsewhere = *to;
	attempt_close(a);
	a->open_at = now;
}

static void turn_over(struct attempt *a, uint64_t now)
{
	const enum turn_end end = turn_end(a->turn);
	char why[TURNGROUP_WHY_MAX];

	str_ncpy(why, turn_why(a->turn), sizeof why);
	if (a == a->g->chosen)
		turngroup_lost(a->g, end, why, now);
	else if (a == a->g->old)
		drop_old(a->g);
	else if (a->g->fresh_af)
		fresh_failed(a);
	else if (end == TURN_ELSEWHERE)
		go_elsewhere(a, now);
	else
		attempt_failed(a, end, why, now);
}

/* What the link or the turn has come to. */
static void attempt_look(struct attempt *a, uint64_t now)
{
	if (a->down && a == a->g->chosen) {
		turngroup_lost(a->g, TURN_LOST, a->why, now);
		return;
	}
	if (a->down && a == a->g->old) {
		drop_old(a->g);
		return;
	}
	if (a->down && a->g->fresh_af) {
		fresh_failed(a);
		return;
	}
	if (a->down) {
		attempt_failed(a, TURN_LOST, a->why, now);
		return;
	}
	if (a->up)
		attempt_ask(a, now);
	if (!a->turn)
		return;
	if (turn_state(a->turn) == TURN_OVER)
		turn_over(a, now);
	else if (turn_state(a->turn) == TURN_READY && a != a->g->chosen &&
		 a != a->g->old)
		attempt_ready(a, now);
}

bool turngroup_recv(struct turngroup *g, const struct sa *local,
		    const struct sa *src, const struct stun_pkt *m,
		    uint64_t now)
{
	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		struct attempt *a = &g->v[k];

		if (!a->turn || !sa_cmp(&a->local, local, SA_ALL) ||
		    !sa_cmp(&a->server, src, SA_ALL))
			continue;
		if (turn_recv(a->turn, m, now))
			attempt_look(a, now);
		return true;
	}
	return false;
}

void turngroup_tick(struct turngroup *g, uint64_t now)
{
	if (now >= g->retry_at)
		start_all(g, now);
	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		struct attempt *a = &g->v[k];

		if (now >= a->open_at)
			attempt_open(a, now);
		if (a->turn)
			turn_tick(a->turn, now);
		if (a->link)
			attempt_look(a, now);
	}
}

uint64_t turngroup_next(const struct turngroup *g)
{
	uint64_t t = g->retry_at;

	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		const struct attempt *a = &g->v[k];

		t = min(t, a->open_at);
		if (a->turn)
			t = min(t, turn_next(a->turn));
	}
	return t;
}

static bool has_relayed(const struct attempt *a, const struct sa *relayed)
{
	const struct sa *sa = a ? turn_relayed(a->turn, sa_af(relayed)) : NULL;

	return sa && sa_cmp(sa, relayed, SA_ALL);
}

struct attempt *turngroup_owner(struct turngroup *g, const struct sa *relayed)
{
	return has_relayed(g->chosen, relayed) ? g->chosen
		: has_relayed(g->old, relayed) ? g->old : NULL;
}

/* The slot that is free: the one beside the ways, or its way's own. */
void turngroup_fresh(struct turngroup *g, const struct sa *in_use,
		     uint64_t now)
{
	struct attempt *a, *used = turngroup_owner(g, in_use);

	if (!used || g->fresh_af)
		return;
	if (used == g->old) {           /* the one before came to nothing */
		g->old = g->chosen;
		g->chosen = used;
	}
	drop_old(g);
	a = used == &g->v[RELAY_WAYS] ? &g->v[used->way] : &g->v[RELAY_WAYS];
	a->way = used->way;
	a->elsewhere = used->elsewhere;
	a->hops = used->hops;
	g->fresh_af = sa_af(in_use);
	a->open_at = now;
}

void turngroup_permit(struct turngroup *g, const struct sa *peer,
		      uint64_t now)
{
	if (g->chosen)
		turn_permit(g->chosen->turn, peer, now);
	if (g->old)
		turn_permit(g->old->turn, peer, now);
}

void turngroup_probe(struct turngroup *g, uint64_t now)
{
	if (g->chosen)
		turn_probe(g->chosen->turn, now);
	if (g->old)
		turn_probe(g->old->turn, now);
}

void turngroup_init(struct turngroup *g, struct turnenv *e, struct relay *r,
		    size_t index, uint64_t now)
{
	g->e = e;
	g->r = mem_ref(r);
	g->index = index;
	for (size_t k = 0; k <= RELAY_WAYS; k++) {
		g->v[k].g = g;
		g->v[k].way = k;
		g->v[k].open_at = UINT64_MAX;
		sa_init(&g->v[k].local, AF_UNSPEC);
		sa_init(&g->v[k].elsewhere, AF_UNSPEC);
	}
	start_all(g, now);
}

void turngroup_close(struct turngroup *g)
{
	for (size_t k = 0; g->r && k <= RELAY_WAYS; k++)
		attempt_close(&g->v[k]);
	g->r = mem_deref(g->r);
}
