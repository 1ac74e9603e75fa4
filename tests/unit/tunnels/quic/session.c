/*
 * session.c: QUIC connections between two workers: how they begin, with whom
 * they do not, and each way that they end.
 */
#include "tests/unit/tunnels/quic/side.h"

static void test_secured(void)
{
	struct quic_stats st;
	struct side a, b;

	connect_pair(&a, &b);
	CU_ASSERT_PTR_NOT_NULL(a.f);
	CU_ASSERT_PTR_EQUAL(flow_loop(a.f), worker_loop(a.w));
	quic_stats(a.q, &st);
	CU_ASSERT(st.tx_bytes > 1000);
	CU_ASSERT(st.rx_bytes > 1000);
	CU_ASSERT_EQUAL(st.strays, 0);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
	CU_ASSERT_EQUAL(a.secured + b.secured, 2);
}

/* the client's first packets come before the server's path is known */
static void test_early(void)
{
	struct side a, b;
	uint64_t t;

	start_worker(&a);
	start_worker(&b);
	start_quic(&a, true, 0, 1, 1);
	start_quic(&b, false, 1, 0, 1);
	set_path(&a, worker_port(b.w, AF_INET));
	for (int i = 0; i < 30; i++)
		control_run(10);
	t = clock_ns();
	set_path(&b, worker_port(a.w, AF_INET));
	WAIT_FOR(a.secured && b.secured);
	CU_ASSERT(clock_ns() - t < 1500 * MSEC);
	stop_pair(&a, &b);
}

static void wrong_key(bool at_client)
{
	struct side a, b, *sees = at_client ? &a : &b;
	struct side *other = at_client ? &b : &a;

	start_worker(&a);
	start_worker(&b);
	start_quic(&a, true, 0, at_client ? 2 : 1, 1);
	start_quic(&b, false, 1, at_client ? 0 : 2, 1);
	join(&a, &b);
	WAIT_FOR(a.ended && b.ended);
	CU_ASSERT_EQUAL(sees->why, FLOW_END_KEY);
	CU_ASSERT_EQUAL(memcmp(sees->got_fp,
			       identity_fp(ids[at_client ? 1 : 0]), 32), 0);
	CU_ASSERT_EQUAL(other->why, FLOW_END_CLOSED);
	CU_ASSERT_STRING_EQUAL(other->text, "the peer refuses our key");
	/* the client knows its peer before it is known itself */
	CU_ASSERT_EQUAL(a.secured, !at_client);
	CU_ASSERT_EQUAL(b.secured, 0);
	stop_pair(&a, &b);
}

static void test_wrong_key(void)
{
	wrong_key(true);
	wrong_key(false);
}

static void test_close(void)
{
	struct side a, b;

	connect_pair(&a, &b);
	quic_close(a.q, 42, "disk \x1b[31mfull\n");
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	CU_ASSERT_EQUAL(b.code, 42);
	CU_ASSERT_STRING_EQUAL(b.text, "disk ?[31mfull?");
	CU_ASSERT_EQUAL(a.ended, 0);
	stop_pair(&a, &b);

	/* a handle that is just dropped says goodbye too */
	connect_pair(&a, &b);
	a.q = mem_deref(a.q);
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	CU_ASSERT_EQUAL(b.code, 0);
	stop_pair(&a, &b);
}

static void test_lossy_close(void)
{
	struct relay *r = relay_open();
	struct side a, b;

	r->loss = 2000;
	connect_over(r, &a, &b);
	quic_close(a.q, 7, "bye");
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	stop_pair(&a, &b);
	relay_close(r);
}

static void test_idle(void)
{
	struct side a, b;

	start_worker(&a);
	start_worker(&b);
	start_quic_idle(&a, true, 0, 1, 1, SEC);
	start_quic_idle(&b, false, 1, 0, 1, SEC);
	join(&a, &b);
	WAIT_FOR(a.secured && b.secured);
	/* no consent: silence */
	quic_consent(a.q, 1);
	quic_consent(b.q, 1);
	WAIT_FOR(a.ended && b.ended);
	CU_ASSERT_EQUAL(a.why, FLOW_END_IDLE);
	CU_ASSERT_EQUAL(b.why, FLOW_END_IDLE);
	stop_pair(&a, &b);
}

static void test_nobody(void)
{
	struct side a, b;

	start_worker(&a);
	start_worker(&b);
	start_quic_idle(&a, true, 0, 1, 1, SEC);
	join(&a, &b);
	WAIT_FOR(a.ended);
	CU_ASSERT_EQUAL(a.why, FLOW_END_HANDSHAKE);
	stop_pair(&a, &b);
}

/* handles that go at any time */
static void test_drop(void)
{
	struct side a, b;

	for (int step = 0; step < 6; step++) {
		start_worker(&a);
		start_worker(&b);
		start_quic(&a, true, 0, 1, 1);
		start_quic(&b, false, 1, 0, 1);
		if (step > 0)
			set_path(&a, worker_port(b.w, AF_INET));
		if (step > 1)
			set_path(&b, worker_port(a.w, AF_INET));
		if (step > 2)
			sys_usleep(500 * (unsigned)step);
		stop_pair(&a, &b);
	}
}

UNIT_SUITE("quic/session",
	{ "set up keys", set_up_keys },
	{ "secured both ways", test_secured },
	{ "the first packet comes too early", test_early },
	{ "a wrong key on either side", test_wrong_key },
	{ "close reasons", test_close },
	{ "close on a bad line", test_lossy_close },
	{ "idle", test_idle },
	{ "nobody there", test_nobody },
	{ "handles dropped at any time", test_drop },
	{ "keys are put away", put_keys_away })
