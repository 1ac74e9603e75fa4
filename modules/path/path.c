/*
 * path.c: one path: joins agent, finders and a single timer, and reports.
 *
 *   finder --candh--> path --agent_local--> [agent]
 *     [agent] --events--> settle --foundh, consenth, failh--> session
 *
 * Every way in holds the path, does its work and ends with settle: handlers
 * are called last, and whichever of them frees the path, it is only gone
 * when all have returned.
 */
#include <errno.h>
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/agent.h"
#include "modules/path/paths.h"

/* In the order of their start. */
static const struct finder_kind *const finders[] = {
	&host_finder, &portmap_finder, &stun_finder, &turn_finder,
	&tcp_finder, &spare_finder,
};

enum { FINDERS = ARRAY_SIZE(finders) };

struct path {
	struct member member;
	struct agent *agent;
	struct finder *finderv[FINDERS];
	struct timer timer;
	struct path_handlers h;
	void *arg;
	unsigned held;          /* ways in that are under way */
	unsigned waiting;       /* finders that are not done */
	bool nomem;             /* a candidate was lost for want of memory */
	bool begun;             /* path_gather was called */
	bool gathering;         /* gatheredh is still to be called */
	enum path_relay relay;
	struct guess_links *links;      /* of a guess */
	bool guessed;                   /* it is over: one link is enough */
};

static void path_destructor(void *arg)
{
	struct path *p = arg;

	timer_stop(&p->timer);
	paths_leave(&p->member);
	for (int i = FINDERS - 1; i >= 0; i--)
		mem_deref(p->finderv[i]);
	mem_deref(p->links);
	mem_deref(p->agent);
}

static void hold(struct path *p)
{
	mem_ref(p);
	p->held++;
}

/* Somebody but ourselves still wants it. */
static bool alive(const struct path *p)
{
	return mem_nrefs(p) > p->held;
}

/* A link-local address means something on one link only: that of ours. */
static void set_scope(struct sa *remote, const struct sa *local)
{
	if (sa_af(remote) == AF_INET6 &&
	    IN6_IS_ADDR_LINKLOCAL(&remote->u.in6.sin6_addr))
		remote->u.in6.sin6_scope_id = local->u.in6.sin6_scope_id;
}

static int send_packet(int proto, const struct sa *local,
		       const struct sa *dst, const uint8_t *buf, size_t len,
		       void *arg)
{
	const struct paths_conf *conf =
		paths_conf(((struct path *)arg)->member.ps);
	struct sa to = *dst;

	set_scope(&to, local);
	return conf->sendh(proto, local, &to, buf, len, conf->arg);
}

/* A relay may have to be asked first whether it takes packets to dst. */
static int send_check(int proto, const struct sa *local,
		      const struct sa *dst, const uint8_t *buf, size_t len,
		      void *arg)
{
	struct path *p = arg;
	int err = ENOENT;

	for (int i = 0; i < FINDERS && err == ENOENT; i++)
		if (proto == IPPROTO_UDP && p->finderv[i] &&
		    finders[i]->send)
			err = finders[i]->send(p->finderv[i], local, dst, buf,
					       len, clock_ns());
	if (err == EAGAIN)
		return 0;       /* it goes when the relay has said yes */
	return err && err != ENOENT ? err
		: send_packet(proto, local, dst, buf, len, arg);
}

static bool is_busy(void *arg)
{
	struct path *p = arg;

	return p->h.busyh && p->h.busyh(p->arg);
}

static void on_ended(const struct sa *base, const struct sa *mapped,
		     uint64_t age, void *arg)
{
	const struct path *p = arg;

	keepalive_ended(paths_keepalive(p->member.ps), base, mapped, age,
			clock_ns());
}

static uint64_t life_of(const struct sa *base, const struct sa *mapped,
			void *arg)
{
	const struct path *p = arg;

	return keepalive_life(paths_keepalive(p->member.ps), base, mapped);
}

