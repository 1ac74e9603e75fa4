/*
 * host.c: the finder of this host's own addresses. Done within start.
 */
#include <errno.h>
#include "modules/path/finder.h"

bool finder_base(struct sa *base, const struct finder_env *env, size_t i)
{
	uint16_t port = sa_af(&env->netv[i].addr) == AF_INET6 ?
		env->port6 : env->port4;

	*base = env->netv[i].addr;
	sa_set_port(base, port);
	return port != 0;
}

bool finder_has(const struct finder_env *env, const struct sa *sa)
{
	for (size_t i = 0; i < env->netc; i++) {
		struct sa base;

		if (finder_base(&base, env, i) && sa_cmp(&base, sa, SA_ADDR))
			return true;
	}
	return false;
}

uint16_t finder_pref(size_t i)
{
	return (uint16_t)(UINT16_MAX - i);
}

static int start(struct finder **fp, const struct finder_env *env,
		 uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		 void *arg)
{
	(void)now;
	for (size_t i = 0; i < env->netc; i++) {
		struct cand c = { .type = CAND_HOST, .transp = CAND_UDP };

		if (!finder_base(&c.base, env, i))
			continue;
		c.addr = c.base;
		sa_init(&c.rel, AF_UNSPEC);
		c.prio = cand_prio(CAND_HOST, finder_pref(i));
		cand_foundation(&c, NULL);
		candh(&c, arg);
	}
	*fp = NULL;
	doneh(arg);
	return 0;
}

const struct finder_kind host_finder = {
	.name  = "host",
	.start = start,
};
