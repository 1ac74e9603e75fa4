/*
 * gives.c: a gateway gives a port by each protocol it may know, the best first
 * (modules/path/portmap*.c, igd.c).
 */
#include "tests/unit/modules/portmap/gateway.h"

static void test_pcp(void)
{
	struct gw g;

	gw_init(&g);
	g.pcp = g.natpmp = g.upnp = true;
	g.give = 50000;
	run(&g, 20 * MSEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 50000));
	run(&g, 300 * MSEC);
	CU_ASSERT_EQUAL(portmap_found(g.p), 7);
	CU_ASSERT_EQUAL(g.lifetime, 7200);
	CU_ASSERT_EQUAL(g.maps, 1);
	/* renewed at half life, with the port that was given */
	run(&g, 3601 * SEC);
	CU_ASSERT_EQUAL(g.maps, 2);
	finish(&g);
}

static void test_natpmp(void)
{
	struct gw g;

	gw_init(&g);
	g.natpmp = g.upnp = true;
	run(&g, 240 * MSEC);
	CU_ASSERT(unmapped(&g));        /* PCP may still answer */
	run(&g, 100 * MSEC);
	CU_ASSERT(maps_to(&g, "198.51.100.2", 4000));
	CU_ASSERT_EQUAL(g.http, 0);
	finish(&g);
}

static void test_upnp(void)
{
	struct gw g;

	for (int v = 1; v <= 2; v++) {
		gw_init(&g);
		g.upnp = true;
		g.igd2 = v == 2;
		if (g.igd2)
			g.give = 4711;
		run(&g, 400 * MSEC);
		CU_ASSERT(maps_to(&g, "198.51.100.3", g.give));
		CU_ASSERT_EQUAL(g.http, 3);
		CU_ASSERT_EQUAL(g.lifetime, 7200);
		run(&g, 3601 * SEC);
		CU_ASSERT_EQUAL(g.maps, 2);
		finish(&g);
	}
}

/* The port is taken; no leases; not allowed. */
static void test_upnp_errors(void)
{
	struct gw g;

	gw_init(&g);
	g.upnp = true;
	g.upnp_error = 718;
	run(&g, 400 * MSEC);
	CU_ASSERT_EQUAL(g.maps, 1);
	CU_ASSERT(!unmapped(&g));
	CU_ASSERT(sa_port(portmap_external(g.p)) >= 1024);
	finish(&g);

	gw_init(&g);
	g.upnp = true;
	g.upnp_error = 725;
	run(&g, 400 * MSEC);
	CU_ASSERT(maps_to(&g, "198.51.100.3", 4000));
	CU_ASSERT_EQUAL(g.lifetime, 1); /* "0" was asked for */
	finish(&g);

	gw_init(&g);
	g.upnp = true;
	g.upnp_error = 606;
	run(&g, SEC);
	CU_ASSERT(unmapped(&g));
	CU_ASSERT_EQUAL(g.maps, 0);
	finish(&g);
}

/* What refuses is left for the next best. */
static void test_refused(void)
{
	struct gw g;

	gw_init(&g);
	g.pcp = g.upnp = true;
	g.refuse = 2;
	run(&g, SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.3", 4000));
	finish(&g);

	gw_init(&g);
	g.pcp = g.natpmp = true;
	g.refuse = 2;
	run(&g, SEC);
	CU_ASSERT(unmapped(&g));
	/* it is asked again later */
	g.refuse = 0;
	run(&g, 601 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 4000));
	finish(&g);
}

static void test_ipv6(void)
{
	struct portmap_conf conf = {
		.udph = on_udp, .httph = on_http, .nonce = nonce
	};
	struct gw g;

	gw_init(&g);
	mem_deref(g.p);
	(void)sa_set_str(&conf.gateway, "fe80::1", 0);
	(void)sa_set_str(&conf.local, "2001:db8::2", PORT);
	conf.arg = &g;
	g.natpmp = g.upnp = true;       /* not by IPv6 */
	CU_ASSERT_EQUAL(portmap_alloc(&g.p, &conf), 0);
	run(&g, SEC);
	CU_ASSERT_EQUAL(g.probes, 0);
	CU_ASSERT_EQUAL(portmap_found(g.p), 0);
	finish(&g);
}

static int alloc_one(void *arg)
{
	struct gw g;
	int err = gw_alloc(&g);
	(void)arg;

	mem_deref(err ? NULL : g.p);
	return err;
}

static void test_nomem(void)
{
	FAIL_EACH(alloc_one, NULL);
}

UNIT_SUITE("portmap/gives",
	{ "PCP", test_pcp },
	{ "NAT-PMP", test_natpmp },
	{ "UPnP", test_upnp },
	{ "UPnP, errors", test_upnp_errors },
	{ "refused: the next", test_refused },
	{ "IPv6", test_ipv6 },
	{ "no memory", test_nomem })
