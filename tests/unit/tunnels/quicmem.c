/*
 * quicmem.c: tests tunnels/flow/quicmem.c: what many connections may hold.
 */
#include "tests/unit/unit.h"
#include "tunnels/flow/quicmem.h"

enum { COUNT = 2000, MB = 1 << 20 };

static void test_grants(void)
{
	static uint64_t grants[COUNT];
	struct quicmem m;
	uint64_t sum = 0;

	quicmem_init(&m);
	CU_ASSERT(m.budget >= 64 * MB);
	m.budget = 1024ULL * MB;
	for (int i = 0; i < COUNT; i++) {
		grants[i] = quicmem_grant(&m);
		sum += grants[i];
		CU_ASSERT(grants[i] >= MB);
		CU_ASSERT(!i || grants[i] <= grants[i - 1]);
	}
	/* the first fills a long path, with half of it for one stream */
	CU_ASSERT_EQUAL(grants[0], 128ULL * MB);
	CU_ASSERT(sum <= m.budget + (uint64_t)COUNT * MB);
	CU_ASSERT_EQUAL(m.granted, sum);
	for (int i = 0; i < COUNT; i++)
		quicmem_return(&m, grants[i]);
	CU_ASSERT_EQUAL(m.granted, 0);
	CU_ASSERT_EQUAL(quicmem_grant(&m), 128ULL * MB);
}

static void test_sending(void)
{
	struct quicmem m;

	quicmem_init(&m);
	CU_ASSERT_TRUE(quicmem_room(&m));
	m.sending = m.budget;
	CU_ASSERT_FALSE(quicmem_room(&m));
}

UNIT_SUITE("quicmem",
	{ "grants", test_grants },
	{ "sending", test_sending })
