/*
 * listen.c: the listen list, good and bad, and wildcards.
 */
#include <string.h>
#include "tests/unit/unit.h"
#include "sdp/base/recompat.h"
#include "sipd/registrar/listen.h"

static int decode(const char *list, const char *want)
{
	struct listen_addr v[LISTEN_MAX];
	char why[256] = "", buf[256];
	size_t at = 0;
	unsigned n;
	int err = listen_decode(v, &n, list, why, sizeof why);

	if (err) {
		CU_ASSERT(why[0] != '\0');
		return err;
	}
	for (unsigned i = 0; i < n; i++)
		at += (size_t)re_snprintf(buf + at, sizeof buf - at, "%s %J;",
					  sip_transp_name(v[i].tp), &v[i].sa);
	CU_ASSERT_STRING_EQUAL(buf, want);
	return 0;
}

static void test_decode(void)
{
	CU_ASSERT_EQUAL(decode("udp:127.0.0.1:5070",
			       "UDP 127.0.0.1:5070;"), 0);
	CU_ASSERT_EQUAL(decode("udp:0.0.0.0:5060,tcp:0.0.0.0:5060, "
			       "TLS:[::]:5061",
			       "UDP 0.0.0.0:5060;TCP 0.0.0.0:5060;"
			       "TLS [::]:5061;"), 0);
	CU_ASSERT_EQUAL(decode("udp:[::1]", "UDP [::1]:5060;"), 0);
	CU_ASSERT_EQUAL(decode("tls:127.0.0.1", "TLS 127.0.0.1:5061;"), 0);
	CU_ASSERT_EQUAL(decode("udp:127.0.0.1:0", "UDP 127.0.0.1:0;"), 0);
}

static void test_bad(void)
{
	static const char *const badv[] = {
		"", " , ", "127.0.0.1:5060", "udp", "udp:", "udp::5060",
		"udp:localhost:5060", "udp:127.0.0.1:", "udp:127.0.0.1:x",
		"udp:127.0.0.1:65536", "udp:127.0.0.1:-1", "udp:[::1",
		"udp:[::1]5060", "udp:::1]", "sctp:127.0.0.1:5060",
		"udp:0.0.0.0:0", "udp:1.2.3.4.5:1",
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(badv); i++)
		CU_ASSERT_EQUAL(decode(badv[i], ""), EINVAL);
	CU_ASSERT_EQUAL(decode(NULL, ""), EINVAL);
	CU_ASSERT_EQUAL(decode("udp:1.1.1.1,udp:1.1.1.1,udp:1.1.1.1,"
			       "udp:1.1.1.1,udp:1.1.1.1,udp:1.1.1.1,"
			       "udp:1.1.1.1,udp:1.1.1.1,udp:1.1.1.1,"
			       "udp:1.1.1.1,udp:1.1.1.1,udp:1.1.1.1,"
			       "udp:1.1.1.1,udp:1.1.1.1,udp:1.1.1.1,"
			       "udp:1.1.1.1,udp:1.1.1.1", ""), E2BIG);
}

static int addr_handler(enum sip_transp tp, const struct sa *sa, void *arg)
{
	unsigned *loops = arg;
	(void)tp;

	CU_ASSERT(!sa_is_any(sa));
	CU_ASSERT_EQUAL(sa_port(sa), 5060);
	*loops += sa_is_loopback(sa);
	return 0;
}

static int stop_handler(enum sip_transp tp, const struct sa *sa, void *arg)
{
	(void)tp;
	(void)sa;
	(void)arg;
	return EBUSY;
}

static void test_apply(void)
{
	struct listen_addr la = { .tp = SIP_TRANSP_UDP };
	unsigned loops = 0;

	sa_set_str(&la.sa, "0.0.0.0", 5060);
	CU_ASSERT_EQUAL(listen_apply(&la, addr_handler, &loops), 0);
	CU_ASSERT_EQUAL(loops, 1);
	CU_ASSERT_EQUAL(listen_apply(&la, stop_handler, NULL), EBUSY);
}

UNIT_SUITE("registrar/listen",
	   { "decode", test_decode },
	   { "bad", test_bad },
	   { "apply", test_apply })
