/*
 * rekey.c: new keys of a DTLS association while packets flow: when they are
 * asked for, when they are due, on a network that loses.
 */
#include "tests/unit/tunnels/dtls/side.h"

static uint64_t keys(const struct side *s)
{
	struct dtls_stats st;

	memset(&st, 0, sizeof st);
	dtls_stats(s->q, &st);
	return st.keys;
}

static void nothing_wrong(const struct side *a, const struct side *b)
{
	CU_ASSERT_EQUAL(atomic_load(&a->bad) + atomic_load(&b->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&a->dup) + atomic_load(&b->dup), 0);
	CU_ASSERT_EQUAL(bad(a) + bad(b), 0);
}

/* Packets flow all the time, on a link that loses none. New keys are due soon
 * again: not while those before are still accepted, 5 s. */
static void test_rekey(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	const uint64_t begin = clock_ns();
	struct side a, b;

	ca.keepalive = 50 * MSEC;
	ca.rekey_records = 1000;
	connect_by(&a, &b, &ca, &cb);
	pass(&a, &b, 0, 60000, 200, 0);
	CU_ASSERT(keys(&a) >= 2);
	CU_ASSERT(keys(&a) <= 2 + (clock_ns() - begin) / (5 * SEC));
	nothing_wrong(&a, &b);
	stop_pair(&a, &b);
}

/* By themselves: after so many records, of whoever's, and after a time. */
static void test_rekey_due(void)
{
	for (int by = 0; by < 3; by++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct side a, b, *s = by == 1 ? &b : &a;
		const unsigned n = 8000;

		ca.keepalive = cb.keepalive = 50 * MSEC;
		if (by < 2)
			ca.rekey_records = 5000;
		else
			ca.rekey_time = 500 * MSEC;
		connect_by(&a, &b, &ca, &cb);
		CU_ASSERT_EQUAL(keys(&a), 1);
		if (by < 2) {
			start_put(s, 0, n, 200, true);
			WAIT_FOR(atomic_load(&(s == &a ? &b : &a)->rx) == n);
		}
		WAIT_FOR(keys(&a) == 2 && keys(&b) == 2);
		nothing_wrong(&a, &b);
		stop_pair(&a, &b);
	}
}

/* What the relay loses, and nothing else: no more is on its way than any
 * buffer holds. */
static void test_rekey_lossy(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct relay *r = relay_open();
	struct side a, b;

	ca.keepalive = 50 * MSEC;
	ca.rekey_records = 1000;
	connect_over_by(r, &a, &b, &ca, &cb);
	r->drop = 4;
	for (unsigned n = 0; n < 30000; n += CHUNK) {
		const unsigned least = (n + CHUNK) * 11 / 15;

		start_put(&a, n, n + CHUNK, 100, true);
		start_put(&b, n, n + CHUNK, 100, true);
		WAIT_FOR(a.sent && b.sent && a.rx >= least - 50 &&
			 b.rx >= least - 50);
	}
	WAIT_FOR(keys(&a) >= 2 && keys(&b) >= 2);
	WAIT_FOR(a.rx > 22000 && b.rx > 22000);
	CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

UNIT_SUITE("dtls/rekey",
	{ "set up keys", set_up_keys },
	{ "new keys under traffic", test_rekey },
	{ "new keys when they are due", test_rekey_due },
	{ "new keys over a network that loses", test_rekey_lossy },
	{ "keys are put away", put_keys_away })
