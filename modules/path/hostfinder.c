/*
 * hostfinder.c: the finder of this host's own addresses. Done within start.
 */
#include "modules/path/finder.h"

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
