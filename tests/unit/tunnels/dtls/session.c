/*
 * session.c: packets both ways over DTLS between two workers: with each cipher
 * and way to seal records, many sessions between the same sockets, their ends.
 */
#include "tests/unit/tunnels/dtls/side.h"

enum { SESSIONS = 20 };

static void test_pair(void)
{
	struct side a, b;

	connect_pair(&a, &b);
	exchange(&a, &b, 3000);
	dtls_close(a.q);
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	CU_ASSERT_EQUAL(a.ended, 0);
	CU_ASSERT_EQUAL(bad(&a) + bad(&b), 0);
	stop_pair(&a, &b);
}

static void test_ciphers(void)
{
	for (int i = 0; i < 3; i++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct side a, b;

		ca.no_aes = i == 0 || i == 2;
		cb.no_aes = i == 1 || i == 2;
		connect_by(&a, &b, &ca, &cb);
		exchange(&a, &b, 1000);
		stop_pair(&a, &b);
	}
}

static void test_by_ssl(void)
{
	for (int i = 0; i < 3; i++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct side a, b;

		ca.by_ssl = i == 0 || i == 2;
		cb.by_ssl = i == 1 || i == 2;
		connect_by(&a, &b, &ca, &cb);
		exchange(&a, &b, 1000);
		dtls_close(i ? a.q : b.q);
		WAIT_FOR(i ? b.ended : a.ended);
		CU_ASSERT_EQUAL(i ? b.why : a.why, FLOW_END_CLOSED);
		stop_pair(&a, &b);
	}
}

/* All of them are told apart by tag and key alone; half of the clients are on
 * each side. */
static void test_one_tuple(void)
{
	static struct side a[SESSIONS], b[SESSIONS];

	for (int i = 0; i < SESSIONS; i++) {
		struct dtls_conf ca = make_conf(i % 2, 0, 1, (uint8_t)i);
		struct dtls_conf cb = make_conf(!(i % 2), 1, 0, (uint8_t)i);

		if (!i) {
			start_worker(&a[0]);
			start_worker(&b[0]);
		}
		else {
			memset(&a[i], 0, sizeof a[i]);
			memset(&b[i], 0, sizeof b[i]);
			a[i].w = mem_ref(a[0].w);
			b[i].w = mem_ref(b[0].w);
			a[i].seen = calloc(1, NUMBERS);
			b[i].seen = calloc(1, NUMBERS);
		}
		a[i].salt = b[i].salt = (uint8_t)(17 * i);
		start_dtls(&a[i], &ca);
		start_dtls(&b[i], &cb);
	}
	for (int i = 0; i < SESSIONS; i++) {
		set_path(&a[i], port_of(&b[0]));
		set_path(&b[i], port_of(&a[0]));
	}
	for (int i = 0; i < SESSIONS; i++)
		wait_secured(&a[i], &b[i]);
	for (int i = 0; i < SESSIONS; i++) {
		start_put(&a[i], 0, 500, 0, true);
		start_put(&b[i], 0, 500, 300, true);
	}
	for (int i = 0; i < SESSIONS; i++) {
		WAIT_FOR(atomic_load(&a[i].rx) == 500 &&
			 atomic_load(&b[i].rx) == 500);
		CU_ASSERT_EQUAL(atomic_load(&a[i].bad) +
				atomic_load(&b[i].bad), 0);
		CU_ASSERT_EQUAL(bad(&a[i]) + bad(&b[i]), 0);
	}
	/* the end of one is nobody else's */
	dtls_close(a[3].q);
	WAIT_FOR(b[3].ended);
	start_put(&a[4], 500, 600, 100, false);
	WAIT_FOR(atomic_load(&b[4].rx) == 600);
	for (int i = 0; i < SESSIONS; i++)
		CU_ASSERT_EQUAL(b[i].ended, i == 3);
	for (int i = SESSIONS - 1; i >= 0; i--)
		stop_pair(&a[i], &b[i]);
}

static void test_idle(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct side a, b;
	struct dtls_stats st;
	uint64_t begin;

	ca.keepalive = cb.keepalive = 50 * MSEC;
	ca.idle = cb.idle = 2 * SEC;
	begin = clock_ns();
	connect_by(&a, &b, &ca, &cb);
	pause_ms(2500);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	dtls_stats(a.q, &st);
	CU_ASSERT(st.tx_packets >= 6);
	CU_ASSERT(st.tx_packets < 40 + (clock_ns() - begin) / (50 * MSEC));
	/* b may not send any more */
	dtls_consent(b.q, 1);
	WAIT_FOR(a.ended);
	CU_ASSERT_EQUAL(a.why, FLOW_END_IDLE);
	stop_pair(&a, &b);
}

UNIT_SUITE("dtls/session",
	{ "set up keys", set_up_keys },
	{ "packets both ways, close", test_pair },
	{ "ChaCha20 where there is no AES", test_ciphers },
	{ "records by the SSL object", test_by_ssl },
	{ "many sessions between the same sockets", test_one_tuple },
	{ "keepalive and idle", test_idle },
	{ "keys are put away", put_keys_away })
