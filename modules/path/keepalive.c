/*
 * keepalive.c: a short table of networks that forget sooner than most do.
 * paths.c owns it; stunfinder.c and renew.c learn, and ask, as turn.c does.
 */
#include "modules/path/keepalive.h"
#include "sdp/base/clock.h"

#define INTERVAL     (20 * SEC)         /* NATs are said to keep 30 s */
#define INTERVAL_MIN (5 * SEC)          /* as often as consent is asked for */
#define LIFE_MIN     (4 * SEC)          /* what ends sooner is no habit */
#define LIFE_MAX     (24 * 3600 * SEC)

static bool is(const struct keepalive_network *n, const struct sa *local,
	       const struct sa *mapped)
{
	return n->interval && sa_cmp(&n->local, local, SA_ADDR) &&
		sa_cmp(&n->mapped, mapped, SA_ADDR);
}

static const struct keepalive_network *find(const struct keepalive *k,
					    const struct sa *local,
					    const struct sa *mapped)
{
	for (unsigned i = 0; k && i < KEEPALIVE_NETWORKS; i++)
		if (is(&k->v[i], local, mapped))
			return &k->v[i];
	return NULL;
}

/* One more, in place of the oldest. */
static struct keepalive_network *get(struct keepalive *k,
				     const struct sa *local,
				     const struct sa *mapped)
{
	const struct keepalive_network *old = find(k, local, mapped);
	struct keepalive_network *n;

	if (old)
		return &k->v[old - k->v];
	n = &k->v[k->next++ % KEEPALIVE_NETWORKS];
	*n = (struct keepalive_network){
		.local = *local, .mapped = *mapped, .interval = INTERVAL
	};
	return n;
}

uint64_t keepalive_interval(const struct keepalive *k, const struct sa *local,
			    const struct sa *mapped)
{
	const struct keepalive_network *n = find(k, local, mapped);

	return n ? n->interval : INTERVAL;
}

void keepalive_set(struct keepalive *k, const struct sa *local,
		   const struct sa *mapped, uint64_t interval, uint64_t life)
{
	if (interval >= INTERVAL_MIN && interval <= INTERVAL)
		get(k, local, mapped)->interval = interval;
	if (life >= LIFE_MIN && life <= LIFE_MAX)
		get(k, local, mapped)->life = life;
}

static void tell(const struct keepalive *k, const struct keepalive_network *n)
{
	if (k->learnedh)
		k->learnedh(&n->local, &n->mapped,
			    (unsigned)(n->interval / SEC),
			    (unsigned)(n->life / SEC), k->arg);
}

void keepalive_failed(struct keepalive *k, const struct sa *local,
		      const struct sa *mapped, uint64_t idle)
{
	const uint64_t old = keepalive_interval(k, local, mapped);
	const uint64_t half = max(idle / 2, INTERVAL_MIN);
	struct keepalive_network *n;

	if (!k || half >= old)
		return;
	n = get(k, local, mapped);
	n->interval = half;
	tell(k, n);
}

void keepalive_ended(struct keepalive *k, const struct sa *local,
		     const struct sa *mapped, uint64_t age, uint64_t now)
{
	struct keepalive_network *n;

	if (!k || age < LIFE_MIN)
		return;
	n = get(k, local, mapped);
	/* another session's word on the same end */
	if (n->ended_at && now < n->ended_at + age - age / 4)
		return;
	if (max(age, n->ended) - min(age, n->ended) <= age / 4) {
		n->life = max(age, n->ended);
		tell(k, n);
	}
	n->ended = age;
	n->ended_at = now;
}

uint64_t keepalive_life(const struct keepalive *k, const struct sa *local,
			const struct sa *mapped)
{
	const struct keepalive_network *n = find(k, local, mapped);

	return n ? n->life : 0;
}
