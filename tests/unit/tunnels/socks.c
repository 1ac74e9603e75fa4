/*
 * socks.c: tests tunnels/forward/socks.c: requests of each language, whole and
 * byte by byte, and what is replied.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "tunnels/forward/socks.h"

#define BYTES(...) (const uint8_t []){ __VA_ARGS__ }, \
	sizeof((const uint8_t []){ __VA_ARGS__ })
#define TEXT(t) (const uint8_t *)(t), sizeof(t) - 1

/* Feed it byte by byte, what comes after it is not touched; the error, and
 * how many bytes are left over. */
static int feed(struct socks *so, const uint8_t *p, size_t n, size_t *left)
{
	size_t used, start = 0;
	int err = EAGAIN;

	memset(so, 0, sizeof *so);
	for (size_t have = 0; have <= n && err == EAGAIN; have++) {
		err = socks_decode(so, p + start, have - start, &used);
		start += used;
	}
	*left = n - start;
	return err;
}

static void good(const uint8_t *p, size_t n, const char *host, uint16_t port,
		 enum socks_proto proto)
{
	struct socks so;
	size_t left;

	CU_ASSERT_EQUAL(feed(&so, p, n, &left), 0);
	CU_ASSERT_EQUAL(left, 0);
	CU_ASSERT_STRING_EQUAL(so.host, host);
	CU_ASSERT_EQUAL(so.port, port);
	CU_ASSERT_EQUAL(so.proto, proto);
}

static void test_good(void)
{
	good(BYTES(5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 7, 0, 80), "192.0.2.7", 80,
	     SOCKS_5);
	good(BYTES(5, 2, 2, 0, 5, 1, 0, 3, 2, 'a', 'b', 1, 2), "ab", 258,
	     SOCKS_5);
	good(BYTES(5, 1, 0, 5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0,
		   0, 0, 0, 0, 0, 9, 0, 22), "2001:db8::9", 22, SOCKS_5);
	good(BYTES(4, 1, 0, 80, 192, 0, 2, 7, 'm', 'e', 0), "192.0.2.7", 80,
	     SOCKS_4);
	good(BYTES(4, 1, 0, 80, 0, 0, 0, 1, 0, 'h', '.', 'x', 0), "h.x", 80,
	     SOCKS_4);
	good(TEXT("CONNECT h.x:443 HTTP/1.1\r\nHost: y\r\n\r\n"), "h.x", 443,
	     SOCKS_HTTP);
	good(TEXT("CONNECT [2001:db8::9]:443 HTTP/1.0\r\n\r\n"),
	     "2001:db8::9", 443, SOCKS_HTTP);
}

/* What is sent at once behind a request is not lost. */
static void test_early(void)
{
	struct socks so;
	const uint8_t req[] = { 4, 1, 0, 80, 192, 0, 2, 7, 0, 'G', 'E', 'T' };
	size_t used;

	memset(&so, 0, sizeof so);
	CU_ASSERT_EQUAL(socks_decode(&so, req, sizeof req, &used), 0);
	CU_ASSERT_EQUAL(used, 9);
}

static void bad(const uint8_t *p, size_t n, int err)
{
	struct socks so;
	size_t left;

	CU_ASSERT_EQUAL(feed(&so, p, n, &left), err);
}

