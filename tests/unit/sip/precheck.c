/*
 * precheck.c: what passes before the decoder, what does not, and how long it
 * takes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/unit/unit.h"
#include "sdp/base/clock.h"
#include "sipd/sip/precheck.h"

#define OK_HEAD "INVITE sip:a@b SIP/2.0\r\n" \
	"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:x@y>;tag=1\r\n" \
	"To: <sip:a@b>\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\n"

static struct precheck pc;

static int check(const char *s)
{
	return precheck(&pc, (const uint8_t *)s, strlen(s));
}

static void test_good(void)
{
	CU_ASSERT_EQUAL(check(OK_HEAD "\r\n"), 0);
	CU_ASSERT_EQUAL(pc.head, strlen(OK_HEAD) + 2);
	CU_ASSERT(!pc.has_clen);
	CU_ASSERT_EQUAL(check(OK_HEAD "Content-Length: 12\r\n\r\nbody"), 0);
	CU_ASSERT_EQUAL(pc.clen, 12);
	CU_ASSERT_EQUAL(check(OK_HEAD "l :\t7 \r\n\r\n"), 0);
	CU_ASSERT_EQUAL(pc.clen, 7);
	CU_ASSERT_EQUAL(check("SIP/2.0 200 \r\nVia: x\r\n\r\n"), 0);
	CU_ASSERT_EQUAL(check("SIP/2.0 200 OK\nSubject: a\n b\n\n"), 0);
}

static void test_incomplete(void)
{
	static const char text[] = OK_HEAD "Content-Length: 12\r\n\r\n";

	for (size_t n = 0; n + 1 < sizeof text; n++)
		CU_ASSERT_EQUAL(precheck(&pc, (const uint8_t *)text, n),
				ENODATA);
}

static void test_bad(void)
{
	static const char *const badv[] = {
		"INVITE\r\n\r\n", " INVITE a SIP/2.0\r\n\r\n",
		"INVITE  a SIP/2.0\r\n\r\n",
		"IN\x01VITE a SIP/2.0\r\n\r\n",
		"INVITE a \x01 SIP/2.0\r\n\r\n",
		"INVITE a SIP/2.0\r\nno colon\r\n\r\n",
		"INVITE a SIP/2.0\r\n: x\r\n\r\n",
		"INVITE a SIP/2.0\r\n folded\r\n\r\n",
		"INVITE a SIP/2.0\r\nF oo: x\r\n\r\n",
		OK_HEAD "To: again\r\n\r\n", OK_HEAD "t: again\r\n\r\n",
		OK_HEAD "l: 1\r\nContent-Length: 1\r\n\r\n",
		OK_HEAD "l: \r\n\r\n", OK_HEAD "l: 1x\r\n\r\n",
		OK_HEAD "l: -1\r\n\r\n", OK_HEAD "l: 1\r\n 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n", "INVITE a SIP/7.0\r\n\r\n",
		"INVITE <sip:a> SIP/2.0\r\n\r\n",
		"INVITE sip:a; lr SIP/2.0\r\n\r\n",
		"INVITE sip:a SIP/2.0  SIP/2.0\r\n\r\n",
		"INVITE sip:a@2001:db8::1 SIP/2.0\r\n\r\n",
		"INVITE sips:2001:db8::1 SIP/2.0\r\n\r\n",
		"INVITE sip:[2001:db8::1 SIP/2.0\r\n\r\n",
		"INVITE a SIP/2.0\r\nTo: \"a <sip:b>\r\nX: \"\r\n\r\n",
		"INVITE a SIP/2.0\r\nTo: \"a\\\" <sip:b>\r\n\r\n",
		"INVITE a SIP/2.0\r\nTo: a, b <sip:b>\r\n\r\n",
		"INVITE a SIP/2.0\r\nCSeq: 4294967296 INVITE\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof badv / sizeof badv[0]; i++)
		CU_ASSERT_EQUAL(check(badv[i]), EBADMSG);
	CU_ASSERT_EQUAL(precheck(&pc, (const uint8_t *)
				 "INVITE a SIP/2.0\r\nX: \0\r\n\r\n", 26), EBADMSG);
}

static int start(const char *uri)
{
	char s[256];

	re_snprintf(s, sizeof s, "INVITE %s SIP/2.0\r\n\r\n", uri);
	return check(s);
}

static void test_uri(void)
{
	static const char *const goodv[] = {
		"a", "sip:a:5060", "sip:a:b@c:5060", "sip:[2001:db8::1]:5060",
		"sip:x@[::1];transport=tcp", "sips:a;x=b:c:d", "sip:",
		"tel:+1:2:3", "soap.beep://192.0.2.1:3002", "sip:a?b=c:d:e",
		"sip:a:b;c:d@host",
	};

	for (size_t i = 0; i < sizeof goodv / sizeof goodv[0]; i++)
		CU_ASSERT_EQUAL(start(goodv[i]), 0);
}

/* Quotes as RFC 3261 has them, NUL in a display name alone. */
static void test_address(void)
{
#define NUL(s) precheck(&pc, (const uint8_t *)(s), sizeof(s) - 1)
	CU_ASSERT_EQUAL(check("INVITE a SIP/2.0\r\nTo: \"a, \\\"b\" <sip:c,d>\r\n"
			      "Contact: <sip:a>, \"b\" <sip:b>\r\n\r\n"), 0);
	CU_ASSERT_EQUAL(check("INVITE a SIP/2.0\r\nTo: \"a\r\n b\" <sip:c>"
			      "\r\nX: \"\r\nCSeq: 4294967295 A\r\n\r\n"), 0);
	CU_ASSERT_EQUAL(NUL("INVITE a SIP/2.0\r\nTo: \"a\\\0\" <sip:c>\r\n\r\n"),
			0);
	CU_ASSERT_EQUAL(NUL("INVITE a SIP/2.0\r\nTo: \"a\0\" <sip:c>\r\n\r\n"),
			EBADMSG);
	CU_ASSERT_EQUAL(NUL("INVITE a SIP/2.0\r\nTo: a\\\0 <sip:c>\r\n\r\n"),
			EBADMSG);
	CU_ASSERT_EQUAL(NUL("INVITE a SIP/2.0\r\nTo: <sip:c>;a=\"\\\0\"\r\n\r\n"),
			EBADMSG);
	CU_ASSERT_EQUAL(NUL("INVITE a SIP/2.0\r\nm: \"\\\0\" <sip:c>\r\n\r\n"),
			EBADMSG);
	CU_ASSERT_EQUAL(NUL("INVITE a SIP/2.0\r\nTo: \"a\\"), ENODATA);
}

