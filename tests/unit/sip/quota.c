/*
 * quota.c: who is let through, told, and not heard; what he gets by UDP; who
 * is known; guesses; a table that somebody fills.
 */
#include <string.h>
#include "sdp/base/clock.h"
#include "tests/unit/steady.h"
#include "tests/unit/unit.h"
#include "sipd/sip/quota.h"

static struct quota *q;
static unsigned lines;
static char last[300];

static void log_handler(const char *line, void *arg)
{
	(void)arg;
	++lines;
	str_ncpy(last, line, sizeof last);
}

static void open_rate(uint32_t rate)
{
	steady_begin();
	lines = 0;
	last[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(quota_alloc(&q, rate, log_handler, NULL), 0);
}

static void close_it(void)
{
	q = mem_deref(q);
}

static struct sa addr(const char *s)
{
	struct sa sa;

	CU_ASSERT_EQUAL_FATAL(sa_set_str(&sa, s, 5060), 0);
	return sa;
}

/* What n messages of src meet with, as "PPPPRRRRDD". */
static const char *take(const char *src, unsigned n)
{
	static char s[64];
	const struct sa sa = addr(src);

	for (unsigned i = 0; i < n; i++)
		s[i] = "PRD"[quota_take(q, &sa, 100)];
	s[n] = '\0';
	return s;
}

static void test_rate(void)
{
	open_rate(1);
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 10), "PPPPRRRRDD");
	CU_ASSERT_EQUAL(lines, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "192.0.2.1"));
	CU_ASSERT_STRING_EQUAL(take("192.0.2.2", 4), "PPPP");
	CU_ASSERT_STRING_EQUAL(take("2001:db8::1", 4), "PPPP");
	CU_ASSERT_STRING_EQUAL(take("2001:db8::ffff:2", 2), "RR");
	CU_ASSERT_STRING_EQUAL(take("2001:db8:0:1::1", 1), "P");
	steady_skip(1100 * MSEC);
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 2), "PD");
	quota_rate(q, 0);
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 9), "PPPPPPPPP");
	close_it();
}

static void test_known(void)
{
	const struct sa sa = addr("192.0.2.1");

	open_rate(1);
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 5), "PPPPR");
	quota_proven(q, &sa);
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 1), "R");
	quota_exempt(q, &sa);
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 9), "PPPPPPPPP");
	close_it();
}

/* 100 bytes came with each message. */
static void test_answers(void)
{
	const struct sa a = addr("192.0.2.1"), b = addr("192.0.2.2");
	size_t n = 0;

	open_rate(1000);
	while (n < 10 * QUOTA_BYTES && quota_answer(q, &a, 500))
		n += 500;
	CU_ASSERT(n > QUOTA_BYTES - 500 && n <= QUOTA_BYTES + 500);
	(void)take("192.0.2.1", 6);
	CU_ASSERT(quota_answer(q, &a, 500));
	CU_ASSERT(!quota_answer(q, &a, 500));
	quota_proven(q, &a);
	CU_ASSERT(quota_answer(q, &a, 50000));
	CU_ASSERT(quota_answer(q, &b, 50000));
	CU_ASSERT(!quota_answer(q, &b, 50000));
	quota_exempt(q, &b);
	CU_ASSERT(quota_answer(q, &b, 50000));
	close_it();
}

static void test_guesses(void)
{
	const struct sa a = addr("192.0.2.1"), b = addr("192.0.2.2");
	const struct pl user = PL("al\"ice\r\nroot: hello\x1b[2J");

	open_rate(0);
	for (unsigned i = 0; i < QUOTA_GUESSES; i++) {
		CU_ASSERT(!quota_guessed(q, &a));
		quota_guess(q, &a, &user);
	}
	CU_ASSERT(quota_guessed(q, &a));
	CU_ASSERT(!quota_guessed(q, &b));
	CU_ASSERT(lines > 0 && lines <= QUOTA_GUESSES);
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "192.0.2.1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "al\"ice??root: hello?[2J"));
	CU_ASSERT_PTR_NULL(strpbrk(last, "\r\n\x1b"));
	close_it();
}

static void test_connections(void)
{
	const struct sa a = addr("192.0.2.1"), b = addr("192.0.2.2");

	open_rate(0);
	for (unsigned i = 0; i < QUOTA_CONNS; i++)
		CU_ASSERT(quota_enter(q, &a));
	CU_ASSERT(!quota_enter(q, &a));
	CU_ASSERT(quota_enter(q, &b));
	quota_leave(q, &a);
	CU_ASSERT(quota_enter(q, &a));
	CU_ASSERT(!quota_enter(q, &a));
	CU_ASSERT_EQUAL(lines, 1);
	close_it();
}

/* No room for anybody: said once a minute, whoever comes. */
static void test_full(void)
{
	const struct sa a = addr("192.0.2.1"), b = addr("192.0.2.2");

	open_rate(0);
	quota_full(q, &a, 4096);
	quota_full(q, &b, 4096);
	CU_ASSERT_EQUAL(lines, 1);
	CU_ASSERT_STRING_EQUAL(last, "connections are refused for now, one"
			       " from 192.0.2.1 among them: 4096 are open,"
			       " which is the most (see ss -tn)");
	close_it();
}

/* Strangers push strangers out, not who is known or has connections. */
static void test_crowd(void)
{
	const struct sa a = addr("192.0.2.1"), b = addr("192.0.2.2");
	struct sa sa;

	open_rate(1);
	quota_exempt(q, &a);
	for (unsigned i = 0; i < QUOTA_CONNS; i++)
		CU_ASSERT(quota_enter(q, &b));
	for (uint32_t i = 0; i < 100000; i++) {
		sa_set_in(&sa, 0x0a000000 + i, 5060);
		(void)quota_take(q, &sa, 100);
	}
	CU_ASSERT_STRING_EQUAL(take("192.0.2.1", 6), "PPPPPP");
	CU_ASSERT(!quota_enter(q, &b));
	close_it();
}

static void test_none(void)
{
	const struct sa a = addr("192.0.2.1");
	const struct pl user = PL("alice");

	CU_ASSERT_EQUAL(quota_take(NULL, &a, 1), QUOTA_PASS);
	CU_ASSERT(quota_answer(NULL, &a, 1));
	CU_ASSERT(quota_enter(NULL, &a));
	CU_ASSERT(!quota_guessed(NULL, &a));
	quota_leave(NULL, &a);
	quota_guess(NULL, &a, &user);
	quota_proven(NULL, &a);
	quota_exempt(NULL, &a);
	quota_full(NULL, &a, 1);
}

UNIT_SUITE("sip/quota",
	   { "a bucket for each source", test_rate },
	   { "who is known is not limited", test_known },
	   { "bytes by UDP", test_answers },
	   { "wrong passwords", test_guesses },
	   { "connections that say nothing", test_connections },
	   { "no room for connections", test_full },
	   { "a crowd", test_crowd },
	   { "no quota", test_none })
