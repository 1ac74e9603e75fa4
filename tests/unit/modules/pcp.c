/*
 * Tests modules/path/pcp.c and natpmp.c, with messages as literals.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/natpmp.h"
#include "modules/path/pcp.h"
#include "tests/unit/unit.h"

static const uint8_t nonce[] = "0123456789ab";

static void test_map(void)
{
	static const uint8_t want[60] =
		"\2\1\0\0\0\0\x1c\x20\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
		"0123456789ab\x11\0\0\0\x12\x34\x12\x34"
		"\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0";
	struct sa client, external;
	struct pcp_want w = { &client, &external, nonce, 7200 };
	uint8_t buf[PCP_REQUEST_MAX];

	(void)sa_set_str(&client, "192.0.2.1", 0x1234);
	sa_init(&external, AF_UNSPEC);
	CU_ASSERT_EQUAL(pcp_map(buf, sizeof buf, &w), 60);
	CU_ASSERT(!memcmp(buf, want, 60));
	(void)sa_set_str(&external, "198.51.100.1", 0x4321);
	CU_ASSERT_EQUAL(pcp_map(buf, sizeof buf, &w), 60);
	CU_ASSERT(!memcmp(buf + 42, "\x43\x21", 2));
	CU_ASSERT(!memcmp(buf + 54, "\xff\xff\xc6\x33\x64\x01", 6));
	CU_ASSERT_EQUAL(pcp_map(buf, 59, &w), 0);
	CU_ASSERT_EQUAL(pcp_announce(buf, 23, &client), 0);
	(void)sa_set_str(&client, "2001:db8::1", 1);
	CU_ASSERT_EQUAL(pcp_announce(buf, sizeof buf, &client), 24);
	CU_ASSERT(!memcmp(buf + 8, &client.u.in6.sin6_addr, 16));
}

static void test_answer(void)
{
	uint8_t m[61] =
		"\2\x81\0\0\0\0\x0e\x10\0\0\0\x63\0\0\0\0\0\0\0\0\0\0\0\0"
		"0123456789ab\x11\0\0\0\x12\x34\x43\x21"
		"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x01";
	struct pcp_answer a;
	struct sa external;

	CU_ASSERT_EQUAL(pcp_decode(&a, m, 60), 0);
	CU_ASSERT_EQUAL(a.op, PCP_MAP);
	CU_ASSERT_EQUAL(a.result, 0);
	CU_ASSERT_EQUAL(a.lifetime, 3600);
	CU_ASSERT_EQUAL(a.epoch, 99);
	CU_ASSERT(!memcmp(a.nonce, nonce, PCP_NONCE_SIZE));
	CU_ASSERT_EQUAL(a.internal, 0x1234);
	(void)sa_set_str(&external, "198.51.100.1", 0x4321);
	CU_ASSERT(sa_cmp(&a.external, &external, SA_ALL));
	for (size_t n = 0; n < 60; n++)
		CU_ASSERT_EQUAL(pcp_decode(&a, m, n), EBADMSG);
	m[1] = 0x01;                    /* a request */
	CU_ASSERT_EQUAL(pcp_decode(&a, m, 60), EBADMSG);
	m[1] = 0x82;                    /* PEER */
	CU_ASSERT_EQUAL(pcp_decode(&a, m, 60), EBADMSG);
	m[1] = 0x80;                    /* ANNOUNCE */
	CU_ASSERT_EQUAL(pcp_decode(&a, m, 24), 0);
	m[0] = 1;
	CU_ASSERT_EQUAL(pcp_decode(&a, m, 24), EBADMSG);
}

static void test_natpmp(void)
{
	static const uint8_t addr[12] = "\0\x80\0\0\0\0\0\x63\xc6\x33\x64\1";
	static const uint8_t map[16] =
		"\0\x81\0\0\0\0\0\x63\x12\x34\x43\x21\0\0\x0e\x10";
	static const uint8_t refused[8] = "\0\x81\0\2\0\0\0";
	struct natpmp_answer a;
	uint8_t buf[NATPMP_REQUEST_MAX];

	CU_ASSERT_EQUAL(natpmp_address(buf, sizeof buf), 2);
	CU_ASSERT(!memcmp(buf, "\0\0", 2));
	CU_ASSERT_EQUAL(natpmp_address(buf, 1), 0);
	CU_ASSERT_EQUAL(natpmp_map(buf, sizeof buf, 0x1234, 0x4321, 7200),
			12);
	CU_ASSERT(!memcmp(buf, "\0\1\0\0\x12\x34\x43\x21\0\0\x1c\x20", 12));
	CU_ASSERT_EQUAL(natpmp_map(buf, 11, 1, 1, 1), 0);

	CU_ASSERT_EQUAL(natpmp_decode(&a, addr, sizeof addr), 0);
	CU_ASSERT(!a.map && a.address == 0xc6336401 && a.epoch == 99);
	CU_ASSERT_EQUAL(natpmp_decode(&a, map, sizeof map), 0);
	CU_ASSERT(a.map && a.internal == 0x1234 && a.external == 0x4321 &&
		  a.lifetime == 3600);
	CU_ASSERT_EQUAL(natpmp_decode(&a, refused, sizeof refused), 0);
	CU_ASSERT_EQUAL(a.result, 2);
	for (size_t n = 0; n < sizeof map; n++)
		CU_ASSERT_EQUAL(natpmp_decode(&a, map, n), EBADMSG);
	for (size_t n = 0; n < sizeof addr; n++)
		CU_ASSERT_EQUAL(natpmp_decode(&a, addr, n), EBADMSG);
}

/* RFC 6887 section 8.5, RFC 6886 section 3.6 */
static void test_epoch(void)
{
	CU_ASSERT(!pcp_epoch_lost(100, 160, 60));
	CU_ASSERT(!pcp_epoch_lost(100, 162, 60));
	CU_ASSERT(!pcp_epoch_lost(100, 158, 60));
	CU_ASSERT(!pcp_epoch_lost(100, 99, 0));
	CU_ASSERT(!pcp_epoch_lost(100, 99, 1));
	/* it began anew and came almost as far meanwhile */
	CU_ASSERT(pcp_epoch_lost(100, 99, 60));
	CU_ASSERT(pcp_epoch_lost(2, 1, 9));
	CU_ASSERT(pcp_epoch_lost(2, 3, 9));
	CU_ASSERT(!pcp_epoch_lost(0, 1, 1));
	CU_ASSERT(pcp_epoch_lost(100, 98, 60));
	CU_ASSERT(pcp_epoch_lost(100, 0, 60));
	CU_ASSERT(pcp_epoch_lost(100, 110, 60));
	CU_ASSERT(pcp_epoch_lost(100, 200, 60));
	CU_ASSERT(!pcp_epoch_lost(100, 3500, 3600));
	CU_ASSERT(!natpmp_epoch_lost(100, 160, 60));
	CU_ASSERT(!natpmp_epoch_lost(100, 151, 60));
	CU_ASSERT(natpmp_epoch_lost(100, 149, 60));
	CU_ASSERT(natpmp_epoch_lost(100, 0, 60));
}

UNIT_SUITE("pcp",
	{ "MAP requests", test_map },
	{ "answers", test_answer },
	{ "NAT-PMP", test_natpmp },
	{ "epochs", test_epoch })
