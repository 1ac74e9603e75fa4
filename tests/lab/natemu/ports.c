/*
 * ports.c: the same port, the next one, any, or any of a block that belongs
 * to the inside host (RFC 7422).
 */
#include <math.h>
#include "conf.h"
#include "ports.h"
#include "table.h"

static struct { struct addr host; int lo; } blockv[65536];
static int blockc;
static int next[P_N] = { -1, -1, -1 };
static int64_t noise_at;

void ports_reset(void)
{
	blockc = 0;
}

static bool any_of(enum proto p, struct ep *ext, int lo, int n)
{
	for (int t = 0; t < n * 4; t++) {
		ext->p = (uint16_t)(lo + (int)(rnd() % (unsigned)n));
		if (ext_is_free(p, ext))
			return true;
	}
	return false;
}

/* One block more for this host. */
static bool block_take(const struct addr *host)
{
	int n = (conf.hi - conf.lo + 1) / conf.block, i;

	if (blockc >= n)
		return false;
	for (int t = 0; t < 1000; t++) {
		int lo = conf.lo + (int)(rnd() % (unsigned)n) * conf.block;

		for (i = 0; i < blockc && blockv[i].lo != lo; i++)
			;
		if (i < blockc)
			continue;
		blockv[blockc].host = *host;
		blockv[blockc++].lo = lo;
		return true;
	}
	return false;
}

static bool of_block(enum proto p, const struct ep *in, struct ep *ext)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < blockc; i++)
			if (addr_eq(&blockv[i].host, &in->a) &&
			    any_of(p, ext, blockv[i].lo, conf.block))
				return true;
		if (!block_take(&in->a))
			break;
	}
	return false;
}

/* How many ports others have taken since the last time: Poisson. */
static int noise(void)
{
	double mean = conf.noise * (double)(now - noise_at) / SEC, l = 1;
	int k = 0;

	noise_at = now;
	if (mean > 50)
		return (int)mean;
	for (mean = exp(-mean); (l *= rnd01()) > mean; )
		k++;
	return k;
}

static bool in_order(enum proto p, struct ep *ext)
{
	int span = conf.hi - conf.lo + 1;

	if (next[p] < 0)
		next[p] = conf.start >= 0 ? conf.start - conf.lo
					  : (int)(rnd() % (unsigned)span);
	if (conf.noise > 0)
		next[p] = (next[p] + conf.delta * noise()) % span;
	for (int i = 0; i < span; i++) {
		ext->p = (uint16_t)(conf.lo + (next[p] % span + span) % span);
		next[p] = (next[p] + conf.delta) % span;
		if (ext_is_free(p, ext))
			return true;
	}
	return false;
}

bool port_pick(enum proto p, const struct ep *in, struct ep *ext)
{
	switch (conf.alloc) {
	case BLOCK: return of_block(p, in, ext);
	case SEQ:   return in_order(p, ext);
	case PRESERVE:
		ext->p = in->p;
		if (ext_is_free(p, ext))
			return true;
		COUNT(port_not_preserved);
		break;
	}
	return any_of(p, ext, conf.lo, conf.hi - conf.lo + 1);
}
