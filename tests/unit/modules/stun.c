/*
 * Tests modules/path/stun.c: the vectors of RFC 5769, each attribute there
 * and back, what must be refused, and random bytes.
 */
#include <string.h>
#include "modules/path/stun.h"
#include "tests/unit/unit.h"

/* RFC 5769 sections 2.1 to 2.3, all with this password */
static const char pwd[] = "VOkJxbRl1RmTxUk/WvJxBt";

static const uint8_t request[] =
	"\x00\x01\x00\x58\x21\x12\xa4\x42"
	"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	"\x80\x22\x00\x10" "STUN test client"
	"\x00\x24\x00\x04\x6e\x00\x01\xff"
	"\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
	"\x00\x06\x00\x09" "evtj:h6vY" "\x20\x20\x20"
	"\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56"
	"\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2"
	"\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

static const uint8_t response4[] =
	"\x01\x01\x00\x3c\x21\x12\xa4\x42"
	"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	"\x80\x22\x00\x0b" "test vector" "\x20"
	"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
	"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3"
	"\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7"
	"\x80\x28\x00\x04\xc0\x7d\x4c\x96";

static const uint8_t response6[] =
	"\x01\x01\x00\x48\x21\x12\xa4\x42"
	"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	"\x80\x22\x00\x0b" "test vector" "\x20"
	"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3"
	"\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"
	"\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1"
	"\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41"
	"\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

static const uint8_t tid[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b";

static void test_rfc5769_request(void)
{
	struct stun_pkt m;

	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, request, sizeof request - 1), 0);
	CU_ASSERT_EQUAL(m.cls, STUN_CLASS_REQUEST);
	CU_ASSERT_EQUAL(m.method, STUN_METHOD_BINDING);
	CU_ASSERT(stun_fingerprint_ok(&m));
	CU_ASSERT(stun_key_ok(&m, pwd));
	CU_ASSERT(!stun_key_ok(&m, "VOkJxbRl1RmTxUk/WvJxBT"));
	CU_ASSERT_EQUAL(pl_strcmp(&m.username, "evtj:h6vY"), 0);
	CU_ASSERT(m.has_prio && m.prio == 0x6e0001ff);
	CU_ASSERT(m.controlled && !m.controlling);
	CU_ASSERT(m.tie == 0x932ff9b151263b36ULL);
	CU_ASSERT_EQUAL(m.unknownc, 0);
}

static void test_rfc5769_responses(void)
{
	struct stun_pkt m;
	struct sa sa;

	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, response4, sizeof response4 - 1),
			      0);
	CU_ASSERT_EQUAL(m.cls, STUN_CLASS_SUCCESS_RESP);
	CU_ASSERT(stun_fingerprint_ok(&m) && stun_key_ok(&m, pwd));
	sa_set_str(&sa, "192.0.2.1", 32853);
	CU_ASSERT(sa_cmp(&m.mapped, &sa, SA_ALL));

	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, response6, sizeof response6 - 1),
			      0);
	CU_ASSERT(stun_fingerprint_ok(&m) && stun_key_ok(&m, pwd));
	sa_set_str(&sa, "2001:db8:1234:5678:11:2233:4455:6677", 32853);
	CU_ASSERT(sa_cmp(&m.mapped, &sa, SA_ALL));
}

static size_t full_request(uint8_t *buf, size_t size)
{
	struct stun_out o;

	stun_begin(&o, buf, size, STUN_CLASS_REQUEST, tid);
	stun_put(&o, STUN_ATTR_USERNAME, "abc:defgh", 9);
	stun_put_u32(&o, STUN_ATTR_PRIORITY, 0x12345678);
	stun_put_u64(&o, STUN_ATTR_CONTROLLING, 0x1122334455667788ULL);
	stun_put(&o, STUN_ATTR_USE_CAND, NULL, 0);
	stun_put_u32(&o, STUN_ATTR_NOMINATION, 7);
	stun_put_key(&o, "secret");
	stun_put_fingerprint(&o);
	return stun_end(&o);
}

static void test_there_and_back(void)
{
	uint8_t buf[STUN_REQUEST_MAX];
	struct stun_pkt m;
	size_t n = full_request(buf, sizeof buf);

	CU_ASSERT_FATAL(n > 0);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, n), 0);
	CU_ASSERT(!memcmp(m.tid, tid, STUN_TID_SIZE));
	CU_ASSERT(stun_fingerprint_ok(&m) && stun_key_ok(&m, "secret"));
	CU_ASSERT_EQUAL(pl_strcmp(&m.username, "abc:defgh"), 0);
	CU_ASSERT(m.prio == 0x12345678 && m.use_cand && m.controlling);
	CU_ASSERT(m.tie == 0x1122334455667788ULL && m.nomination == 7);
}