static uint64_t next_time(const struct path *p)
{
	uint64_t t = agent_next(p->agent);

	for (int i = 0; i < FINDERS; i++)
		if (p->finderv[i] && finders[i]->next)
			t = min(t, finders[i]->next(p->finderv[i]));
	return t;
}

/* A finder's candh may lead to a restart, which drops the finder. */
static void finder_tick(struct path *p, int i, uint64_t now)
{
	struct finder *f = mem_ref(p->finderv[i]);

	if (f && finders[i]->tick)
		finders[i]->tick(f, now);
	mem_deref(f);
}

static bool finder_recv(struct path *p, int i, int proto,
			const struct sa *local, const struct sa *src,
			const struct stun_pkt *m, uint64_t now)
{
	struct finder *f = mem_ref(p->finderv[i]);
	bool taken = f && finders[i]->recv &&
		finders[i]->recv(f, proto, local, src, m, now);

	mem_deref(f);
	return taken;
}

/* A description may have to fit into one UDP packet of SIP, so what would not
 * be missed is not told: active ones, which the peer learns when they come
 * (unless a relay has told how they will look), and simultaneous open where no
 * firewall is between us. */
static bool is_told(const struct cand *c)
{
	if (c->transp == CAND_TCP_ACTIVE)
		return c->type != CAND_HOST;
	return c->transp != CAND_TCP_SO || c->type != CAND_HOST ||
		!netif_inside(&c->addr);
}

static void on_cand(const struct cand *c, void *arg)
{
	struct path *p = arg;
	int err = agent_local(p->agent, c, clock_ns());

	p->nomem |= err == ENOMEM;
	if (!err && is_told(c) && alive(p) && p->h.candh)
		p->h.candh(c, p->arg);
}

static void on_gone(const struct sa *base, void *arg)
{
	struct path *p = arg;

	agent_local_gone(p->agent, base, clock_ns());
	if (p->h.goneh)
		p->h.goneh(base, p->arg);
}

static void on_done(void *arg)
{
	struct path *p = arg;

	if (p->waiting && !--p->waiting)
		agent_gathered(p->agent, clock_ns());
}

static bool wanted(const struct path *p, int i)
{
	const bool relays = finders[i] == &turn_finder;

	return p->relay == PATH_RELAY_AUTO ||
		relays == (p->relay == PATH_RELAY_ONLY);
}

static int get_env(struct path *p, struct finder_env *env)
{
	int err = paths_env(p->member.ps, env, &p->member);

	env->sendh = send_packet;
	env->goneh = on_gone;
	env->wakeh = p->timer.h;
	env->arg = p;
	env->private = p->relay == PATH_RELAY_ONLY;
	return err;
}

/* A finder that cannot start is one that finds nothing, but for memory. */
static int finder_start(struct path *p, int i, const struct finder_env *env)
{
	int err;

	if (p->finderv[i] || !wanted(p, i))
		return 0;
	p->waiting++;
	err = finders[i]->start(&p->finderv[i], env, clock_ns(), on_cand,
				on_done, p);
	if (err)
		on_done(p);
	return err == ENOMEM ? err : 0;
}

/* What the NATs made of us may have changed. */
static void look_again(struct path *p)
{
	struct finder_env env;

	if (get_env(p, &env))
		return;
	p->waiting++;
	for (int i = 0; i < FINDERS; i++) {
		if (finders[i]->until_found)
			(void)finder_start(p, i, &env);
		if (finders[i]->probe && p->finderv[i])
			finders[i]->probe(p->finderv[i], clock_ns());
	}
	on_done(p);
}

/* The base in use will not do for much longer. */
static void renew(struct path *p)
{
	struct cand local, remote;
	struct finder_env env;
	struct sa base;

	if (!agent_selected(p->agent, &local, &remote) || get_env(p, &env))
		return;
	for (int i = 0; i < FINDERS; i++)
		if (p->finderv[i] && finders[i]->fresh &&
		    !finders[i]->fresh(p->finderv[i], &env, &local.base,
				       &base, clock_ns()))
			agent_fresh(p->agent, &base, clock_ns());
}

