/*
 * keepalive.c: a short table of networks that forget sooner than most do.
 * paths.c owns it; stunfinder.c learns, and turn.c asks as well.
 */
#include "modules/path/keepalive.h"
#include "sdp/base/clock.h"

#define INTERVAL     (20 * SEC)         /* NATs are said to keep 30 s */
#define INTERVAL_MIN (5 * SEC)          /* as often as consent is asked for */

static bool is(const struct keepalive_network *n, const struct sa *local,
	       const struct sa *mapped)
{
	return n->interval && sa_cmp(&n->local, local, SA_ADDR) &&
		sa_cmp(&n->mapped, mapped, SA_ADDR);
}

uint64_t keepalive_interval(const struct keepalive *k, const struct sa *local,
			    const struct sa *mapped)
{
	for (unsigned i = 0; k && i < KEEPALIVE_NETWORKS; i++)
		if (is(&k->v[i], local, mapped))
			return k->v[i].interval;
	return INTERVAL;
}

void keepalive_set(struct keepalive *k, const struct sa *local,
		   const struct sa *mapped, uint64_t interval)
{
	struct keepalive_network *n = NULL;

	if (interval < INTERVAL_MIN || interval > INTERVAL)
		return;
	for (unsigned i = 0; i < KEEPALIVE_NETWORKS && !n; i++)
		if (is(&k->v[i], local, mapped))
			n = &k->v[i];
	if (!n)
		n = &k->v[k->next++ % KEEPALIVE_NETWORKS];
	n->local = *local;
	n->mapped = *mapped;
	n->interval = interval;
}

void keepalive_failed(struct keepalive *k, const struct sa *local,
		      const struct sa *mapped, uint64_t idle)
{
	const uint64_t old = keepalive_interval(k, local, mapped);
	const uint64_t half = max(idle / 2, INTERVAL_MIN);

	if (!k || half >= old)
		return;
	keepalive_set(k, local, mapped, half);
	if (k->learnedh)
		k->learnedh(local, mapped, (unsigned)(half / SEC), k->arg);
}
