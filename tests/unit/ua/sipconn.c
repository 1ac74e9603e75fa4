/*
 * sipconn.c: a scripted TCP client: framing, keepalives, and streams that are
 * no SIP.
 */
#include "tests/unit/ua/raw.h"

static struct side b;
static struct tcp_conn *tc;
static struct sa to;
static char got[65536];
static size_t len;
static bool up, closed;

static void estab_handler(void *arg)
{
	(void)arg;
	up = true;
}

static void recv_handler(struct mbuf *mb, void *arg)
{
	size_t n = mbuf_get_left(mb);
	(void)arg;

	if (len + n < sizeof got) {
		memcpy(got + len, mbuf_buf(mb), n);
		len += n;
	}
	got[len] = '\0';
}

static void close_handler(int err, void *arg)
{
	(void)err;
	(void)arg;
	closed = true;
}

static bool is_up(void *arg)
{
	(void)arg;
	return up;
}

static bool is_closed(void *arg)
{
	(void)arg;
	return closed;
}

static bool has(void *arg)
{
	return strstr(got, arg) != NULL;
}

static void connect_again(void)
{
	tc = mem_deref(tc);
	up = closed = false;
	len = 0;
	got[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(tcp_connect(&tc, &to, estab_handler,
					  recv_handler, close_handler, NULL),
			      0);
	CU_ASSERT(run_until(is_up, NULL, 1000));
}

static void open_callee(void)
{
	const struct ua_conf conf = { .user = "callee" };

	pair_begin();
	memset(&b, 0, sizeof b);
	CU_ASSERT_EQUAL_FATAL(side_open(&b, &conf), 0);
	side_addr(&b, &to);
	connect_again();
}

static void close_callee(void)
{
	tc = mem_deref(tc);
	sides_close(&b, NULL);
	pair_end();
}

static void put(const char *s, size_t n)
{
	struct mbuf mb = { .buf = (uint8_t *)s, .size = n, .end = n };

	CU_ASSERT_EQUAL(tcp_send(tc, &mb), 0);
}

static void options(char *text, size_t size, unsigned n, const char *tail)
{
	(void)re_snprintf(text, size, "OPTIONS sip:callee@127.0.0.1 SIP/2.0"
			  "\r\nVia: SIP/2.0/TCP 127.0.0.1:9;"
			  "branch=z9hG4bKtcp%u\r\nFrom: <sip:x@y>;tag=1\r\n"
			  "To: <sip:callee@127.0.0.1>\r\nCall-ID: %u\r\n"
			  "CSeq: %u OPTIONS\r\n%s", n, n, n, tail);
}

static void test_byte_by_byte(void)
{
	char text[1024];

	open_callee();
	options(text, sizeof text, 1, "Content-Length: 4\r\n\r\nbody");
	for (size_t i = 0; text[i]; i++) {
		put(text + i, 1);
		if (i % 16 == 0)
			run_for(1);
	}
	CU_ASSERT(run_until(has, "SIP/2.0 200", 1000));
	close_callee();
}

static void test_pipelined(void)
{
	char text[4096];
	size_t n;

	open_callee();
	options(text, sizeof text, 1, "l: 0\r\n\r\n\r\n\r\n");
	n = strlen(text);
	options(text + n, sizeof text - n, 2, "l: 0\r\n\r\n");
	n = strlen(text);
	options(text + n, sizeof text - n, 3, "l: 0\r\n\r\n");
	put(text, strlen(text));
	CU_ASSERT(run_until(has, "CSeq: 3 OPTIONS", 1000));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "CSeq: 1 OPTIONS"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "CSeq: 2 OPTIONS"));
	close_callee();
}

static void test_ping(void)
{
	open_callee();
	put("\r\n\r\n", 4);
	CU_ASSERT(run_until(has, "\r\n", 1000));
	CU_ASSERT_STRING_EQUAL(got, "\r\n");
	put("\r", 1);
	run_for(20);
	put("\n", 1);
	run_for(20);
	CU_ASSERT(!closed);
	close_callee();
}

static void dropped(const char *s, size_t n)
{
	uint64_t t0;

	connect_again();
	t0 = clock_ns();
	put(s, n);
	CU_ASSERT(run_until(is_closed, NULL, 1000));
	CU_ASSERT(clock_ns() - t0 < 300 * MSEC);
}

static void test_no_sip(void)
{
	char text[1024], *big = mem_zalloc(100001, NULL);

	open_callee();
	dropped("GET / HTTP/1.0\r\nno header\r\n\r\n", 29);
	dropped("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 13);
	options(text, sizeof text, 1, "\r\n");          /* no length */
	dropped(text, strlen(text));
	options(text, sizeof text, 1, "Content-Length: 70000\r\n\r\n");
	dropped(text, strlen(text));
	memset(big, 'a', 100000);
	dropped(big, 60000);
	for (unsigned i = 0; i < 100000; i += 2)
		big[i] = ' ';
	dropped(big, 60000);
	options(big, 1000, 1, "");
	memset(big + strlen(big), 'x', 50000);
	dropped(big, 40000);
	CU_ASSERT_STRING_EQUAL(b.log, "");
	mem_deref(big);
	close_callee();
}

/* A client that says nothing is let go. */
static void test_mute(void)
{
	open_callee();
	run_for(50);
	timers_run(timers, clock_ns() + 9 * SEC);
	run_for(20);
	CU_ASSERT(!closed);
	timers_run(timers, clock_ns() + 11 * SEC);
	CU_ASSERT(run_until(is_closed, NULL, 1000));
	close_callee();
}

/* Nor does one keep it by never ending a message, whatever came before. */
static void test_trickle(void)
{
	char text[1024];

	open_callee();
	options(text, sizeof text, 1, "l: 0\r\n\r\n");
	put(text, strlen(text));
	CU_ASSERT(run_until(has, "CSeq: 1 OPTIONS", 1000));
	timers_run(timers, clock_ns() + 60 * SEC);
	put("OPTIONS sip:", 12);
	run_for(20);
	put("callee", 6);
	run_for(20);
	timers_run(timers, clock_ns() + 9 * SEC);
	run_for(20);
	CU_ASSERT(!closed);
	timers_run(timers, clock_ns() + 11 * SEC);
	CU_ASSERT(run_until(is_closed, NULL, 1000));
	close_callee();
}

UNIT_SUITE("sipconn",
	   { "byte by byte", test_byte_by_byte },
	   { "pipelined", test_pipelined },
	   { "ping", test_ping },
	   { "no SIP", test_no_sip },
	   { "mute", test_mute },
	   { "trickle", test_trickle })