/* While a relay or TCP carries it, what they may find is still wanted. */
static void stop_brief_finders(struct path *p)
{
	struct cand local, remote;

	if (p->waiting || !agent_selected(p->agent, &local, &remote) ||
	    local.transp != CAND_UDP || local.type == CAND_RELAY ||
	    remote.type == CAND_RELAY)
		return;
	for (int i = 0; i < FINDERS; i++)
		if (finders[i]->until_found)
			p->finderv[i] = mem_deref(p->finderv[i]);
}

static void report_found(struct path *p)
{
	struct cand local, remote;

	if (!agent_selected(p->agent, &local, &remote) || !p->h.foundh)
		return;
	if (p->links && p->guessed)
		paths_conf(p->member.ps)->guess_ops->keeph(p->links,
							   &local.base);
	set_scope(&remote.addr, &local.base);
	p->h.foundh(&local, &remote, p->arg);
}

static void report(struct path *p, unsigned ev)
{
	if (ev & AGENT_FOUND)
		report_found(p);
	if (alive(p) && ev & AGENT_CONSENT && p->h.consenth)
		p->h.consenth(agent_consent(p->agent), p->arg);
	if (alive(p) && ev & (AGENT_NO_PAIR | AGENT_EXPIRED) && p->h.failh)
		p->h.failh(ev & AGENT_EXPIRED ? PATH_FAIL_CONSENT
			   : PATH_FAIL_CHECKS, p->arg);
	if (alive(p) && p->gathering && !p->waiting) {
		p->gathering = false;
		if (p->h.gatheredh)
			p->h.gatheredh(p->arg);
	}
}

static void settle(struct path *p)
{
	unsigned ev = agent_events(p->agent);

	if (ev & AGENT_SUSPECT) {
		look_again(p);
		ev |= agent_events(p->agent);
	}
	if (ev & AGENT_RENEW)
		renew(p);
	report(p, ev | agent_events(p->agent));
	if (alive(p)) {
		uint64_t t;

		stop_brief_finders(p);
		t = next_time(p);
		/* path_alloc has set the handler and made the room in the
		 * heap: no ENOMEM */
		if (!p->timer.heap || p->timer.when != t)
			(void)timer_start_at(
				paths_conf(p->member.ps)->timers, &p->timer,
				t, p->timer.h, p);
	}
	p->held--;
	mem_deref(p);
}

static void on_timer(void *arg)
{
	struct path *p = arg;
	uint64_t now = clock_ns();

	hold(p);
	for (int i = 0; i < FINDERS; i++)
		finder_tick(p, i, now);
	agent_tick(p->agent, now);
	settle(p);
}

static void on_recv(int proto, const struct sa *local, const struct sa *src,
		    const struct stun_pkt *m, void *arg)
{
	struct path *p = arg;
	uint64_t now = clock_ns();
	bool taken = false;

	hold(p);
	for (int i = 0; i < FINDERS && !taken; i++)
		taken = m->cls != STUN_CLASS_REQUEST &&
			finder_recv(p, i, proto, local, src, m, now);
	if (!taken)
		agent_recv(p->agent, proto, local, src, m, now);
	settle(p);
}

static void on_lost(int proto, const struct sa *local,
		    const struct sa *remote, void *arg)
{
	struct path *p = arg;

	hold(p);
	agent_lost(p->agent, proto, local, remote, clock_ns());
	settle(p);
}

static void finder_again(struct path *p, int i, const struct finder_env *env)
{
	struct finder *f = mem_ref(p->finderv[i]);

	p->waiting += finders[i]->waits && finders[i]->waits(f);
	finders[i]->again(f, env, clock_ns());
	mem_deref(f);
}

static int gather(struct path *p)
{
	struct finder_env env;
	int err = get_env(p, &env);

	agent_nat64(p->agent, paths_nat64(p->member.ps), clock_ns());
	p->nomem = false;
	p->waiting++;           /* not done before all have started */
	for (int i = 0; i < FINDERS && !err; i++) {
		if (p->finderv[i])
			finder_again(p, i, &env);
		else
			err = finder_start(p, i, &env);
	}
	on_done(p);
	return p->nomem ? ENOMEM : err;
}

