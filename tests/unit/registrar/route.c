/*
 * route.c: tokens there and back, and none that was tampered with.
 */
#include <string.h>
#include "tests/unit/unit.h"
#include "sipd/registrar/route.h"

static const uint8_t key[ROUTE_KEY] = { 1, 2, 3 };

static void check(const char *addr, uint16_t port, uint32_t lsn,
		  uint32_t user)
{
	struct route r = { .user = user }, back;
	const struct route_token t = { &r, key };
	const uint8_t other[ROUTE_KEY] = { 4 };
	char *s = NULL;
	struct pl pl;

	r.flow.lsn = lsn;
	sa_set_str(&r.flow.peer, addr, port);
	CU_ASSERT_EQUAL_FATAL(re_sdprintf(&s, "%H", route_print, &t), 0);
	pl_set_str(&pl, s);
	CU_ASSERT(strspn(s, "0123456789abcdef") == pl.l);
	CU_ASSERT(route_decode(&back, &pl, key));
	CU_ASSERT(flow_cmp(&back.flow, &r.flow));
	CU_ASSERT_EQUAL(back.user, user);
	CU_ASSERT(!route_decode(&back, &pl, other));
	for (size_t i = 0; i < pl.l; i++) {
		s[i] ^= 1;
		CU_ASSERT(!route_decode(&back, &pl, key));
		s[i] ^= 1;
	}
	for (pl.l = 0; s[pl.l]; ++pl.l)
		CU_ASSERT(!route_decode(&back, &pl, key));
	mem_deref(s);
}

static void test_tokens(void)
{
	check("192.0.2.1", 5060, 0, 0);
	check("255.254.253.252", 65535, 255, 0xfedcba98);
	check("2001:db8::1", 1, 3, 7);
}

UNIT_SUITE("registrar/route", { "tokens", test_tokens })
