/*
 * portmap.c: a gateway's door: what comes in and what time it is; what
 * follows of it is decided in portmapstep.c. Called by mapper.c.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/natpmp.h"
#include "modules/path/portmapstep.h"

enum { TRIES = 4, RELEASE_TRIES = 3 };

const char *portmap_proto_name(enum portmap_proto proto)
{
	return portmap_kinds[proto].name;
}

int portmap_alloc(struct portmap **pp, const struct portmap_conf *conf)
{
	struct portmap *p;

	if (!pp || !conf || !conf->udph || !conf->httph || !conf->nonce ||
	    !sa_port(&conf->local))
		return EINVAL;
	p = mem_zalloc(sizeof *p, NULL);
	if (!p)
		return ENOMEM;
	p->conf = *conf;
	p->renew = p->expires = p->poll = UINT64_MAX;
	sa_init(&p->external, AF_UNSPEC);
	memcpy(p->nonce, conf->nonce, sizeof p->nonce);
	*pp = p;
	return 0;
}

static bool usable(const struct sa *external)
{
	return sa_isset(external, SA_ALL) && !sa_is_any(external) &&
		!sa_is_loopback(external);
}

static void recv_pcp(struct portmap *p, const uint8_t *buf, size_t len,
		     uint64_t now)
{
	struct pcp_answer a;

	if (pcp_decode(&a, buf, len))
		return;
	if (a.op == PCP_ANNOUNCE) {
		if (a.result != PCP_SUCCESS)
			return;
		portmap_note_epoch(p, PORTMAP_PCP, a.epoch, now);
		portmap_found_by(p, PORTMAP_PCP, now);
		return;
	}
	if (p->proto != PORTMAP_PCP || !p->asking ||
	    memcmp(a.nonce, p->nonce, sizeof p->nonce) ||
	    a.internal != sa_port(&p->conf.local))
		return;
	portmap_note_epoch(p, PORTMAP_PCP, a.epoch, now);
	if (p->state == PM_RELEASING)
		p->state = PM_OVER;
	else if (a.result == PCP_SUCCESS && a.lifetime &&
		 usable(&a.external))
		portmap_granted(p, &a.external, a.lifetime, now);
	else
		portmap_refused(p, now);
}

static void natpmp_address_is(struct portmap *p, uint32_t address)
{
	p->address = address;
	if (p->proto == PORTMAP_NATPMP && p->state == PM_MAPPED && address)
		sa_set_in(&p->external, address, sa_port(&p->external));
}

static void natpmp_mapped(struct portmap *p, const struct natpmp_answer *a,
			  uint64_t now)
{
	struct sa external;

	sa_set_in(&external, p->address, a->external);
	if (p->state == PM_RELEASING)
		p->state = PM_OVER;
	else if (!a->result && a->lifetime && usable(&external))
		portmap_granted(p, &external, a->lifetime, now);
	else
		portmap_refused(p, now);
}

static void recv_natpmp(struct portmap *p, const uint8_t *buf, size_t len,
			uint64_t now)
{
	struct natpmp_answer a;

	if (natpmp_decode(&a, buf, len))
		return;
	if (a.map) {
		if (p->proto == PORTMAP_NATPMP && p->asking && (a.result ||
		    a.internal == sa_port(&p->conf.local))) {
			portmap_note_epoch(p, PORTMAP_NATPMP, a.epoch, now);
			natpmp_mapped(p, &a, now);
		}
		return;
	}
	if (a.result)
		return;
	portmap_note_epoch(p, PORTMAP_NATPMP, a.epoch, now);
	natpmp_address_is(p, a.address);
	portmap_found_by(p, PORTMAP_NATPMP, now);
}

/* The gateway alone is heard, by whatever port it answers; all three differ
 * in their first byte. */
void portmap_recv(struct portmap *p, const struct sa *src,
		  const uint8_t *buf, size_t len, uint64_t now)
{
	if (!len || !sa_cmp(src, &p->conf.gateway, SA_ADDR) ||
	    p->state == PM_OVER)
		return;
	if (buf[0] == 2)
		recv_pcp(p, buf, len, now);
	else if (!buf[0] && portmap_is_v4(p))
		recv_natpmp(p, buf, len, now);
	else if (portmap_is_v4(p) &&
		 !igd_locate(&p->igd, src, (const char *)buf, len))
		portmap_found_by(p, PORTMAP_UPNP, now);
}

