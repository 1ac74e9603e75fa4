/*
 * sparefinder.c: the finder that brings a new base before the NAT ends the
 * mapping of the one in use (renew.c): a socket beside the worker's own.
 *
 *   fresh --> the socket that is not in use goes --> another is opened
 *         --> what STUN servers see of it
 *
 * Two at most: what still comes by the one that was left is heard until the
 * next is opened. Started with the others; asked when AGENT_RENEW says so.
 */
#include <errno.h>
#include "modules/path/finder.h"
#include "modules/path/path.h"

enum { SPARES = 2 };

struct spare {
	struct finder *f;
	struct guess_links *link;       /* NULL: none */
	struct sa base;
	struct finder *stun;            /* while it asks */
	bool told;                      /* it has asked enough */
};

struct finder {
	finder_cand_h *candh;
	void *arg;
	struct spare sparev[SPARES];
};

static void close_spare(struct spare *s)
{
	s->stun = mem_deref(s->stun);
	s->link = mem_deref(s->link);
}

static void finder_destructor(void *arg)
{
	struct finder *f = arg;

	for (int i = 0; i < SPARES; i++)
		close_spare(&f->sparev[i]);
}

static int start(struct finder **fp, const struct finder_env *env,
		 uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		 void *arg)
{
	struct finder *f = NULL;
	(void)now;

	if (env->guess_ops) {
		f = mem_zalloc(sizeof *f, finder_destructor);
		if (!f)
			return ENOMEM;
		f->candh = candh;
		f->arg = arg;
		for (int i = 0; i < SPARES; i++)
			f->sparev[i].f = f;
	}
	*fp = f;
	doneh(arg);
	return 0;
}

static void stun_cand(const struct cand *c, void *arg)
{
	const struct finder *f = ((struct spare *)arg)->f;

	f->candh(c, f->arg);
}

/* Within the finder's own call: it goes in the next tick. */
static void stun_done(void *arg)
{
	((struct spare *)arg)->told = true;
}

static struct spare *idle_one(struct finder *f, const struct sa *in_use)
{
	struct spare *s = f->sparev;

	return s->link && sa_cmp(&s->base, in_use, SA_ALL) ? s + 1 : s;
}

static int fresh(struct finder *f, const struct finder_env *env,
		 const struct sa *in_use, struct sa *base, uint64_t now)
{
	struct spare *s = idle_one(f, in_use);
	struct netif own = { .addr = *in_use };
	struct finder_env e = *env;
	int err;

	if (s->link)
		env->goneh(&s->base, env->arg);
	close_spare(s);
	s->base = *in_use;
	sa_set_port(&s->base, 0);
	err = env->guess_ops->oneh(&s->link, &s->base, env->guess_ops->arg);
	if (err)
		return err;
	e.netv = &own;
	e.netc = 1;
	e.port4 = e.port6 = sa_port(&s->base);
	s->told = false;
	*base = s->base;
	return stun_finder.start(&s->stun, &e, now, stun_cand, stun_done, s);
}

static bool recv_answer(struct finder *f, int proto, const struct sa *local,
			const struct sa *src, const struct stun_pkt *m,
			uint64_t now)
{
	for (int i = 0; i < SPARES; i++) {
		struct finder *stun = f->sparev[i].stun;

		if (stun && stun_finder.recv(stun, proto, local, src, m, now))
			return true;
	}
	return false;
}

static void tick(struct finder *f, uint64_t now)
{
	for (int i = 0; i < SPARES; i++) {
		struct spare *s = &f->sparev[i];

		/* checks keep open what is used */
		if (s->stun && s->told)
			s->stun = mem_deref(s->stun);
		if (s->stun)
			stun_finder.tick(s->stun, now);
	}
}

static uint64_t next(const struct finder *f)
{
	uint64_t t = UINT64_MAX;

	for (int i = 0; i < SPARES; i++) {
		const struct spare *s = &f->sparev[i];

		if (s->stun)
			t = min(t, s->told ? 0 : stun_finder.next(s->stun));
	}
	return t;
}

/* The sockets stay, and with them what is in use. */
static void again(struct finder *f, const struct finder_env *env, uint64_t now)
{
	(void)f;
	(void)env;
	(void)now;
}

const struct finder_kind spare_finder = {
	.name  = "spare",
	.start = start,
	.recv  = recv_answer,
	.tick  = tick,
	.next  = next,
	.again = again,
	.fresh = fresh,
};
