/*
 * cand.c: tests sdp/cand.c.
 */
#include <string.h>
#include "sdp/cand.h"
#include "tests/unit/unit.h"

static int decode(struct cand *c, const char *text)
{
	struct pl pl;

	pl_set_str(&pl, text);
	return cand_decode(c, &pl);
}

/* Decoded and printed again it must read `want`. */
static void again(const char *text, const char *want)
{
	char buf[512];
	struct cand c;

	CU_ASSERT_EQUAL_FATAL(decode(&c, text), 0);
	CU_ASSERT(re_snprintf(buf, sizeof buf, "%H", cand_print, &c) > 0);
	CU_ASSERT_STRING_EQUAL(buf, want);
	if (strcmp(buf, want))
		printf("%s\n", buf);
}

/* RFC 8839 section 5.1 and appendix A. */
static void test_rfc8839(void)
{
	struct cand c;

	CU_ASSERT_EQUAL(decode(&c, "2 1 UDP 1694498815 192.0.2.3 45664 typ "
			       "srflx raddr 203.0.113.141 rport 8998"), 0);
	CU_ASSERT_STRING_EQUAL(c.foundation, "2");
	CU_ASSERT_EQUAL(c.type, CAND_SRFLX);
	CU_ASSERT_EQUAL(c.transp, CAND_UDP);
	CU_ASSERT_EQUAL(c.prio, 1694498815);
	CU_ASSERT_EQUAL(sa_in(&c.addr), 0xc0000203);
	CU_ASSERT_EQUAL(sa_port(&c.addr), 45664);
	CU_ASSERT_EQUAL(sa_in(&c.rel), 0xcb00718d);
	CU_ASSERT_EQUAL(sa_port(&c.rel), 8998);
	CU_ASSERT_FALSE(sa_isset(&c.base, SA_ADDR));

	again("1 1 UDP 2130706431 203.0.113.141 8998 typ host",
	      "1 1 UDP 2130706431 203.0.113.141 8998 typ host");
	again("1 1 UDP 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host",
	      "1 1 UDP 2130706431 fe80::6676:baff:fe9c:ee4a 8998 typ host");
	again("2 1 UDP 1694498815 2001:DB8:8101:3a55:4858:a2a9:22ff:99b9 "
	      "45664 typ srflx raddr fe80::6676:baff:fe9c:ee4a rport 8998",
	      "2 1 UDP 1694498815 2001:db8:8101:3a55:4858:a2a9:22ff:99b9 "
	      "45664 typ srflx raddr fe80::6676:baff:fe9c:ee4a rport 8998");
	again("2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr "
	      "203.0.113.141 rport 8998",
	      "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr "
	      "203.0.113.141 rport 8998");
}

/* RFC 6544 appendix: active ones have the discard port. */
static void test_tcp(void)
{
	again("1 1 TCP 2128609279 10.0.1.1 9 typ host tcptype active",
	      "1 1 TCP 2128609279 10.0.1.1 9 typ host tcptype active");
	again("2 1 tcp 2124414975 10.0.1.1 8998 typ host tcptype passive",
	      "2 1 TCP 2124414975 10.0.1.1 8998 typ host tcptype passive");
	again("6 1 TCP 1684796415 192.0.2.3 45687 typ srflx raddr 10.0.1.1 "
	      "rport 8999 tcptype so",
	      "6 1 TCP 1684796415 192.0.2.3 45687 typ srflx raddr 10.0.1.1 "
	      "rport 8999 tcptype so");
}

/* Passive that takes TLS, too; of others that word says nothing. */
static void test_tls(void)
{
	struct cand c;

	again("1 1 TCP 5 10.0.1.1 443 typ host tcptype passive tls yes",
	      "1 1 TCP 5 10.0.1.1 443 typ host tcptype passive tls yes");
	CU_ASSERT_EQUAL(decode(&c, "1 1 TCP 5 10.0.1.1 443 typ host TLS YES"
			       " tcptype passive"), 0);
	CU_ASSERT_EQUAL(c.transp, CAND_TLS_PASSIVE);
	CU_ASSERT(cand_passive(&c) && cand_proto(&c) == IPPROTO_TCP);
	CU_ASSERT_STRING_EQUAL(cand_transp_name(c.transp), "TLS");
	again("1 1 TCP 5 10.0.1.1 443 typ host tcptype passive tls no",
	      "1 1 TCP 5 10.0.1.1 443 typ host tcptype passive");
	again("1 1 TCP 5 10.0.1.1 9 typ host tcptype active tls yes",
	      "1 1 TCP 5 10.0.1.1 9 typ host tcptype active");
	again("1 1 UDP 5 10.0.1.1 443 typ host tls yes",
	      "1 1 UDP 5 10.0.1.1 443 typ host");
}

