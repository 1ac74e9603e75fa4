/*
 * path.c: what a path does to QUIC: it is shared by many sessions, loses
 * packets, is left for another, may not be used for a while, has noise on it.
 */
#include "tests/unit/tunnels/quic/end.h"

enum { SESSIONS = 40 };

/* between the same two sockets */
static void test_sessions(void)
{
	static struct side a[SESSIONS], b[SESSIONS];

	start_worker(&a[0]);
	start_worker(&b[0]);
	for (int i = 0; i < SESSIONS; i++) {
		if (i) {
			memset(&a[i], 0, sizeof a[i]);
			memset(&b[i], 0, sizeof b[i]);
			a[i].w = mem_ref(a[0].w);
			b[i].w = mem_ref(b[0].w);
		}
		/* both directions of roles */
		start_quic(&a[i], i % 2, 0, 1, (uint8_t)i);
		start_quic(&b[i], !(i % 2), 1, 0, (uint8_t)i);
	}
	for (int i = 0; i < SESSIONS; i++)
		join(&a[i], &b[i]);
	for (int i = 0; i < SESSIONS; i++)
		WAIT_FOR(a[i].secured && b[i].secured);
	for (int i = 0; i < SESSIONS; i += 8)
		many_streams(&a[i], &b[i], 5, (unsigned)i);
	for (int i = SESSIONS; i--;)
		stop_pair(&a[i], &b[i]);
}

/* from one relay to another under traffic, the first one gone */
static void test_path_move(void)
{
	struct end out = { .total = 30 * MB }, in = { .total = 0 };
	struct side a, b;
	struct relay *r[2] = { relay_open(), relay_open() };
	struct end l;

	connect_over(r[0], &a, &b);
	relay_run(r[1], r[0]->to[0], r[0]->to[1]);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&in.rx) > 5 * MB);
	set_path(&a, r[1]->port[0]);
	set_path(&b, r[1]->port[1]);
	relay_close(r[0]);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	CU_ASSERT(r[1]->count[0] + r[1]->count[1] > 1000);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
	relay_close(r[1]);
}

static void test_lossy(void)
{
	struct end out = { .total = 8 * MB }, in = { .total = 2 * MB };
	struct quic_stats st;
	struct side a, b;
	struct relay *r = relay_open();
	struct end l;

	r->loss = 200;
	connect_over(r, &a, &b);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	WAIT_FOR((quic_stats(a.q, &st), st.lost > 0));
	CU_ASSERT(st.rtt > 0);
	many_streams(&a, &b, 40, 9);
	stop_pair(&a, &b);
	relay_close(r);
}

/* no consent for a while, then again: what waited goes on */
static void test_consent(void)
{
	struct end out = { .total = 20 * MB }, in = { .total = 0 };
	struct side a, b;
	uint64_t rx;
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	quic_consent(a.q, 1);
	open_side(&a, &out);
	for (int i = 0; i < 20; i++)
		control_run(10);
	rx = atomic_load(&in.rx);
	CU_ASSERT_EQUAL(rx, 0);
	quic_consent(a.q, clock_ns() + 30 * SEC);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	stop_pair(&a, &b);
}

/* what is no packet of ours, and what pretends to be */
static void test_noise(void)
{
	struct end out = { .total = 5 * MB }, in = { .total = 0 };
	struct side a, b;
	struct sa to, local;
	unsigned seed = 77;
	uint8_t buf[1500];
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	path_to(a.w, worker_port(b.w, AF_INET), &local, &to);
	for (int i = 0; i < 5000; i++) {
		size_t n = 1 + (size_t)rand_r(&seed) % sizeof buf;

		for (size_t k = 0; k < n; k++)
			buf[k] = (uint8_t)rand_r(&seed);
		if (i % 3 == 0)
			memcpy(buf, "\xc0\0\0\0\1\x10", n < 6 ? n : 6);
		(void)worker_send(a.w, IPPROTO_UDP, &local, &to, buf, n);
	}
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
}

UNIT_SUITE("quic/path",
	{ "set up keys", set_up_streams },
	{ "many sessions between two sockets", test_sessions },
	{ "the path moves under traffic", test_path_move },
	{ "a lossy line", test_lossy },
	{ "consent comes and goes", test_consent },
	{ "noise", test_noise },
	{ "keys are put away", put_keys_away })
