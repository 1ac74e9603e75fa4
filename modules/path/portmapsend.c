/*
 * portmapsend.c: what is sent to a gateway: probes and requests of each
 * protocol, and the table of them. Called by portmapstep.c.
 */
#include "modules/path/natpmp.h"
#include "modules/path/portmapimpl.h"

static void udp(const struct portmap *p, uint16_t port, const void *buf,
		size_t len)
{
	struct sa dst = p->conf.gateway;

	sa_set_port(&dst, port);
	if (len)
		p->conf.udph(&dst, buf, len, p->conf.arg);
}

static void pcp_probe(struct portmap *p)
{
	uint8_t buf[PCP_REQUEST_MAX];

	udp(p, PCP_PORT, buf,
	    pcp_announce(buf, sizeof buf, &p->conf.local));
}

static void natpmp_probe(struct portmap *p)
{
	uint8_t buf[NATPMP_REQUEST_MAX];

	if (portmap_is_v4(p))
		udp(p, PCP_PORT, buf, natpmp_address(buf, sizeof buf));
}

/* To the gateway itself, which a firewall of our own lets answer, and to
 * all; version 1 is what the older answer to, 2 is what some newer do. */
static void upnp_probe(struct portmap *p)
{
	char buf[UPNP_REQUEST_MAX];
	struct sa all, gw = p->conf.gateway;

	if (!portmap_is_v4(p))
		return;
	sa_set_port(&gw, UPNP_SSDP_PORT);
	(void)sa_set_str(&all, "239.255.255.250", UPNP_SSDP_PORT);
	for (unsigned v = 1; v <= 2; v++) {
		udp(p, UPNP_SSDP_PORT, buf,
		    upnp_search(buf, sizeof buf, &gw, v));
		p->conf.udph(&all, (uint8_t *)buf,
			     upnp_search(buf, sizeof buf, &all, v),
			     p->conf.arg);
	}
}

static void pcp_ask(struct portmap *p, uint32_t lifetime)
{
	const struct pcp_want want = {
		&p->conf.local, &p->external, p->nonce, lifetime
	};
	uint8_t buf[PCP_REQUEST_MAX];

	udp(p, PCP_PORT, buf, pcp_map(buf, sizeof buf, &want));
}

static void natpmp_ask(struct portmap *p, uint32_t lifetime)
{
	uint16_t in = sa_port(&p->conf.local);
	uint16_t ext = sa_isset(&p->external, SA_PORT)
		? sa_port(&p->external) : in;
	uint8_t buf[NATPMP_REQUEST_MAX];

	udp(p, PCP_PORT, buf, natpmp_map(buf, sizeof buf, in,
					 lifetime ? ext : 0, lifetime));
}

void portmap_fetch(struct portmap *p)
{
	static const struct pl none;
	char req[UPNP_REQUEST_MAX];
	struct sa dst;
	size_t n = igd_request(req, sizeof req, &dst, &p->igd);

	p->fetching = n && !p->conf.httph(&dst, req, n, p->conf.arg);
	if (!p->fetching)
		(void)igd_answer(&p->igd, 0, &none);
}

static void upnp_ask(struct portmap *p, uint32_t lifetime)
{
	if (p->fetching)
		return;         /* its answer will lead on */
	if (lifetime)
		igd_map(&p->igd, &p->conf.local, lifetime);
	else
		igd_remove(&p->igd);
	portmap_fetch(p);
}

/* In the order of preference. */
const struct portmap_kind portmap_kinds[PORTMAP_PROTOS] = {
	[PORTMAP_PCP] = { "PCP", pcp_probe, pcp_ask, pcp_epoch_lost },
	[PORTMAP_NATPMP] = { "NAT-PMP", natpmp_probe, natpmp_ask,
			     natpmp_epoch_lost },
	[PORTMAP_UPNP] = { "UPnP", upnp_probe, upnp_ask, NULL },
};