/* Start anew whatever still waits, too: what it was told is out of date. */
static int gather_again(struct path *p)
{
	for (int i = 0; i < FINDERS; i++)
		if (!finders[i]->again)
			p->finderv[i] = mem_deref(p->finderv[i]);
	p->waiting = 0;
	return gather(p);
}

static bool is_base(const struct finder_env *env, const struct sa *sa)
{
	for (size_t i = 0; i < env->netc; i++) {
		struct sa base;

		/* by its address: the sockets of a guess have other ports */
		if (finder_base(&base, env, i) && sa_cmp(&base, sa, SA_ADDR))
			return true;
	}
	return false;
}

static void on_changed(void *arg)
{
	struct path *p = arg;
	struct finder_env env;
	struct sa basev[NETIF_MAX];
	size_t n = agent_bases(p->agent, basev, NETIF_MAX);

	if (!p->begun)
		return;
	hold(p);
	if (!get_env(p, &env)) {
		for (size_t i = 0; i < n; i++)
			if (!is_base(&env, &basev[i]))
				on_gone(&basev[i], p);
		(void)gather_again(p);
	}
	settle(p);
}

/* Servers that come late still help a path that looks for a pair, and so does
 * a NAT64. */
static void on_stun(void *arg)
{
	struct path *p = arg;
	struct cand local, remote;

	if (!p->begun)
		return;
	hold(p);
	if (agent_selected(p->agent, &local, &remote))
		agent_nat64(p->agent, paths_nat64(p->member.ps), clock_ns());
	else
		(void)gather_again(p);
	settle(p);
}

static void start_late(struct path *p, const struct finder_kind *kind)
{
	struct finder_env env;

	if (!p->begun)
		return;
	hold(p);
	if (!get_env(p, &env))
		for (int i = 0; i < FINDERS; i++)
			if (finders[i] == kind)
				(void)finder_start(p, i, &env);
	settle(p);
}

/* A gateway has answered while sessions are under way: one more address. */
static void on_mapped(void *arg)
{
	start_late(arg, &portmap_finder);
}

/* The names of relays are found while sessions are under way. */
static void on_relays(void *arg)
{
	start_late(arg, &turn_finder);
}

static void on_guess_stop(void *arg)
{
	struct path *p = arg;

	hold(p);
	agent_guess_stop(p->agent);
	settle(p);
}

static bool guess_begin(void *arg)
{
	struct path *p = arg;

	p->guessed = false;
	return p->h.guessh && p->h.guessh(p->arg);
}

static int guess_open(const struct sa *base, const struct sa *dst,
		      unsigned n, void *arg)
{
	struct path *p = arg;
	const struct guess_ops *ops = paths_conf(p->member.ps)->guess_ops;
	int err = 0;

	if (!ops)
		return ENOTSUP;
	if (!p->links)
		err = ops->openh(&p->links, base, dst, on_guess_stop, p,
				 ops->arg);
	return err ? err : ops->moreh(p->links, n);
}

static void guess_end(bool worked, void *arg)
{
	struct path *p = arg;

	p->guessed = true;
	if (!worked)
		p->links = mem_deref(p->links);
	if (p->h.guessedh)
		p->h.guessedh(worked, p->arg);
}

static const struct agent_guess guess_needs = {
	guess_begin, guess_open, guess_end
};

