/*
 * streams.c: streams of a QUIC connection: many, large, half-closed, reset,
 * held back by who does not read, and the memory they take.
 */
#include <errno.h>
#include <malloc.h>
#include "tests/unit/tunnels/quic/end.h"

enum { MANY = 1000 };

static void consume_on(void *arg)
{
	struct end *e = arg;

	e->hold = false;
	stream_consumed(e->s, atomic_exchange(&e->held, 0));
}

static void reset_on(void *arg)
{
	struct end *e = arg;

	stream_reset(e->s, 55);
	e->s = NULL;
}

static void fin_on(void *arg)
{
	struct end *e = arg;

	stream_fin(e->s);
}

struct look {
	const struct end *e;
	bool known;
};

/* Both in one look: before the end is there nothing of it is unacknowledged,
 * and by a second look it may have come and written all. */
static void look_on(void *arg)
{
	struct look *l = arg;
	const struct end *e = l->e;

	l->known = atomic_load(&e->tx) == e->total &&
		(!e->s || !stream_unacked(e->s));
}

/* Has it written all, and does it know that the peer has it? */
static bool all_known(const struct side *s, const struct end *e)
{
	struct look l = { .e = e };

	fake_call(worker_loop(s->w), look_on, &l);
	return l.known;
}

static void test_streams(void)
{
	struct side a, b;

	connect_pair(&a, &b);
	many_streams(&a, &b, 100, 1);
	many_streams(&b, &a, 30, 2);
	stop_pair(&a, &b);
}

static void test_many_streams(void)
{
	struct end *out = calloc(2 * MANY, sizeof *out), *in = out + MANY;
	struct side a, b;
	struct end l;

	for (int i = 0; i < 2 * MANY; i++)
		out[i].total = 3000;
	connect_pair(&a, &b);
	listen_side(&b, &l, in);
	for (int i = 0; i < MANY; i++)
		open_side(&a, &out[i]);
	for (int i = 0; i < 2 * MANY; i++) {
		WAIT_FOR(atomic_load(&out[i].closes));
		CU_ASSERT_EQUAL(atomic_load(&out[i].rx), 3000);
		CU_ASSERT_EQUAL(atomic_load(&out[i].bad), 0);
	}
	stop_pair(&a, &b);
	free(out);
}

/* Both ends have all of it, and know; then a ends it by h. */
static void end_by(mail_h *h, struct end *out, struct end *in)
{
	struct side a, b;
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, in);
	out->echo_fin = in->echo_fin = true;
	open_side(&a, out);
	WAIT_FOR(all_known(&b, in) && all_known(&a, out));
	CU_ASSERT_EQUAL(atomic_load(&in->fins) + atomic_load(&out->fins), 0);
	fake_call(out->l, h, out);
	WAIT_FOR(atomic_load(&out->closes) && atomic_load(&in->closes));
	check_done(out, in);
	stop_pair(&a, &b);
}

static void test_half_close(void)
{
	struct end out = { .total = 100000 }, in = { .total = 50000 };

	end_by(fin_on, &out, &in);
}

static uint64_t patient_at;             /* ns */

static void patient_fin_on(void *arg)
{
	struct end *e = arg;

	patient_at = clock_ns();
	stream_patient(e->s, true);
	stream_fin(e->s);
}

/* As there is nothing that it could go with, it goes by itself, and not
 * before its time. */
static void test_patient(void)
{
	struct end out = { .total = 1000 }, in = { .total = 1000 };

	end_by(patient_fin_on, &out, &in);
	CU_ASSERT(atomic_load(&in.fin_at) >= patient_at + MSEC);
}

/* A reset gives back the window: more than the largest goes through resets
 * of either side. */
