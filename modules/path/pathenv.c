/*
 * pathenv.c: what the agent and the finders of a path call: packets go out,
 * candidates come, bases go, and the session is told of it. Called by path.c,
 * which settles what follows of it.
 *
 *   agent, finders.c --send, candh, goneh...--> [pathenv] --> sendh, agent
 *                                                     '--candh--> session
 */
#include <errno.h>
#include "modules/path/pathenv.h"

void pathenv_scope(struct sa *remote, const struct sa *local)
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

	pathenv_scope(&to, local);
	return conf->sendh(proto, local, &to, buf, len, conf->arg);
}

/* A relay may have to be asked first whether it takes packets to dst. */
static int send_check(int proto, const struct sa *local,
		      const struct sa *dst, const uint8_t *buf, size_t len,
		      void *arg)
{
	struct path *p = arg;
	int err = ENOENT;

	if (proto == IPPROTO_UDP)
		err = finders_send(p->finders, local, dst, buf, len,
				   clock_ns());
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

void pathenv_cand(const struct cand *c, void *arg)
{
	struct path *p = arg;
	int err = agent_local(p->agent, c, clock_ns());

	p->nomem |= err == ENOMEM;
	if (!err && is_told(c) && path_alive(p) && p->h.candh)
		p->h.candh(c, p->arg);
}

void pathenv_gone(const struct sa *base, void *arg)
{
	struct path *p = arg;

	agent_local_gone(p->agent, base, clock_ns());
	if (p->h.goneh)
		p->h.goneh(base, p->arg);
}

static void on_forged(const struct sa *src, void *arg)
{
	const struct path *p = arg;

	if (p->h.forgedh)
		p->h.forgedh(src, p->arg);
}

static void on_fresh(const struct sa *base, void *arg)
{
	const struct path *p = arg;

	agent_fresh_relay(p->agent, base, clock_ns());
}

void pathenv_done(void *arg)
{
	struct path *p = arg;

	agent_gathered(p->agent, clock_ns());
}

int pathenv_finders(struct finder_env *env, struct path *p)
{
	int err = paths_env(p->member.ps, env, &p->member);

	env->sendh = send_packet;
	env->goneh = pathenv_gone;
	env->forgedh = on_forged;
	env->freshh = on_fresh;
	env->wakeh = p->timer.h;
	env->arg = p;
	env->relays = p->relay != PATH_RELAY_NEVER;
	env->private = p->relay == PATH_RELAY_ONLY;
	return err;
}

void pathenv_agent(struct agent_conf *conf, struct path *p)
{
	conf->sendh = send_check;
	conf->busyh = is_busy;
	conf->forgedh = on_forged;
	conf->keepalive = paths_keepalive(p->member.ps);
	conf->handle = p->member.handle;
	conf->arg = p;
}