static void test_addresses(void)
{
	static const char *const addr[] = { "203.0.113.9", "2001:db8::1" };

	for (int i = 0; i < 2; i++) {
		uint8_t buf[128];
		struct stun_out o;
		struct stun_pkt m;
		struct sa sa;

		sa_set_str(&sa, addr[i], 65535);
		stun_begin(&o, buf, sizeof buf, STUN_CLASS_SUCCESS_RESP, tid);
		stun_put_mapped(&o, &sa);
		stun_put_fingerprint(&o);
		CU_ASSERT_EQUAL(stun_parse(&m, buf, stun_end(&o)), 0);
		CU_ASSERT(stun_fingerprint_ok(&m));
		CU_ASSERT(!stun_key_ok(&m, "secret"));
		CU_ASSERT(sa_cmp(&m.mapped, &sa, SA_ALL));
	}
}

static void test_error(void)
{
	struct stun_pkt m, req = { .unknownv = { 0x7777 }, .unknownc = 1 };
	struct stun_out o;
	uint8_t buf[128];

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_ERROR_RESP, tid);
	stun_put_error(&o, 487, &req);
	CU_ASSERT_EQUAL(stun_end(&o), 28);
	CU_ASSERT_EQUAL(stun_parse(&m, buf, stun_end(&o)), 0);
	CU_ASSERT(m.cls == STUN_CLASS_ERROR_RESP && m.ecode == 487);
	CU_ASSERT(!stun_fingerprint_ok(&m));

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_ERROR_RESP, tid);
	stun_put_error(&o, 420, &req);
	CU_ASSERT(!memcmp(buf + 28, "\x00\x0a\x00\x02\x77\x77\0\0", 8));
	CU_ASSERT_EQUAL(stun_parse(&m, buf, stun_end(&o)), 0);
}

static void test_unknown(void)
{
	struct stun_out o;
	struct stun_pkt m;
	uint8_t buf[256];

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, tid);
	stun_put_u32(&o, 0x8fff, 1);            /* optional: nothing */
	for (unsigned i = 0; i < 2 * STUN_UNKNOWN_MAX; i++)
		stun_put_u32(&o, (uint16_t)(0x7000 + i), 1);
	stun_put_key(&o, "k");
	stun_put_u32(&o, 0x7abc, 1);            /* unprotected: ignored */
	stun_put_u32(&o, STUN_ATTR_PRIORITY, 1);
	stun_put_fingerprint(&o);
	CU_ASSERT_EQUAL(stun_parse(&m, buf, stun_end(&o)), 0);
	CU_ASSERT_EQUAL(m.unknownc, STUN_UNKNOWN_MAX);
	CU_ASSERT_EQUAL(m.unknownv[0], 0x7000);
	CU_ASSERT(!m.has_prio);
	CU_ASSERT(stun_key_ok(&m, "k") && stun_fingerprint_ok(&m));
}

static void test_overflow(void)
{
	uint8_t buf[STUN_REQUEST_MAX];
	size_t n = full_request(buf, sizeof buf);

	for (size_t size = 0; size < n; size++)
		CU_ASSERT_EQUAL(full_request(buf, size), 0);
	CU_ASSERT_EQUAL(full_request(buf, n), n);
}

/* Every truncation and every flipped bit is refused or fails a check. */
static void test_damaged(void)
{
	uint8_t buf[STUN_REQUEST_MAX];
	size_t n = full_request(buf, sizeof buf);
	struct stun_pkt m;

	for (size_t len = 0; len < n; len++)
		CU_ASSERT(stun_parse(&m, buf, len));
	for (size_t bit = 0; bit < n * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CU_ASSERT(stun_parse(&m, buf, n) || !stun_fingerprint_ok(&m));
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static uint32_t rnd(uint32_t *s)
{
	return *s = *s * 1664525 + 1013904223, *s >> 8;
}

static void test_random(void)
{
	uint8_t msg[STUN_REQUEST_MAX], buf[STUN_REQUEST_MAX];
	size_t n = full_request(msg, sizeof msg);
	uint32_t seed = 5769;
	struct stun_pkt m;

	for (int i = 0; i < 200000; i++) {
		memcpy(buf, msg, n);
		for (unsigned k = rnd(&seed) % 6 + 1; k; k--)
			buf[rnd(&seed) % n] = (uint8_t)rnd(&seed);
		if (!stun_parse(&m, buf, n) && pl_isset(&m.username))
			CU_ASSERT(m.username.p + m.username.l <=
				  (char *)buf + n);
	}
}

UNIT_SUITE("stun",
	{ "rfc5769 request", test_rfc5769_request },
	{ "rfc5769 responses", test_rfc5769_responses },
	{ "there and back", test_there_and_back },
	{ "addresses", test_addresses },
	{ "error", test_error },
	{ "unknown", test_unknown },
	{ "overflow", test_overflow },
	{ "damaged", test_damaged },
	{ "random", test_random })
