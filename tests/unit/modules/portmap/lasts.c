/*
 * lasts.c: gateways that forget, are deaf for a while or are not there,
 * others that answer in their place, and the end of a mapping
 * (modules/path/portmap*.c).
 */
#include "tests/unit/modules/portmap/gateway.h"

static void test_lost(void)
{
	struct gw g;

	gw_init(&g);
	g.pcp = true;
	run(&g, 1000 * SEC);
	CU_ASSERT_EQUAL(g.maps, 1);
	/* it begins anew, and forgets */
	g.began = g.now;
	g.mapped = 0;
	g.give = 5000;
	run(&g, 61 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 5000));
	CU_ASSERT_EQUAL(g.maps, 2);
	/* it is gone: what it gave ends with the lease, then it comes back */
	g.deaf = true;
	run(&g, 7300 * SEC);
	CU_ASSERT(unmapped(&g));
	g.deaf = false;
	run(&g, 700 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 5000));
	finish(&g);
}

/* It says that it has begun anew, and is slow to do more. */
static void test_lost_slow(void)
{
	const uint8_t announce[24] = { 2, 0x80, [11] = 1 };
	struct gw g;

	(void)gw_init(&g);
	g.pcp = true;
	run(&g, 30 * SEC);
	CU_ASSERT_EQUAL(g.maps, 1);
	g.began = g.now - SEC;
	g.mapped = 0;
	g.give = 5000;
	g.deaf = true;
	portmap_recv(g.p, &g.addr, announce, sizeof announce, g.now);
	run(&g, 10 * SEC);
	CU_ASSERT(!unmapped(&g));       /* as far as we know */
	g.deaf = false;
	run(&g, 35 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 5000));
	finish(&g);
}

/* One lost packet, of each kind, does no harm. */
static void test_loss(void)
{
	struct gw g;

	gw_init(&g);
	g.pcp = true;
	g.deaf = true;
	run(&g, 50 * MSEC);
	g.deaf = false;
	run(&g, 100 * MSEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 4000));
	finish(&g);

	gw_init(&g);
	g.natpmp = true;
	run(&g, 249 * MSEC);
	g.deaf = true;
	run(&g, 100 * MSEC);
	CU_ASSERT(unmapped(&g));
	g.deaf = false;
	run(&g, 400 * MSEC);
	CU_ASSERT(maps_to(&g, "198.51.100.2", 4000));
	finish(&g);
}

/* Nobody there: from round to round quiet for longer. A late answer still
 * counts. */
static void test_nothing(void)
{
	struct gw g;

	gw_init(&g);
	run(&g, 300 * SEC);
	CU_ASSERT(unmapped(&g));
	g.natpmp = true;
	run(&g, 10 * SEC);
	CU_ASSERT_EQUAL(g.probes, 0);
	do_natpmp(&g, (const uint8_t *)"\0\0", 2);
	run(&g, SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.2", 4000));
	finish(&g);
}

/* Only starting, or too busy to answer in time: it is asked again soon. What
 * it has is known meanwhile. */
static void test_starting(void)
{
	struct gw g;

	gw_init(&g);
	g.pcp = g.upnp = true;
	g.deaf = true;
	run(&g, SEC);
	g.deaf = false;
	run(&g, 2 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 4000));
	finish(&g);

	gw_init(&g);
	g.upnp = true;
	run(&g, 251 * MSEC);
	g.deaf = true;
	run(&g, 50 * MSEC);
	CU_ASSERT(unmapped(&g));
	CU_ASSERT_EQUAL(portmap_found(g.p), 1 << PORTMAP_UPNP);
	run(&g, 2 * SEC);
	CU_ASSERT_EQUAL(portmap_found(g.p), 1 << PORTMAP_UPNP);
	g.deaf = false;
	run(&g, 5 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.3", 4000));
	finish(&g);

	/* one that refuses is asked less and less */
	gw_init(&g);
	g.natpmp = true;
	g.refuse = 2;
	run(&g, 3600 * SEC);
	CU_ASSERT(unmapped(&g));
	CU_ASSERT(g.probes > 8 && g.probes < 40);
	finish(&g);
}

/* From another address, with another nonce, for another port, unasked. */
static void test_spoofed(void)
{
	uint8_t pcp[60] = { 2, 0x81 }, pmp[16] = { 0, 129 };
	struct sa other;
	struct gw g;

	gw_init(&g);
	wire_put32(pcp + 4, 7200);
	pcp[36] = 17;
	wire_put16(pcp + 40, PORT);
	wire_put16(pcp + 42, 666);
	memset(pcp + 54, 0xff, 2);
	wire_put32(pcp + 56, 0x06060606);
	wire_put16(pmp + 8, PORT);
	wire_put16(pmp + 10, 666);
	wire_put32(pmp + 12, 7200);
	(void)sa_set_str(&other, "10.0.0.66", 5351);
	g.pcp = true;
	g.refuse = 8;
	run(&g, 5 * MSEC);
	do_pcp(&g, (const uint8_t *)"\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	       "\377\377\12\0\0\2", 24);
	portmap_recv(g.p, &g.addr, pcp, sizeof pcp, g.now);
	portmap_recv(g.p, &other, pcp, sizeof pcp, g.now);
	portmap_recv(g.p, &g.addr, pmp, sizeof pmp, g.now);
	CU_ASSERT(unmapped(&g));
	g.refuse = 0;
	run(&g, 601 * SEC);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 4000));
	portmap_recv(g.p, &g.addr, pcp, sizeof pcp, g.now);
	portmap_recv(g.p, &other, pmp, sizeof pmp, g.now);
	CU_ASSERT(maps_to(&g, "198.51.100.1", 4000));
	finish(&g);

	/* NAT-PMP has no secret: only who sends it counts */
	gw_init(&g);
	g.natpmp = true;
	run(&g, 251 * MSEC);
	portmap_recv(g.p, &other, pmp, sizeof pmp, g.now);
	CU_ASSERT(unmapped(&g));
	run(&g, SEC);
	portmap_recv(g.p, &other, (const uint8_t *)"\0\x80\0\0\0\0\0\2"
		     "\6\6\6\6", 12, g.now);
	CU_ASSERT(maps_to(&g, "198.51.100.2", 4000));
	finish(&g);
}

/* Released while it is being asked, or before. */
static void test_release(void)
{
	struct gw g;

	gw_init(&g);
	portmap_release(g.p, g.now);
	CU_ASSERT(portmap_released(g.p));
	mem_deref(g.p);

	gw_init(&g);
	g.pcp = true;
	run(&g, 7 * MSEC);
	finish(&g);

	for (unsigned ms = 250; ms < 290; ms += 5) {
		gw_init(&g);
		g.upnp = true;
		run(&g, ms * MSEC);
		finish(&g);
	}
	/* a gateway that says nothing any more holds nobody up */
	gw_init(&g);
	g.pcp = true;
	run(&g, SEC);
	g.pcp = false;
	portmap_release(g.p, g.now);
	run(&g, 301 * MSEC);
	CU_ASSERT(portmap_released(g.p));
	mem_deref(g.p);
}

UNIT_SUITE("portmap/lasts",
	{ "state lost", test_lost },
	{ "lost and slow", test_lost_slow },
	{ "packets lost", test_loss },
	{ "nothing there", test_nothing },
	{ "only starting", test_starting },
	{ "spoofed", test_spoofed },
	{ "release", test_release })
