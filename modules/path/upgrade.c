/*
 * upgrade.c: to a better kind of path.
 *
 *   2 min after anything changed: checks.c does not give such pairs up
 *   later: all are tried again each minute
 *
 * From a relay or TCP to whatever may work; from the way around to the LAN
 * only if that has worked before. One that answers is nominated as any better
 * pair is (nominate.c).
 */
#include "modules/path/checks.h"
#include "modules/path/upgrade.h"

static bool wants(const struct agent *a)
{
	return a->selected && a->selected->creds == a->cl.creds &&
		candpair_tier(a->selected) > TIER_LAN;
}

static bool hopeful(const struct agent *a, const struct candpair *p)
{
	enum pair_tier tier = candpair_tier(a->selected);

	return p->state == PAIR_FAILED && candpair_tier(p) < tier &&
		(p->heard || tier > TIER_DIRECT);
}

void upgrade_now(struct agent *a, uint64_t now)
{
	struct le *le;

	a->fresh_at = now;
	a->upgrade_at = now + ICE_UPGRADE;
	if (!wants(a))
		return;
	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (hopeful(a, p))
			check_trigger(a, p);
	}
}

void upgrade_run(struct agent *a, uint64_t now)
{
	uint64_t fresh = a->fresh_at;

	if (!wants(a) || now < a->upgrade_at)
		return;
	upgrade_now(a, now);
	/* nothing has changed but the time */
	a->fresh_at = fresh;
}

uint64_t upgrade_next(const struct agent *a)
{
	return wants(a) ? a->upgrade_at : UINT64_MAX;
}
