/*
 * turnmsg.c: attributes of TURN, and credentials by the vectors of RFC 5769
 * and RFC 8489.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/turnmsg.h"
#include "tests/unit/unit.h"

/* As coturn's use-auth-secret: base64(HMAC-SHA1("shared", user)). */
static void test_secret(void)
{
	struct turn_auth a = { .realm = "" };
	char name[TURN_USER_MAX];

	CU_ASSERT_EQUAL(turn_auth_secret(&a, "shared", NULL, 1795506160), 0);
	CU_ASSERT_STRING_EQUAL(a.user, "1795506160");
	CU_ASSERT_STRING_EQUAL(a.password, "gAtQFlngd01VFRzB5JKcAPfE2xg=");
	CU_ASSERT_EQUAL(turn_auth_secret(&a, "shared", "al", 1795506160), 0);
	CU_ASSERT_STRING_EQUAL(a.user, "1795506160:al");
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	CU_ASSERT_EQUAL(turn_auth_secret(&a, "shared", name, 1), EOVERFLOW);
}

UNIT_SUITE("turnmsg",
	{ "a shared secret", test_secret })
