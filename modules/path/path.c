/*
 * path.c: one path: joins agent, finders and a single timer, and reports.
 *
 *   paths.c: a packet, news --+
 *   the timer ----------------+--> path --tick, recv--> finders.c
 *   session: path_gather... --+     |
 *                                   '--local, remote, tick, recv--> agent.c
 *   agent_events --> settle --foundh, consenth, failh, gatheredh--> session
 *
 * Every way in holds the path, does its work and ends with settle: handlers
 * are called last, and whichever of them frees the path, it is only gone
 * when all have returned. What agent and finders call meanwhile is in
 * pathenv.c.
 */
#include <errno.h>
#include <openssl/rand.h>
#include "modules/path/pathenv.h"

static void path_destructor(void *arg)
{
	struct path *p = arg;

	timer_stop(&p->timer);
	mem_deref(p->finders);
	mem_deref(p->links);
	mem_deref(p->agent);
	paths_leave(&p->member);
}

static void hold(struct path *p)
{
	mem_ref(p);
	p->held++;
}

/* What the NATs made of us may have changed. */
static void look_again(struct path *p)
{
	struct finder_env env;

	if (!pathenv_finders(&env, p))
		finders_look_again(p->finders, &env, clock_ns());
}

/* The base in use will not do for much longer. */
static void renew(struct path *p)
{
	struct cand local, remote;
	struct finder_env env;
	struct sa base;

	if (agent_selected(p->agent, &local, &remote) &&
	    !pathenv_finders(&env, p) &&
	    !finders_fresh(p->finders, &env, &local.base, &base, clock_ns()))
		agent_fresh(p->agent, &base, clock_ns());
}

/* While a relay or TCP carries it, what they may find is still wanted. */
static void stop_brief_finders(struct path *p)
{
	struct cand local, remote;

	if (!finders_waiting(p->finders) &&
	    agent_selected(p->agent, &local, &remote) &&
	    local.transp == CAND_UDP && local.type != CAND_RELAY &&
	    remote.type != CAND_RELAY)
		finders_found(p->finders);
}

static void report_found(struct path *p)
{
	struct cand local, remote;

	if (!agent_selected(p->agent, &local, &remote) || !p->h.foundh)
		return;
	if (p->links && p->guessed)
		paths_conf(p->member.ps)->guess_ops->keeph(p->links,
							   &local.base);
	pathenv_scope(&remote.addr, &local.base);
	p->h.foundh(&local, &remote, p->arg);
}

static void report(struct path *p, unsigned ev)
{
	if (ev & AGENT_FOUND)
		report_found(p);
	if (path_alive(p) && ev & AGENT_CONSENT && p->h.consenth)
		p->h.consenth(agent_consent(p->agent), p->arg);
	if (path_alive(p) && ev & (AGENT_NO_PAIR | AGENT_EXPIRED) &&
	    p->h.failh)
		p->h.failh(ev & AGENT_EXPIRED ? PATH_FAIL_CONSENT
			   : PATH_FAIL_CHECKS, p->arg);
	if (path_alive(p) && p->gathering && !finders_waiting(p->finders)) {
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
	if (path_alive(p)) {
		uint64_t t;

		stop_brief_finders(p);
		t = min(agent_next(p->agent), finders_next(p->finders));
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
	finders_tick(p->finders, now);
	agent_tick(p->agent, now);
	settle(p);
}

static void on_recv(int proto, const struct sa *local, const struct sa *src,
		    const struct stun_pkt *m, void *arg)
{
	struct path *p = arg;
	uint64_t now = clock_ns();

	hold(p);
	if (m->cls == STUN_CLASS_REQUEST ||
	    !finders_recv(p->finders, proto, local, src, m, now))
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

static int gather(struct path *p)
{
	struct finder_env env;
	int err = pathenv_finders(&env, p);

	agent_nat64(p->agent, paths_nat64(p->member.ps), clock_ns());
	p->nomem = false;
	if (err)
		pathenv_done(p);
	else
		err = finders_gather(p->finders, &env, clock_ns());
	return p->nomem ? ENOMEM : err;
}

static void addresses_changed(struct path *p)
{
	struct finder_env env;
	struct sa basev[NETIF_MAX];
	size_t n = agent_bases(p->agent, basev, NETIF_MAX);

	if (pathenv_finders(&env, p))
		return;
	for (size_t i = 0; i < n; i++)
		if (!finder_has(&env, &basev[i]))
			pathenv_gone(&basev[i], p);
	(void)gather(p);
}

/* Servers that come late still help a path that looks for a pair, and so does
 * a NAT64. */
static void servers_changed(struct path *p)
{
	struct cand local, remote;

	if (agent_selected(p->agent, &local, &remote))
		agent_nat64(p->agent, paths_nat64(p->member.ps), clock_ns());
	else
		(void)gather(p);
}

static void start_late(struct path *p, const struct finder_kind *kind)
{
	struct finder_env env;

	if (!pathenv_finders(&env, p))
		finders_start(p->finders, kind, &env, clock_ns());
}

static void on_news(enum paths_news news, void *arg)
{
	struct path *p = arg;

	if (!p->begun)
		return;
	hold(p);
	switch (news) {
	case PATHS_ADDRESSES:
		addresses_changed(p);
		break;
	case PATHS_SERVERS:
		servers_changed(p);
		break;
	case PATHS_MAPPINGS:
		start_late(p, &portmap_finder);
		break;
	case PATHS_RELAYS:
		start_late(p, &turn_finder);
		break;
	}
	settle(p);
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
		.controlling = controlling, .guess = &guess_needs,
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
	p->member.newsh = on_news;
	p->member.arg = p;
	err = paths_join(ps, &p->member);
	if (!err && RAND_bytes((uint8_t *)&conf.seed, sizeof conf.seed) != 1)
		err = EIO;
	if (err)
		goto out;
	pathenv_agent(&conf, p);
	err = agent_alloc(&p->agent, &conf);
	if (!err)
		err = finders_alloc(&p->finders, pathenv_cand, pathenv_done,
				    p);
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
	err = gather(p);
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
	return gather(p);
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
	if (!err && path_alive(p))
		err = agent_remote(p->agent, remote, clock_ns());
	if (!err && path_alive(p))
		/* before its checks come to our relays */
		finders_permit(p->finders, remote, clock_ns());
	settle(p);
	return err;
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
	return p ? finders_whose(p->finders, base) : NULL;
}

const char *path_relay_problem(const struct path *p)
{
	return p ? finders_problem(p->finders) : NULL;
}