/* As browsers write them: extensions, case, a hidden base. */
static void test_variants(void)
{
	struct cand c;

	again("842163049 1 udp 1677729535 192.0.2.7 46154 typ srflx raddr "
	      "0.0.0.0 rport 0 generation 0 ufrag Ab3d network-cost 999",
	      "842163049 1 UDP 1677729535 192.0.2.7 46154 typ srflx raddr "
	      "0.0.0.0 rport 9");
	again("a+/ 1 UDP 1 2001:db8::7 1 typ relay",
	      "a+/ 1 UDP 1 2001:db8::7 1 typ relay raddr :: rport 9");
	again("1  1 UDP  5 10.0.0.1 7 TYP HOST ",
	      "1 1 UDP 5 10.0.0.1 7 typ host");
	again("1 1 UDP 5 10.0.0.1 7 typ srflx rport 3 raddr 10.0.0.2",
	      "1 1 UDP 5 10.0.0.1 7 typ srflx raddr 10.0.0.2 rport 3");
	CU_ASSERT_EQUAL(decode(&c, "1 1 UDP 5 10.0.0.1 7 typ prflx raddr "
			       "x.local rport 1"), 0);
	CU_ASSERT_FALSE(sa_isset(&c.rel, SA_ADDR));
}

static void test_skipped(void)
{
	static const char *const textv[] = {
		"1 1 UDP 5 ca5e.local 7 typ host",
		"1 1 UDP 5 relay.example.com 7 typ host",
		"1 1 UDP 5 fe80::1%eth0 7 typ host",
		"1 2 UDP 5 10.0.0.1 7 typ host",
		"1 256 UDP 5 10.0.0.1 7 typ host",
		"1 1 SCTP 5 10.0.0.1 7 typ host",
		"1 1 UDP 5 10.0.0.1 7 typ token",
		"1 1 UDP 5 10.0.0.1 0 typ host",
		"1 1 UDP 5 0.0.0.0 7 typ host",
		"1 1 UDP 5 :: 7 typ host",
		"1 1 UDP 5 224.0.0.251 7 typ host",
		"1 1 UDP 5 ff02::fb 7 typ host",
		"1 1 UDP 5 255.255.255.255 7 typ host",
		"1 1 UDP 5 ::ffff:10.0.0.1 7 typ host",
		"1 1 UDP 5 ::10.0.0.1 7 typ host",
		"1 1 UDP 5 127.1 7 typ host",
		"1 1 TCP 5 10.0.0.1 7 typ host",
		"1 1 TCP 5 10.0.0.1 7 typ host tcptype odd",
	};
	struct cand c, old;

	memset(&c, 7, sizeof c);
	old = c;
	for (size_t i = 0; i < sizeof textv / sizeof textv[0]; i++) {
		CU_ASSERT_EQUAL(decode(&c, textv[i]), ENOTSUP);
		if (decode(&c, textv[i]) != ENOTSUP)
			printf("not skipped: %s\n", textv[i]);
	}
	/* not a byte was touched. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	CU_ASSERT_EQUAL(memcmp(&c, &old, sizeof c), 0);
}

static void test_malformed(void)
{
	static const char *const textv[] = {
		"",
		" ",
		"1",
		"1 1",
		"1 1 UDP 5 10.0.0.1 7",
		"1 1 UDP 5 10.0.0.1 7 typ",
		"1 1 UDP 5 10.0.0.1 7 host",
		"123456789012345678901234567890123 1 UDP 5 ::1 7 typ host",
		"a-b 1 UDP 5 10.0.0.1 7 typ host",
		"1 0 UDP 5 10.0.0.1 7 typ host",
		"1 257 UDP 5 10.0.0.1 7 typ host",
		"1 0001 UDP 5 10.0.0.1 7 typ host",
		"1 x UDP 5 10.0.0.1 7 typ host",
		"1 1 UDP 0 10.0.0.1 7 typ host",
		"1 1 UDP -1 10.0.0.1 7 typ host",
		"1 1 UDP 2147483648 10.0.0.1 7 typ host",
		"1 1 UDP 99999999999 10.0.0.1 7 typ host",
		"1 1 UDP 5 10.0.0.1 65536 typ host",
		"1 1 UDP 5 10.0.0.1 7x typ host",
		"1 1 UDP 5 2001:db8::g 7 typ host",
		"1 1 UDP 5 10.0.0.1;x 7 typ host",
		"1 1 UDP 5 10.0.0.1 7 typ srflx raddr",
		"1 1 UDP 5 10.0.0.1 7 typ srflx raddr 10.0.0.2 rport 65536",
		"1 1 UDP 5 10.0.0.1 7 typ host generation",
	};
	struct cand c;
	struct pl nul = PL("1 1 UDP 5 10.0.0.1\0 7 typ host");

	for (size_t i = 0; i < sizeof textv / sizeof textv[0]; i++) {
		CU_ASSERT_EQUAL(decode(&c, textv[i]), EBADMSG);
		if (decode(&c, textv[i]) != EBADMSG)
			printf("not refused: %s\n", textv[i]);
	}
	CU_ASSERT_EQUAL(cand_decode(&c, &nul), EBADMSG);
	CU_ASSERT_EQUAL(cand_decode(&c, &pl_null), EBADMSG);
	CU_ASSERT_EQUAL(cand_decode(&c, NULL), EBADMSG);
}

/* Every cut of a good line is refused, skipped or good, never read past. */
static void test_cut(void)
{
	static const char text[] = "6 1 TCP 1684796415 2001:db8::3 45687 typ "
		"srflx raddr 10.0.1.1 rport 8999 tcptype passive tls yes";
	struct cand c;

	for (size_t n = 0; n < sizeof text; n++) {
		char *cut = mem_alloc(n ? n : 1, NULL);
		struct pl pl = { cut, n };
		int err;

		memcpy(cut, text, n);
		err = cand_decode(&c, &pl);
		CU_ASSERT(!err || err == EBADMSG || err == ENOTSUP);
		mem_deref(cut);
	}
}

/* RFC 8445 section 5.1.2.1; the first two numbers are RFC 8839's. */
static void test_prio(void)
{
	CU_ASSERT_EQUAL(cand_prio(CAND_HOST, 65535), 2130706431);
	CU_ASSERT_EQUAL(cand_prio(CAND_SRFLX, 65535), 1694498815);
	CU_ASSERT_EQUAL(cand_prio(CAND_PRFLX, 0), (110u << 24) + 255);
	CU_ASSERT_EQUAL(cand_prio(CAND_RELAY, 1), 256 + 255);
	/* RFC 6544 section 4.2: UDP first, a relay last, and who acts */
	for (int t = CAND_TCP_ACTIVE; t <= CAND_TLS_PASSIVE; t++) {
		CU_ASSERT(cand_prio_tcp(CAND_HOST, t, 8191) <
			  cand_prio(CAND_SRFLX, 0));
		CU_ASSERT(cand_prio_tcp(CAND_SRFLX, t, 0) >
			  cand_prio(CAND_RELAY, 65535));
	}
	CU_ASSERT_EQUAL(cand_prio_tcp(CAND_HOST, CAND_TCP_ACTIVE, 8191),
			(90u << 24) + ((6u << 13) + 8191) * 256 + 255);
	CU_ASSERT(cand_prio_tcp(CAND_HOST, CAND_TCP_PASSIVE, 0) >
		  cand_prio_tcp(CAND_HOST, CAND_TCP_SO, 8191));
	CU_ASSERT(cand_prio_tcp(CAND_SRFLX, CAND_TCP_SO, 0) >
		  cand_prio_tcp(CAND_SRFLX, CAND_TCP_ACTIVE, 8191));
}

static void test_foundation(void)
{
	struct cand a, b;
	struct sa stun;

	memset(&a, 0, sizeof a);
	(void)sa_set_str(&a.base, "10.0.0.1", 1000);
	(void)sa_set_str(&stun, "192.0.2.1", 3478);
	b = a;
	sa_set_port(&b.base, 2000);
	cand_foundation(&a, NULL);
	cand_foundation(&b, NULL);
	CU_ASSERT(a.foundation[0] && strlen(a.foundation) <= 32);
	CU_ASSERT_STRING_EQUAL(a.foundation, b.foundation);
	cand_foundation(&b, &stun);
	CU_ASSERT_STRING_NOT_EQUAL(a.foundation, b.foundation);
	b.type = CAND_RELAY;
	cand_foundation(&b, NULL);
	CU_ASSERT_STRING_NOT_EQUAL(a.foundation, b.foundation);
	b = a;
	(void)sa_set_str(&b.base, "2001:db8::1", 1000);
	cand_foundation(&b, NULL);
	CU_ASSERT_STRING_NOT_EQUAL(a.foundation, b.foundation);
}

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(cand_type_name(CAND_HOST), "host");
	CU_ASSERT_STRING_EQUAL(cand_type_name(CAND_SRFLX), "srflx");
	CU_ASSERT_STRING_EQUAL(cand_type_name(CAND_PRFLX), "prflx");
	CU_ASSERT_STRING_EQUAL(cand_type_name(CAND_RELAY), "relay");
	CU_ASSERT_STRING_EQUAL(cand_type_name((enum cand_type)99), "?");
}

UNIT_SUITE("cand",
	{ "rfc8839", test_rfc8839 },
	{ "tcp", test_tcp },
	{ "tls", test_tls },
	{ "variants", test_variants },
	{ "skipped", test_skipped },
	{ "malformed", test_malformed },
	{ "cut", test_cut },
	{ "prio", test_prio },
	{ "foundation", test_foundation },
	{ "names", test_names })
