/*
 * dtlsrec.c: tests tunnels/flow/dtlsrec.c: two ends of the same keys. What a
 * record looks like, its counters, the replay window to the last record, and
 * every bit that somebody may turn.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "tunnels/flow/dtlsrec.h"

enum { N = 100, ROOM = N + REC_OVERHEAD_MAX };

struct ends {
	struct rec a, b;
};

static void ends_open(struct ends *e, enum aead_cipher cipher, uint64_t seq)
{
	struct rec_secret s = { .cipher = cipher, .client = true };

	memset(e, 0, sizeof *e);
	memset(s.master, 1, sizeof s.master);
	memset(s.client_random, 2, sizeof s.client_random);
	memset(s.server_random, 3, sizeof s.server_random);
	CU_ASSERT_EQUAL_FATAL(rec_init(&e->a, &s, seq), 0);
	s.client = false;
	CU_ASSERT_EQUAL_FATAL(rec_init(&e->b, &s, seq), 0);
}

static void ends_close(struct ends *e)
{
	rec_close(&e->a);
	rec_close(&e->b);
}

/* Record `seq`, as if those before it had been made. */
static size_t seal(struct ends *e, uint8_t *dst, uint64_t seq)
{
	uint8_t text[N];

	memset(text, (int)seq, sizeof text);
	e->a.seq = seq;
	return rec_seal(&e->a, dst, REC_DATA, text, sizeof text);
}

static int pass(struct ends *e, uint64_t seq)
{
	uint8_t buf[ROOM], *p;
	size_t n, len = seal(e, buf, seq);
	int err;

	CU_ASSERT_EQUAL(len, N + rec_overhead(&e->a));
	CU_ASSERT_EQUAL(rec_length(buf, len), len);
	err = rec_open(&e->b, buf, len, &p, &n);
	if (!err) {
		CU_ASSERT_EQUAL(n, N);
		CU_ASSERT(p[0] == (uint8_t)seq && p[N - 1] == (uint8_t)seq);
	}
	return err;
}

/* RFC 6347, 4.1.2.6, with 4096 instead of 64. */
static void test_window(void)
{
	const uint64_t top = 1000000;
	struct ends e;

	for (int c = 0; c < 2; c++) {
		ends_open(&e, c ? AEAD_CHACHA20_POLY1305 : AEAD_AES128_GCM, 0);
		CU_ASSERT_EQUAL(pass(&e, 0), 0);
		CU_ASSERT_EQUAL(pass(&e, 0), EALREADY);
		CU_ASSERT_EQUAL(pass(&e, top), 0);
		CU_ASSERT_EQUAL(pass(&e, top), EALREADY);
		/* the oldest that counts, and the first that is too old */
		CU_ASSERT_EQUAL(pass(&e, top - REC_WINDOW + 1), 0);
		CU_ASSERT_EQUAL(pass(&e, top - REC_WINDOW + 1), EALREADY);
		CU_ASSERT_EQUAL(pass(&e, top - REC_WINDOW), EALREADY);
		/* all of it backwards, each once */
		for (uint64_t i = 1; i < REC_WINDOW - 1; i++)
			CU_ASSERT_EQUAL(pass(&e, top - i), 0);
		for (uint64_t i = 0; i < REC_WINDOW; i += 7)
			CU_ASSERT_EQUAL(pass(&e, top - i), EALREADY);
		/* it moves by one */
		CU_ASSERT_EQUAL(pass(&e, top + 2), 0);
		CU_ASSERT_EQUAL(pass(&e, top + 1), 0);
		CU_ASSERT_EQUAL(pass(&e, top + 1), EALREADY);
		CU_ASSERT_EQUAL(e.b.rx_max, top + 2);
		ends_close(&e);
	}
}

/* No number is used twice; after the last there is none. */
static void test_counter(void)
{
	const uint64_t end = (uint64_t)1 << 48;
	uint8_t buf[ROOM], was[ROOM];
	struct ends e;

	ends_open(&e, AEAD_AES128_GCM, 5);
	for (unsigned i = 0; i < 1000; i++) {
		CU_ASSERT(rec_seal(&e.a, buf, REC_DATA, "x", 1) > 0);
		CU_ASSERT_EQUAL(e.a.seq, 6 + i);
		/* the explicit nonce is not the one before */
		CU_ASSERT(!i || memcmp(was + REC_HEADER, buf + REC_HEADER, 8));
		memcpy(was, buf, sizeof was);
	}
	e.a.seq = end - 1;
	CU_ASSERT(rec_seal(&e.a, buf, REC_DATA, "x", 1) > 0);
	CU_ASSERT_EQUAL(rec_seal(&e.a, buf, REC_DATA, "x", 1), 0);
	CU_ASSERT_EQUAL(rec_seal(&e.a, buf, REC_ALERT, "x", 1), 0);
	ends_close(&e);
}

/* Whatever is changed of a record, an alert that ends all of it too, it is
 * not opened, does not count as seen, and can be opened as it was. */
static void test_forged(void)
{
	static const uint8_t closed[] = { 1, 0 };
	uint8_t buf[ROOM], bad[ROOM], *p;
	struct ends e;
	size_t n, len;

	for (int c = 0; c < 2; c++) {
		ends_open(&e, c ? AEAD_CHACHA20_POLY1305 : AEAD_AES128_GCM, 9);
		len = rec_seal(&e.a, buf, REC_ALERT, closed, sizeof closed);
		CU_ASSERT_FATAL(len > 0);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			memcpy(bad, buf, len);
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CU_ASSERT_EQUAL(rec_open(&e.b, bad, len, &p, &n),
					EBADMSG);
		}
		for (size_t cut = 0; cut < len; cut++) {
			memcpy(bad, buf, len);
			CU_ASSERT_EQUAL(rec_open(&e.b, bad, cut, &p, &n),
					EBADMSG);
		}
		/* our own, sent back */
		memcpy(bad, buf, len);
		CU_ASSERT_EQUAL(rec_open(&e.a, bad, len, &p, &n), EBADMSG);
		CU_ASSERT_EQUAL(e.b.rx_max, 0);
		CU_ASSERT_EQUAL(rec_open(&e.b, buf, len, &p, &n), 0);
		CU_ASSERT(n == 2 && !memcmp(p, closed, 2));
		ends_close(&e);
	}
}

UNIT_SUITE("dtlsrec",
	   { "replay window", test_window },
	   { "counters", test_counter },
	   { "forged records", test_forged })
