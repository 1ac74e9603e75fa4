/*
 * portmapfinder.c: the finder of addresses that gateways have mapped to our
 * port. Done within start: mapper.c does the work, once for all paths, and a
 * path starts this again when that has changed.
 */
#include "modules/path/finder.h"
#include "modules/path/path.h"

static void report(const struct finder_env *env, size_t i,
		   finder_cand_h *candh, void *arg)
{
	struct cand c = { .type = CAND_SRFLX, .transp = CAND_UDP };

	if (!finder_base(&c.base, env, i))
		return;
	for (size_t k = 0; k < env->mapc; k++) {
		if (!sa_cmp(&env->mapv[k].base, &c.base, SA_ALL) ||
		    sa_cmp(&env->mapv[k].external, &c.base, SA_ALL))
			continue;
		c.addr = env->mapv[k].external;
		c.rel = c.base;
		c.prio = cand_prio(CAND_SRFLX, finder_pref(i));
		cand_foundation(&c, &env->mapv[k].external);
		candh(&c, arg);
	}
}

static int start(struct finder **fp, const struct finder_env *env,
		 uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		 void *arg)
{
	(void)now;
	for (size_t i = 0; i < env->netc; i++)
		report(env, i, candh, arg);
	*fp = NULL;
	doneh(arg);
	return 0;
}

const struct finder_kind portmap_finder = {
	.name  = "portmap",
	.start = start,
};
