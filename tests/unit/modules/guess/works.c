/*
 * works.c: ports are guessed (modules/path/guess.c), whichever side is hard
 * and however it draws them; sooner where it has worked before, and through a
 * NAT64.
 */
#include "tests/unit/modules/guess/twosides.h"

/* One draws lots, either side: 20 of 20 within 7 s, and 256 mappings. */
static void test_lots(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		const int hard = (int)(seed & 1);
		struct net n;

		net_init(&n, seed, hard ? KEEPS : LOTS, hard ? LOTS : KEEPS);
		meet(&n);
		run(&n, 7 * SEC);
		CU_ASSERT(joined(&n));
		CU_ASSERT(n.s[hard].opened <= 224);
		CU_ASSERT(n.s[hard].mapc <= 256);
		CU_ASSERT(n.s[!hard].sent < 2200);
		CU_ASSERT_EQUAL(n.s[!hard].opened, 0);
		CU_ASSERT_EQUAL(n.s[0].worked + n.s[1].worked, 2);
		net_close(&n);
	}
}

/* It counts: the next ports are enough, no sockets are opened. */
static void test_counts(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct net n;

		net_init(&n, seed, COUNTS, KEEPS);
		/* others take some in between */
		n.s[0].port = (uint16_t)(n.s[0].port + seed);
		meet(&n);
		run(&n, 1500 * MSEC);
		CU_ASSERT(joined(&n));
		CU_ASSERT_EQUAL(n.s[0].opened, 0);
		CU_ASSERT(n.s[0].mapc < 10);
		net_close(&n);
	}
}

/* Where it worked the last time it begins soon. */
static void test_soon(void)
{
	uint64_t when[2];

	for (int soon = 0; soon < 2; soon++) {
		struct net n;

		net_init(&n, 3, COUNTS, KEEPS);
		for (int i = 0; i < 2 && soon; i++)
			agent_guess_soon(n.s[i].a);
		meet(&n);
		while (n.now < 3 * SEC && !(n.s[0].found && n.s[1].found))
			run(&n, 10 * MSEC);
		CU_ASSERT(joined(&n));
		when[soon] = n.now - SEC;
		net_close(&n);
	}
	CU_ASSERT(when[0] > 500 * MSEC);
	CU_ASSERT(when[1] > 150 * MSEC && when[1] < 300 * MSEC);
}

/* A side without IPv4 guesses by the NAT64 of its network, whichever of the
 * two is hard. */
static void test_nat64(void)
{
	static const enum kind kindv[][2] = {
		{ LOTS, KEEPS }, { KEEPS, LOTS }, { COUNTS, KEEPS },
		{ KEEPS, COUNTS }, { COUNTS, COUNTS },
	};
	struct net n;

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(kindv); i++) {
		net_init_six(&n, 1 + i, kindv[i / 2][0], kindv[i / 2][1],
			     (int)(i % 2));
		meet(&n);
		run(&n, 7 * SEC);
		CU_ASSERT(joined(&n));
		net_close(&n);
	}

	/* no NAT64 is known: nothing is tried */
	net_init_six(&n, 1, LOTS, KEEPS, 0);
	agent_nat64(n.s[0].a, NULL, n.now);
	meet(&n);
	run(&n, 7 * SEC);
	CU_ASSERT_EQUAL(n.s[0].begins, 0);
	net_close(&n);
}

static void test_both_count(void)
{
	for (unsigned x = 0; x < 5; x++)
		for (unsigned y = 0; y < 5; y++) {
			struct net n;

			net_init(&n, 1 + x + 5 * y, COUNTS, COUNTS);
			n.s[0].port = (uint16_t)(n.s[0].port + x);
			n.s[1].port = (uint16_t)(n.s[1].port + y);
			meet(&n);
			run(&n, 3 * SEC);
			CU_ASSERT(joined(&n));
			CU_ASSERT(n.s[0].mapc < 40 && n.s[1].mapc < 40);
			net_close(&n);
		}
}

UNIT_SUITE("guess/works",
	{ "one draws lots", test_lots },
	{ "one counts", test_counts },
	{ "both count", test_both_count },
	{ "soon", test_soon },
	{ "nat64", test_nat64 })
