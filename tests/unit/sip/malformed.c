/*
 * malformed.c: what is said to requests that nobody decodes, and to where.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "sipd/sip/malformed.h"

#define REST "From: <sip:x@y>;tag=1\r\nt: <sip:a@b>\r\ni: q\r\nCSeq: 1 INVITE\r\n"
#define VIA "Via: SIP/2.0/UDP h:5070;branch=z9hG4bK1\r\n"

static struct sa dst, src;

/* The answer to s from 192.0.2.1:9, "" if there is none. */
static const char *answer_n(const char *s, size_t n, bool udp)
{
	static char text[2048];
	struct mbuf *mb;

	text[0] = '\0';
	sa_set_str(&src, "192.0.2.1", 9);
	dst = src;
	if (malformed_answer(&mb, &dst, udp, (const uint8_t *)s, n))
		return text;
	CU_ASSERT(mb->pos == 0 && mb->end < sizeof text);
	memcpy(text, mb->buf, mb->end);
	text[mb->end] = '\0';
	mem_deref(mb);
	return text;
}

static const char *answer(const char *s)
{
	return answer_n(s, strlen(s), true);
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static void test_status(void)
{
	CU_ASSERT(begins(answer("A  b SIP/2.0\r\n" VIA "\r\n"),
			 "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP h:5070"));
	CU_ASSERT(begins(answer("A b SIP/2.0  \r\n" VIA "\r\n"),
			 "SIP/2.0 400 "));
	CU_ASSERT(begins(answer("A b SIP/7.0\r\n" VIA "\r\n"),
			 "SIP/2.0 505 "));
	CU_ASSERT_STRING_EQUAL(answer("ACK b SIP/2.0\r\n" VIA "\r\n"), "");
	CU_ASSERT_STRING_EQUAL(answer("SIP/2.0 9999 SIP/2.0\r\n" VIA "\r\n"), "");
	CU_ASSERT_STRING_EQUAL(answer("GET / HTTP/1.1\r\n" VIA "\r\n"), "");
	CU_ASSERT_STRING_EQUAL(answer("\r\n" VIA "\r\n"), "");
	CU_ASSERT_STRING_EQUAL(answer(" \n\n"), "");
	CU_ASSERT_STRING_EQUAL(answer(""), "");
}

static void test_headers(void)
{
	const char *s = answer("A  b SIP/2.0\r\n" VIA "v: x\r\n" REST
			       "From: again\r\nSubject: none\r\n\r\nVia: body");

	CU_ASSERT_PTR_NOT_NULL(strstr(s, VIA "v: x\r\nFrom: <sip:x@y>;tag=1\r\n"
				      "To: <sip:a@b>;tag="));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "\r\ni: q\r\nCSeq: 1 INVITE\r\n"
				      "Content-Length: 0\r\n\r\n"));
	CU_ASSERT_PTR_NULL(strstr(s, "again"));
	CU_ASSERT_PTR_NULL(strstr(s, "none"));
	CU_ASSERT_PTR_NULL(strstr(s, "body"));
	s = answer("A  b SIP/2.0\n" VIA "To: <sip:a>\n\t;tag=2\n\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "To: <sip:a>\n\t;tag=2\r\nContent"));
	/* nobody to answer; what is cut off */
	CU_ASSERT_STRING_EQUAL(answer("A  b SIP/2.0\r\n" REST "\r\n"), "");
	CU_ASSERT_STRING_EQUAL(answer("A  b SIP/2.0\r\nVia: SIP/2"), "");
	s = answer("A  b SIP/2.0\r\n" VIA "Call-ID: cut");
	CU_ASSERT_PTR_NULL(strstr(s, "cut"));
}

static void test_dirt(void)
{
	static const char s[] = "A b SIP/2.0\r\n" VIA "To: a\0b\r\nFrom: \1\r\n"
		"Call-ID: x\ry\r\n\r\n";
	const char *a = answer_n(s, sizeof s - 1, true);

	CU_ASSERT_PTR_NULL(strstr(a, "To:"));
	CU_ASSERT_PTR_NULL(strstr(a, "From:"));
	CU_ASSERT_PTR_NULL(strstr(a, "Call-ID:"));
	CU_ASSERT_PTR_NOT_NULL(strstr(a, VIA));
}

static uint16_t port(const char *via)
{
	char s[256];

	re_snprintf(s, sizeof s, "A  b SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\n\r\n",
		    via);
	CU_ASSERT(answer(s)[0]);
	return sa_port(&dst);
}

static void test_port(void)
{
	CU_ASSERT_EQUAL(port("h"), 5060);
	CU_ASSERT_EQUAL(port("h:7"), 7);
	CU_ASSERT_EQUAL(port("[2001:db8::9:1]"), 5060);
	CU_ASSERT_EQUAL(port("[2001:db8::9:1]:7;x"), 7);
	CU_ASSERT_EQUAL(port("h:7;rport;branch=x"), 9);
	CU_ASSERT_EQUAL(port("h:7, SIP/2.0/UDP g:8;rport"), 7);
	CU_ASSERT_EQUAL(port("h:x"), 5060);
	(void)answer_n("A  b SIP/2.0\r\n" VIA "\r\n", 53, false);
	CU_ASSERT_EQUAL(sa_port(&dst), 9);
}

/* Nobody but the source is answered. */
static void test_source(void)
{
	CU_ASSERT_EQUAL(port("h:7;maddr=198.51.100.66"), 7);
	CU_ASSERT(sa_cmp(&dst, &src, SA_ADDR));
	CU_ASSERT_EQUAL(port("198.51.100.66:7;received=198.51.100.66"), 7);
	CU_ASSERT(sa_cmp(&dst, &src, SA_ADDR));
}

UNIT_SUITE("malformed",
	   { "status", test_status },
	   { "headers", test_headers },
	   { "dirt", test_dirt },
	   { "port", test_port },
	   { "the source alone", test_source })
