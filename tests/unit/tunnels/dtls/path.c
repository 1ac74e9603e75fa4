/*
 * path.c: what a path does to DTLS: repeats, swaps and forges datagrams, takes
 * smaller ones than before, and is left for another.
 */
#include "tests/unit/tunnels/dtls/side.h"

/* Repeated and swapped ones: each once. Replayed ones: not again. Damaged
 * ones: not at all, and the true one nevertheless. */
static void test_bad_network(void)
{
	const unsigned n = 4000;
	struct relay *r = relay_open();
	struct side a, b;
	uint64_t before;

	connect_over(r, &a, &b);
	r->dup = 3;
	r->swap = 5;
	r->forge = 7;
	start_put(&a, 0, n, 0, true);
	start_put(&b, 0, n, 100, true);
	WAIT_FOR(a.rx + b.rx >= 2 * n - 2);
	CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
	before = bad(&a) + bad(&b);
	CU_ASSERT(before > n / 7);
	r->replay = true;
	WAIT_FOR(bad(&a) + bad(&b) >= before + TAPE);
	CU_ASSERT_EQUAL(a.dup + b.dup + a.ended + b.ended, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

/* Nobody else can end it: a warning and a fatal alert of epoch 0, as anybody
 * may send it, and of epoch 1 without the key, from where the peer is. */
static void test_forged_end(void)
{
	static const uint8_t alertv[][2] = { { 1, 0 }, { 2, 40 }, { 2, 0 } };
	struct relay *r = relay_open();
	struct side a, b;

	connect_over(r, &a, &b);
	exchange(&a, &b, 100);
	for (unsigned i = 0; i < 6; i++) {
		uint8_t rec[13 + 8 + 2 + 16] = { 21, 0xfe, 0xfd, 0, 0 };
		const size_t len = i < 3 ? 2 : 8 + 2 + 16;

		rec[4] = i >= 3;
		rec[9] = 1;
		rec[12] = (uint8_t)len;
		memcpy(rec + 13 + (i < 3 ? 0 : 8), alertv[i % 3], 2);
		relay_send(r, 0, rec, 13 + len);
		relay_send(r, 1, rec, 13 + len);
	}
	pause_ms(50);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	start_put(&a, 100, 200, 100, true);
	WAIT_FOR(b.rx == 200);
	stop_pair(&a, &b);
	relay_close(r);
}

static void test_mtu(void)
{
	struct relay *r = relay_open();
	struct side a, b;
	unsigned got;

	connect_over(r, &a, &b);
	WAIT_FOR(a.mtu == 1472 - 37 && b.mtu == 1472 - 37);
	stop_pair(&a, &b);
	relay_stop(r);

	/* 1300 pass: found to within a few bytes */
	r->max = 1300;
	connect_over(r, &a, &b);
	WAIT_FOR(a.mtu > 1300 - 37 - 12 && b.mtu > 1300 - 37 - 12);
	CU_ASSERT(a.mtu <= 1300 - 37);

	/* the path shrinks under traffic: packets get through again */
	start_put(&a, 0, NUMBERS, 0, true);
	pause_ms(100);
	r->max = 1240;
	WAIT_FOR(a.mtu <= 1240 - 37);
	got = b.rx;
	WAIT_FOR(b.rx > got + 100);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

/* A new path on the fly: from direct to the relay. */
static void test_move(void)
{
	struct relay *r = relay_open();
	struct side a, b;

	connect_pair(&a, &b);
	start_put(&a, 0, 20000, 100, true);
	relay_run(r, port_of(&a), port_of(&b));
	pause_ms(100);
	set_path(&b, r->port[1]);
	pause_ms(20);
	set_path(&a, r->port[0]);
	WAIT_FOR(b.rx == 20000);
	CU_ASSERT(r->count[0] > 1000);
	CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

UNIT_SUITE("dtls/path",
	{ "set up keys", set_up_keys },
	{ "repeated, swapped, forged, replayed", test_bad_network },
	{ "an end that somebody else tells", test_forged_end },
	{ "path MTU: found, and shrinking", test_mtu },
	{ "another path", test_move },
	{ "keys are put away", put_keys_away })
