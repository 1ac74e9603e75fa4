/*
 * turnwire.c: ChannelData as datagrams and on a stream cut anywhere, Data
 * indications, and what is neither.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "tunnels/flow/turnwire.h"

static const uint8_t indication[] =
	"\x00\x17\x00\x18\x21\x12\xa4\x42" "transaction!"
	"\x00\x12\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
	"\x00\x13\x00\x05" "hello" "\x00\x00\x00";

static void test_datagram(void)
{
	uint8_t buf[16];
	struct turnwire m;

	turnwire_head(buf, 0x4001, 5);
	memcpy(buf + 4, "hello", 5);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, 9, false), 0);
	CU_ASSERT(m.channel == 0x4001 && m.len == 5 && m.size == 9);
	CU_ASSERT(!memcmp(m.p, "hello", 5));
	/* padded or not, RFC 8656 section 12.5 */
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, 12, false), 0);
	CU_ASSERT_EQUAL(m.len, 5);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, 8, false), EBADMSG);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, 3, false), EBADMSG);
	turnwire_head(buf, 0x5000, 5);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, 9, false), EBADMSG);
	turnwire_head(buf, 0x3fff, 5);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, 9, false), EBADMSG);
}

static void test_stream(void)
{
	uint8_t buf[sizeof indication - 1 + 16];
	const size_t n = sizeof indication - 1;
	struct turnwire m;

	memcpy(buf, indication, n);
	turnwire_head(buf + n, 0x4001, 5);
	memset(buf + n + 4, 0, 8);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(turnwire_next(&m, buf, i, true), EAGAIN);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf, sizeof buf, true), 0);
	CU_ASSERT(!m.channel && m.size == n);
	for (size_t i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(turnwire_next(&m, buf + n, i, true), EAGAIN);
	CU_ASSERT_EQUAL(turnwire_next(&m, buf + n, 12, true), 0);
	CU_ASSERT(m.channel == 0x4001 && m.len == 5 && m.size == 12);
	CU_ASSERT_EQUAL(turnwire_padding(8), 0);
	CU_ASSERT_EQUAL(turnwire_padding(9), 3);
}

static void test_indication(void)
{
	uint8_t buf[sizeof indication];
	const size_t len = sizeof indication - 1;
	struct sa peer, want;
	const uint8_t *p;
	size_t n;

	memcpy(buf, indication, sizeof buf);
	CU_ASSERT_FATAL(turnwire_data(buf, len, &peer, &p, &n));
	CU_ASSERT(n == 5 && !memcmp(p, "hello", 5));
	CU_ASSERT_EQUAL_FATAL(sa_set_str(&want, "192.0.2.1", 32853), 0);
	CU_ASSERT(sa_cmp(&peer, &want, SA_ALL));
	/* cut short, another type, a family that is none, no data */
	CU_ASSERT(!turnwire_data(buf, len - 4, &peer, &p, &n));
	buf[1] = 0x16;
	CU_ASSERT(!turnwire_data(buf, len, &peer, &p, &n));
	buf[1] = 0x17;
	buf[25] = 3;
	CU_ASSERT(!turnwire_data(buf, len, &peer, &p, &n));
	buf[25] = 1;
	buf[33] = 0x14;
	CU_ASSERT(!turnwire_data(buf, len, &peer, &p, &n));
}

UNIT_SUITE("turnwire",
	{ "datagrams", test_datagram },
	{ "a stream", test_stream },
	{ "Data indications", test_indication })
