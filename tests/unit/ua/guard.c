/*
 * guard.c: heads that pass and heads that do not, and the helper on a socket.
 */
#include <string.h>
#include "tests/unit/unit.h"
#include "sipd/ua/guard.h"

#define START "OPTIONS sip:a@example.org SIP/2.0\r\n"

static ssize_t head(const char *s)
{
	return guard_head((const uint8_t *)s, strlen(s));
}

static void test_good(void)
{
	static const char msg[] = START "Via: x\r\n y\r\nTo: z\r\n\r\nbody";

	CU_ASSERT_EQUAL(head(msg), sizeof msg - 5);
	CU_ASSERT_EQUAL(head("SIP/2.0 200 OK\nA: b\n\n"), 21);
	CU_ASSERT_EQUAL(head("SIP/2.0 200 \r\nA: b\r\n\r\n"), 22);
	CU_ASSERT(guard_ok((const uint8_t *)msg, sizeof msg - 1));
	for (size_t n = 0; n < sizeof msg - 5; n++) {
		CU_ASSERT_EQUAL(guard_head((const uint8_t *)msg, n), 0);
		CU_ASSERT(!guard_ok((const uint8_t *)msg, n));
	}
}

static void test_start(void)
{
	char s[2000];

	CU_ASSERT_EQUAL(head("\r\n\r\n"), -1);
	CU_ASSERT_EQUAL(head(" A B C\r\n"), -1);
	CU_ASSERT_EQUAL(head("A  B C\r\n"), -1);
	CU_ASSERT_EQUAL(head("A B\r\n"), -1);
	CU_ASSERT_EQUAL(head("A\tB C\r\n"), -1);
	memset(s, 'a', sizeof s);
	CU_ASSERT_EQUAL(guard_head((uint8_t *)s, GUARD_START - 1), 0);
	CU_ASSERT_EQUAL(guard_head((uint8_t *)s, GUARD_START), -1);
}

/* A head of lines of len bytes each, n of them; folded: one header. */
static ssize_t lines(size_t n, size_t len, bool folded)
{
	struct mbuf *mb = mbuf_alloc(1024);
	ssize_t r;

	mbuf_write_str(mb, START);
	while (n--) {
		mbuf_write_str(mb, folded ? " " : "X");
		mbuf_fill(mb, 'a', len - 3);
		mbuf_write_str(mb, "\r\n");
	}
	mbuf_write_str(mb, "\r\n");
	r = guard_head(mb->buf, mb->end);
	mem_deref(mb);
	return r;
}

static void test_limits(void)
{
	CU_ASSERT(lines(GUARD_HEADERS, 50, false) > 0);
	CU_ASSERT_EQUAL(lines(GUARD_HEADERS + 1, 50, false), -1);
	CU_ASSERT(lines(1, GUARD_LINE - 2, false) > 0);
	CU_ASSERT_EQUAL(lines(1, GUARD_LINE + 10, false), -1);
	CU_ASSERT(lines(GUARD_LINE / 64, 64, true) > 0);
	CU_ASSERT_EQUAL(lines(GUARD_LINE / 64 + 1, 64, true), -1);
	CU_ASSERT_EQUAL(lines(20, 1000, false), -1);    /* GUARD_HEAD */
}

struct wire {
	unsigned got;
	uint64_t dropped;
};

static void recv_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct wire *w = arg;
	(void)src;
	(void)mb;

	if (++w->got == 2)
		re_cancel();
}

static void send_text(struct udp_sock *us, const struct sa *dst,
		      const char *s, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n);

	mbuf_write_mem(mb, (const uint8_t *)s, n);
	mb->pos = 0;
	CU_ASSERT_EQUAL(udp_send(us, dst, mb), 0);
	mem_deref(mb);
}

static void timeout_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static void test_helper(void)
{
	static const char stun[20] = { 0, 1, 0, 0, 0x21, 0x12, (char)0xa4,
				       0x42 };
	struct udp_sock *us = NULL;
	struct udp_helper *uh = NULL;
	struct wire w = { 0, 0 };
	struct tmr tmr;
	struct sa sa;

	tmr_init(&tmr);
	sa_set_str(&sa, "127.0.0.1", 0);
	CU_ASSERT_EQUAL_FATAL(udp_listen(&us, &sa, recv_handler, &w), 0);
	CU_ASSERT_EQUAL_FATAL(guard_attach(&uh, us, &w.dropped), 0);
	udp_local_get(us, &sa);
	send_text(us, &sa, "garbage", 7);
	send_text(us, &sa, stun, sizeof stun);
	send_text(us, &sa, START "A: b\r\n\r\n", sizeof START + 7);
	tmr_start(&tmr, 2000, timeout_handler, NULL);
	re_main(NULL);
	tmr_cancel(&tmr);
	CU_ASSERT_EQUAL(w.got, 2);
	CU_ASSERT_EQUAL(w.dropped, 1);
	mem_deref(uh);
	mem_deref(us);
}

UNIT_SUITE("ua/guard",
	   { "good", test_good },
	   { "start line", test_start },
	   { "limits", test_limits },
	   { "helper", test_helper })