static char *filled(const char *begin, const char *with, size_t n,
		    const char *tail)
{
	size_t len = strlen(begin), w = strlen(with), t = strlen(tail);
	char *s = malloc(len + n * w + t + 1);

	memcpy(s, begin, len);
	for (size_t i = 0; i < n; i++)
		memcpy(s + len + i * w, with, w);
	memcpy(s + len + n * w, tail, t + 1);
	return s;
}

static void limit(const char *begin, const char *with, size_t n,
		  const char *tail, int want)
{
	char *s = filled(begin, with, n, tail);

	CU_ASSERT_EQUAL(check(s), want);
	free(s);
}

static void test_limits(void)
{
	limit("INVITE sip:", "x", 400, " SIP/2.0\r\n\r\n", 0);
	limit("INVITE sip:", "x", 600, " SIP/2.0\r\n\r\n", EMSGSIZE);
	limit("INVITE sip:", "x", 600, "", EMSGSIZE);
	limit(OK_HEAD "Contact: ", "x", 1000, "\r\n\r\n", 0);
	limit(OK_HEAD "Contact: ", "x", 1100, "\r\n\r\n", EMSGSIZE);
	limit(OK_HEAD "Contact: ", "x\r\n ", 400, "\r\n\r\n", EMSGSIZE);
	limit(OK_HEAD "X-Dialtone: ", "x", 3000, "\r\n\r\n", 0);
	limit(OK_HEAD "X-Dialtone: ", "x", 5000, "\r\n\r\n", EMSGSIZE);
	limit(OK_HEAD, "X: y\r\n", 120, "\r\n", 0);
	limit(OK_HEAD, "X: y\r\n", 130, "\r\n", EMSGSIZE);
	limit(OK_HEAD "Supported: ", ",", 300, "\r\n\r\n", EMSGSIZE);
	limit(OK_HEAD, "X: y yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	      "\r\n", 100, "\r\n", EMSGSIZE);
	limit(OK_HEAD "Content-Length: ", "9", 5, "\r\n\r\n", EMSGSIZE);
	limit(OK_HEAD "Content-Length: ", "9", 400, "\r\n\r\n", EMSGSIZE);
}

/* Of the processor, for others run on it too. */
static uint64_t spent(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 * MSEC + (uint64_t)t.tv_nsec;
}

/* Whatever passes takes the decoder a time that does not hurt. */
static void slow(const char *begin, const char *with, size_t n,
		 const char *tail)
{
	char *s = filled(begin, with, n, tail);
	struct sip_msg *msg;
	struct mbuf *mb = mbuf_alloc(1024);
	uint64_t t0;

	mbuf_write_str(mb, s);
	mb->pos = 0;
	t0 = spent();
	if (!check(s) && !sip_msg_decode(&msg, mb))
		mem_deref(msg);
	CU_ASSERT(spent() - t0 < 10 * MSEC);
	mem_deref(mb);
	free(s);
}

static void test_slow(void)
{
	slow("", "a ", 4000, "\r\n\r\n");
	slow("INVITE sip:", "a:", 240, " SIP/2.0\r\n\r\n");
	slow("INVITE sip:x SIP/2.0\r\nTo: ", "<", 500, "\r\n\r\n");
	slow("INVITE sip:x SIP/2.0\r\nTo: ", "sip:", 120, "\r\n\r\n");
	slow("INVITE sip:x SIP/2.0\r\nTo: <sip:a>", ";tag", 250, "\r\n\r\n");
	slow("INVITE sip:x SIP/2.0\r\n", "Via: SIP/2.0/UDP ", 58, "\r\n\r\n");
	slow("INVITE sip:x SIP/2.0\r\n", "c: a/b\r\n", 1, "\r\n");
	slow("INVITE sip:x SIP/2.0\r\nCSeq: ", "1 ", 500, "\r\n\r\n");
	slow("INVITE sip:x SIP/2.0\r\nVia: ", ",", 250, "\r\n\r\n");
}

/* Anything at all: no crash, and no reading beyond the end. */
static void test_noise(void)
{
	static const char alphabet[] = "INVITE SIP/2.0:<>;,\r\n\r\n \t\"ltv0";

	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % 200;
		uint8_t *p = malloc(n ? n : 1);

		for (size_t k = 0; k < n; k++)
			p[k] = (uint8_t)alphabet[(size_t)rand() %
						 (sizeof alphabet - 1)];
		(void)precheck(&pc, p, n);
		free(p);
	}
	CU_ASSERT_EQUAL(check(OK_HEAD "\r\n"), 0);
}

UNIT_SUITE("precheck",
	   { "good", test_good },
	   { "incomplete", test_incomplete },
	   { "bad", test_bad },
	   { "uri", test_uri },
	   { "address", test_address },
	   { "limits", test_limits },
	   { "slow", test_slow },
	   { "noise", test_noise })