static void test_reset(void)
{
	struct side a, b;
	struct end l;

	connect_pair(&a, &b);
	for (int i = 0; i < 24; i++) {
		struct end out = { .total = 40 * MB }, in = { .total = 0 };

		in.echo_fin = true;
		in.hold = true;
		in.reset_at = i % 2 ? 300000 : 0;
		listen_side(&b, &l, &in);
		open_side(&a, &out);
		if (i % 2) {
			WAIT_FOR(atomic_load(&out.closes));
			CU_ASSERT_EQUAL(atomic_load(&out.err), ECONNRESET);
			CU_ASSERT_EQUAL(atomic_load(&out.code), 99);
		}
		else {
			WAIT_FOR(atomic_load(&in.rx) > 12 * MB);
			fake_call(out.l, reset_on, &out);
			WAIT_FOR(atomic_load(&in.closes));
			CU_ASSERT_EQUAL(atomic_load(&in.err), ECONNRESET);
			CU_ASSERT_EQUAL(atomic_load(&in.code), 55);
		}
		CU_ASSERT_EQUAL(atomic_load(&in.bad), 0);
	}
	stop_pair(&a, &b);
}

static void test_back_pressure(void)
{
	struct end out = { .total = 60 * MB }, in = { .hold = true };
	struct end out2 = { .total = MB }, in2 = { .total = 0 };
	struct end ins[2];
	struct side a, b;
	uint64_t stuck;
	struct end l;

	memset(ins, 0, sizeof ins);
	ins[0] = in;
	ins[1] = in2;
	connect_pair(&a, &b);
	listen_side(&b, &l, ins);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&ins[0].rx) >= MB / 2);
	do {                    /* until nothing comes any more */
		stuck = atomic_load(&ins[0].rx);
		for (int i = 0; i < 30; i++)
			control_run(10);
	} while (atomic_load(&ins[0].rx) != stuck && stuck <= 16 * MB);
	CU_ASSERT(stuck <= 16 * MB);
	CU_ASSERT(atomic_load(&out.tx) < 60 * MB);
	/* another stream is not held up by it */
	open_side(&a, &out2);
	WAIT_FOR(atomic_load(&ins[1].fins));
	CU_ASSERT_EQUAL(atomic_load(&ins[0].rx), stuck);
	fake_call(worker_loop(b.w), consume_on, &ins[0]);
	WAIT_FOR(atomic_load(&ins[0].fins));
	CU_ASSERT_EQUAL(atomic_load(&ins[0].rx), 60 * MB);
	CU_ASSERT_EQUAL(atomic_load(&ins[0].bad), 0);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&out2.closes));
	stop_pair(&a, &b);
}

static void test_bulk(void)
{
	struct end out = { .total = 100 * MB }, in = { .total = 20 * MB };
	struct side a, b;
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	stop_pair(&a, &b);
}

static size_t used(void)
{
	const struct mallinfo2 mi = mallinfo2();

	return mi.uordblks + mi.hblkhd;
}

/* Each stream has a buffer of 256 KB, which is kept when it is over. */
static void test_memory(void)
{
	enum { N = 24 };
	struct end out[N], in[N], l;
	struct side a, b;
	size_t before;

	memset(out, 0, sizeof out);
	memset(in, 0, sizeof in);
	connect_pair(&a, &b);
	before = used();
	listen_side(&b, &l, in);
	for (int i = 0; i < N; i++) {
		out[i].total = 200000;
		out[i].echo_fin = true;
		open_side(&a, &out[i]);
	}
	for (int i = 0; i < N; i++)
		WAIT_FOR(atomic_load(&in[i].rx) == out[i].total);
	a.q = mem_deref(a.q);
	b.q = mem_deref(b.q);
	WAIT_FOR(used() < before + MB);
	stop_pair(&a, &b);
}

UNIT_SUITE("quic/streams",
	{ "set up keys", set_up_streams },
	{ "streams of random sizes both ways", test_streams },
	{ "a thousand streams", test_many_streams },
	{ "half-close", test_half_close },
	{ "an end that may wait", test_patient },
	{ "reset", test_reset },
	{ "back-pressure", test_back_pressure },
	{ "100 MB", test_bulk },
	{ "without connections no buffers are kept", test_memory },
	{ "keys are put away", put_keys_away })