static void test_bad(void)
{
	uint8_t big[SOCKS_REQUEST_MAX];
	struct socks so;
	size_t used;

	bad(BYTES(0), EBADMSG);
	bad(BYTES(6, 1), EBADMSG);
	bad(BYTES(5, 1, 2), EPERM);             /* a password is wanted */
	bad(BYTES(5, 0), EPERM);
	bad(BYTES(5, 1, 0, 4, 1, 0, 1, 1), EBADMSG);
	bad(BYTES(5, 1, 0, 5, 2, 0, 1, 1, 1, 1, 1, 0, 1), EOPNOTSUPP);
	bad(BYTES(5, 1, 0, 5, 1, 0, 2, 1), EAFNOSUPPORT);
	bad(BYTES(5, 1, 0, 5, 1, 0, 1, 1, 1, 1, 1, 0, 0), EBADMSG);
	bad(BYTES(5, 1, 0, 5, 1, 0, 3, 0, 0, 80), EBADMSG);
	/* a path, or what could move a terminal's cursor, is no name */
	bad(BYTES(5, 1, 0, 5, 1, 0, 3, 2, '/', 'x', 0, 80), EBADMSG);
	bad(BYTES(5, 1, 0, 5, 1, 0, 3, 2, 'x', 0, 0, 80), EBADMSG);
	bad(BYTES(4, 2, 0, 80, 1, 1, 1, 1, 0), EOPNOTSUPP);
	bad(TEXT("GET http://x/ HTTP/1.1\r\n\r\n"), EOPNOTSUPP);
	bad(TEXT("CONNECT h HTTP/1.1\r\n\r\n"), EBADMSG);
	bad(TEXT("CONNECT h:65536 HTTP/1.1\r\n\r\n"), EBADMSG);
	bad(TEXT("CONNECT h:1x HTTP/1.1\r\n\r\n"), EBADMSG);
	bad(TEXT("CONNECT /run/x:1 HTTP/1.1\r\n\r\n"), EBADMSG);
	memset(big, 'A', sizeof big);
	memset(&so, 0, sizeof so);
	CU_ASSERT_EQUAL(socks_decode(&so, big, sizeof big - 1, &used),
			EAGAIN);
	CU_ASSERT_EQUAL(socks_decode(&so, big, sizeof big, &used), EBADMSG);
}

static void test_replies(void)
{
	static const struct {
		int err;
		uint8_t rep;
		const char *http;
	} v[] = {
		{ 0, 0, " 200 " }, { EACCES, 2, " 403 " },
		{ ENETUNREACH, 3, " 502 " }, { EHOSTUNREACH, 4, " 502 " },
		{ ENOENT, 4, " 502 " }, { ECONNREFUSED, 5, " 502 " },
		{ ETIMEDOUT, 6, " 504 " }, { EOPNOTSUPP, 7, " 405 " },
		{ EAFNOSUPPORT, 8, " 400 " }, { EIO, 1, " 500 " },
	};
	struct socks so = { .proto = SOCKS_5 };
	uint8_t buf[SOCKS_REPLY_MAX + 1];
	size_t n;

	CU_ASSERT_EQUAL(socks_reply(buf, &so, EPERM), 2);
	CU_ASSERT_EQUAL(buf[1], 0xff);
	so.greeted = true;
	CU_ASSERT_EQUAL(socks_reply(buf, &so, EAGAIN), 2);
	CU_ASSERT_EQUAL(buf[1], 0);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		so.proto = SOCKS_5;
		CU_ASSERT_EQUAL(socks_reply(buf, &so, v[i].err), 10);
		CU_ASSERT_EQUAL(buf[1], v[i].rep);
		so.proto = SOCKS_4;
		CU_ASSERT_EQUAL(socks_reply(buf, &so, v[i].err), 8);
		CU_ASSERT_EQUAL(buf[1], v[i].err ? 91 : 90);
		so.proto = SOCKS_HTTP;
		n = socks_reply(buf, &so, v[i].err);
		CU_ASSERT(n > 20);
		buf[n] = '\0';
		CU_ASSERT_PTR_NOT_NULL(strstr((char *)buf, v[i].http));
		CU_ASSERT_STRING_EQUAL((char *)buf + n - 4, "\r\n\r\n");
	}
	so.proto = SOCKS_NONE;
	CU_ASSERT_EQUAL(socks_reply(buf, &so, EBADMSG), 0);
}

UNIT_SUITE("tunnels/socks",
	{ "good", test_good },
	{ "early", test_early },
	{ "bad", test_bad },
	{ "replies", test_replies })