int path_alloc(struct path **pp, struct paths *ps, bool controlling,
	       const struct path_handlers *h, void *arg)
{
	struct agent_conf conf = {
		.controlling = controlling, .sendh = send_check,
		.busyh = is_busy, .guess = &guess_needs,
		.endedh = on_ended, .lifeh = life_of,
	};
	struct path *p;
	int err;

	if (!pp || !ps || !h)
		return EINVAL;
	p = mem_zalloc(sizeof *p, path_destructor);
	if (!p)
		return ENOMEM;
	p->h = *h;
	p->arg = arg;
	p->member.recvh = on_recv;
	p->member.losth = on_lost;
	p->member.changedh = on_changed;
	p->member.stunh = on_stun;
	p->member.mappedh = on_mapped;
	p->member.relaysh = on_relays;
	p->member.arg = p;
	err = paths_join(ps, &p->member);
	if (!err && RAND_bytes((uint8_t *)&conf.seed, sizeof conf.seed) != 1)
		err = EIO;
	if (err)
		goto out;
	conf.handle = p->member.handle;
	conf.arg = p;
	err = agent_alloc(&p->agent, &conf);
	if (err)
		goto out;
	paths_name(&p->member, agent_ufrag(p->agent), NULL);
	err = timer_start_at(paths_conf(ps)->timers, &p->timer, UINT64_MAX,
			     on_timer, p);
 out:
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}

void path_guess(struct path *p, bool allowed)
{
	if (p)
		agent_guess(p->agent, allowed);
}

void path_guess_soon(struct path *p)
{
	agent_guess_soon(p->agent);
}

const char *path_ufrag(const struct path *p)
{
	return p ? agent_ufrag(p->agent) : NULL;
}

const char *path_pwd(const struct path *p)
{
	return p ? agent_pwd(p->agent) : NULL;
}

int path_gather(struct path *p)
{
	int err;

	if (!p)
		return EINVAL;
	hold(p);
	p->begun = p->gathering = true;
	err = gather_again(p);
	if (err)
		p->gathering = false;
	settle(p);
	return err;
}

static int restart(struct path *p)
{
	int err = agent_restart(p->agent);

	if (err)
		return err;
	paths_name(&p->member, agent_ufrag(p->agent),
		   agent_ufrag_old(p->agent));
	p->begun = p->gathering = true;
	return gather_again(p);
}

/* Before the peer's checks come to our relays. */
static void permit(struct path *p, const struct desc *remote)
{
	for (int i = 0; i < FINDERS; i++)
		for (size_t k = 0; k < remote->candc && p->finderv[i] &&
		     finders[i]->permit; k++)
			if (remote->candv[k].transp == CAND_UDP)
				finders[i]->permit(p->finderv[i],
						   &remote->candv[k].addr,
						   clock_ns());
}

int path_remote(struct path *p, const struct desc *remote)
{
	int err = 0;

	if (!p || !remote)
		return EINVAL;
	if (!str_isset(remote->ufrag) || !str_isset(remote->pwd))
		return EPROTO;
	hold(p);
	if (agent_remote_is(p->agent, remote->ufrag) == AGENT_REMOTE_RESTART)
		err = restart(p);
	if (!err && alive(p))
		err = agent_remote(p->agent, remote, clock_ns());
	if (!err && alive(p))
		permit(p, remote);
	settle(p);
	return err;
}

int path_restart(struct path *p)
{
	int err;

	if (!p)
		return EINVAL;
	hold(p);
	err = restart(p);
	settle(p);
	return err;
}

uint64_t path_rtt(const struct path *p)
{
	return p ? agent_rtt(p->agent) : 0;
}

int path_debug(struct re_printf *pf, const struct path *p)
{
	return p ? agent_debug(pf, p->agent) : 0;
}

void path_relay_set(struct path *p, enum path_relay relay)
{
	if (!p)
		return;
	p->relay = relay;
	agent_relays(p->agent, relay != PATH_RELAY_NEVER);
}

const char *path_relay_name(const struct path *p, const struct sa *base)
{
	const char *name = NULL;

	for (int i = 0; p && i < FINDERS && !name; i++)
		if (p->finderv[i] && finders[i]->whose)
			name = finders[i]->whose(p->finderv[i], base);
	return name;
}

const char *path_relay_problem(const struct path *p)
{
	const char *why = NULL;

	for (int i = 0; p && i < FINDERS && !why; i++)
		if (p->finderv[i] && finders[i]->problem)
			why = finders[i]->problem(p->finderv[i]);
	return why;
}
