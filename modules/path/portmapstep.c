/*
 * portmapstep.c: the only place that knows what follows what.
 *
 *   PROBING --250 ms, or the best has answered--> ASKING --granted--> MAPPED
 *      ^  '-- nothing --> RESTING <--all refused----'                   |
 *      |                   | 2 s, twice that each time, up to 10 min;   |
 *      |                   | or a late answer                           |
 *      '-------------------'<---- the lease ran out --------------------'
 *   any --portmap_release--> RELEASING --> OVER
 *
 * A gateway that is only starting, or busy for a moment, is so asked again
 * before anybody misses it.
 *
 * MAPPED: renewed at half life; asked once a minute how long the gateway has
 * been up, and mapped again when it has forgotten. Called by portmap.c.
 */
#include <string.h>
#include "modules/path/portmapstep.h"

#define RTO         (250 * MSEC)        /* RFC 6886 section 3.1 */
#define RELEASE_RTO (100 * MSEC)
#define REST_MIN    (2 * SEC)
#define REST_MAX    (600 * SEC)
#define RENEW_MIN   (4 * SEC)
#define FORGOTTEN   (60 * SEC)          /* left to have it mapped again */

enum {
	LIFETIME = 7200,                /* s */
	LIFETIME_MIN = 30,              /* s; less is taken as this */
	LIFETIME_MAX = 86400,
};

void portmap_transmit(struct portmap *p, uint64_t now)
{
	if (p->state == PM_RELEASING) {
		p->resend = now + RELEASE_RTO;
		p->txc++;
		portmap_kinds[p->proto].ask(p, 0);
	}
	else {
		p->resend = now + (RTO << p->txc++);
		portmap_kinds[p->proto].ask(p, LIFETIME);
	}
	/* HTTP has a time limit of its own */
	if (p->proto == PORTMAP_UPNP)
		p->resend = p->fetching ? UINT64_MAX : now;
}

void portmap_ask(struct portmap *p, uint64_t now)
{
	p->asking = true;
	p->txc = 0;
	portmap_transmit(p, now);
}

static void rest(struct portmap *p, uint64_t now)
{
	p->state = PM_RESTING;
	p->rest = min(p->rest ? 2 * p->rest : REST_MIN, REST_MAX);
	p->resend = now + p->rest;
}

/* The best that answers and has not refused. */
void portmap_choose(struct portmap *p, uint64_t now)
{
	for (int i = 0; i < PORTMAP_PROTOS; i++) {
		if (!(p->found & ~p->failed & 1u << i))
			continue;
		p->proto = (enum portmap_proto)i;
		p->state = PM_ASKING;
		portmap_ask(p, now);
		return;
	}
	rest(p, now);
}

static void unmap(struct portmap *p)
{
	sa_init(&p->external, AF_UNSPEC);
	p->renew = p->expires = p->poll = UINT64_MAX;
	p->asking = false;
}

void portmap_probe(struct portmap *p)
{
	for (int i = 0; i < PORTMAP_PROTOS; i++)
		if (!(p->found & 1u << i))
			portmap_kinds[i].probe(p);
}

/* What was found before may be gone, what refused may do it now. */
void portmap_begin(struct portmap *p, uint64_t now)
{
	unmap(p);
	p->before = p->found;
	p->found = p->failed = 0;
	p->state = PM_PROBING;
	p->started = now;
	p->resend = now + PORTMAP_PROBE_AGAIN;
	memset(&p->igd, 0, sizeof p->igd);
	memset(p->epoch, 0, sizeof p->epoch);
	portmap_probe(p);
}

void portmap_granted(struct portmap *p, const struct sa *external,
		     uint32_t lifetime, uint64_t now)
{
	uint64_t s = min(max(lifetime, (uint32_t)LIFETIME_MIN),
			 (uint32_t)LIFETIME_MAX);

	p->asking = false;
	if (p->state == PM_RELEASING)
		return;
	p->state = PM_MAPPED;
	p->rest = 0;
	p->external = *external;
	p->renew = now + s * SEC / 2;
	p->expires = now + s * SEC;
	p->poll = portmap_kinds[p->proto].lost ? now + PORTMAP_POLL
		: UINT64_MAX;
}

void portmap_refused(struct portmap *p, uint64_t now)
{
	p->failed |= 1u << p->proto;
	unmap(p);
	if (p->state == PM_RELEASING)
		p->state = PM_OVER;
	else
		portmap_choose(p, now);
}

/* No answer. A renewal is tried again in half of what is left. */
void portmap_silent(struct portmap *p, uint64_t now)
{
	if (p->state != PM_MAPPED) {
		portmap_refused(p, now);
		return;
	}
	p->asking = false;
	p->renew = now + max((p->expires - min(now, p->expires)) / 2,
			     (uint64_t)RENEW_MIN);
}

void portmap_found_by(struct portmap *p, enum portmap_proto proto,
		      uint64_t now)
{
	if (p->found & 1u << proto)
		return;
	p->found |= 1u << proto;
	if (p->state == PM_RESTING || (p->state == PM_PROBING && !proto))
		portmap_choose(p, now);
}

/* A gateway that has begun anew has forgotten us. */
void portmap_note_epoch(struct portmap *p, enum portmap_proto proto,
			uint32_t value, uint64_t now)
{
	struct portmap_epoch *e = &p->epoch[proto];
	bool lost = e->known && portmap_kinds[proto].lost(e->value, value,
						   (now - e->at) / SEC);

	*e = (struct portmap_epoch){ true, value, now };
	if (!lost || p->state != PM_MAPPED || p->proto != proto || p->asking)
		return;
	/* should it not answer now, it is asked soon again */
	p->expires = min(p->expires, now + FORGOTTEN);
	portmap_ask(p, now);
}