void portmap_http(struct portmap *p, unsigned scode, const struct pl *body,
		  uint64_t now)
{
	enum igd_result r;

	if (!p->fetching)
		return;
	p->fetching = false;
	r = igd_answer(&p->igd, scode, body);
	if (p->state == PM_RELEASING) {
		if (r == IGD_GRANTED)
			portmap_kinds[PORTMAP_UPNP].ask(p, 0);
		else
			p->state = PM_OVER;
		return;
	}
	if (!p->asking)
		return;         /* begun anew meanwhile */
	if (r == IGD_MORE)
		portmap_fetch(p);
	if (r == IGD_GRANTED)
		portmap_granted(p, &p->igd.external, p->igd.lifetime
				? p->igd.lifetime : UINT32_MAX, now);
	else if (!p->fetching)
		portmap_silent(p, now);
}

static void tick_probing(struct portmap *p, uint64_t now)
{
	if (!p->started)
		portmap_begin(p, now);
	else if (now >= p->started + PORTMAP_PROBE_END) {
		portmap_choose(p, now);
	}
	else if (now >= p->resend) {
		p->resend = p->started + PORTMAP_PROBE_END;
		portmap_probe(p);
	}
}

static void tick_asking(struct portmap *p, uint64_t now)
{
	if (now < p->resend || p->fetching)
		return;
	if (p->txc < TRIES && p->proto != PORTMAP_UPNP)
		portmap_transmit(p, now);
	else
		portmap_silent(p, now);
}

static void tick_mapped(struct portmap *p, uint64_t now)
{
	if (now >= p->expires)
		portmap_begin(p, now);
	else if (p->asking)
		tick_asking(p, now);
	else if (now >= p->renew)
		portmap_ask(p, now);
	else if (now >= p->poll) {
		p->poll = now + PORTMAP_POLL;
		portmap_kinds[p->proto].probe(p);
	}
}

static void tick_releasing(struct portmap *p, uint64_t now)
{
	if (now < p->resend || p->fetching)
		return;
	if (p->txc < RELEASE_TRIES && p->proto != PORTMAP_UPNP)
		portmap_transmit(p, now);
	else
		p->state = PM_OVER;
}

void portmap_tick(struct portmap *p, uint64_t now)
{
	switch (p->state) {
	case PM_PROBING:
		tick_probing(p, now);
		break;
	case PM_RESTING:
		if (now >= p->resend)
			portmap_begin(p, now);
		break;
	case PM_ASKING:
		tick_asking(p, now);
		break;
	case PM_MAPPED:
		tick_mapped(p, now);
		break;
	case PM_RELEASING:
		tick_releasing(p, now);
		break;
	case PM_OVER:
		break;
	}
}

uint64_t portmap_next(const struct portmap *p)
{
	uint64_t resend = p->fetching ? UINT64_MAX : p->resend;

	switch (p->state) {
	case PM_PROBING:
		return !p->started ? 0 :
			min(resend, p->started + PORTMAP_PROBE_END);
	case PM_MAPPED:
		return min(p->expires, p->asking ? resend
			   : min(p->renew, p->poll));
	case PM_OVER:
		return UINT64_MAX;
	default:
		return resend;
	}
}

const struct sa *portmap_external(const struct portmap *p)
{
	return &p->external;
}

unsigned portmap_found(const struct portmap *p)
{
	return p->found | (p->state == PM_PROBING ? p->before : 0);
}

void portmap_release(struct portmap *p, uint64_t now)
{
	bool asked = p->state == PM_ASKING || p->state == PM_MAPPED;

	if (p->state == PM_RELEASING || p->state == PM_OVER)
		return;
	if (!asked || (p->proto == PORTMAP_UPNP && !p->fetching &&
		       !p->igd.mapped)) {
		p->state = PM_OVER;
		return;
	}
	p->state = PM_RELEASING;
	portmap_ask(p, now);
}

bool portmap_released(const struct portmap *p)
{
	return p->state == PM_OVER;
}
