/*
 * memory.c: a DTLS handshake whose allocations fail, one at a time, those of
 * OpenSSL too; and records, which take none.
 */
#include "tests/unit/libcfail.h"
#include "tests/unit/tunnels/dtls/side.h"

/*
 * OpenSSL's 4000 allocations in each handshake: a part of them, or with
 * LIBC_STEP=0 each (40 s); ours fail in every case above (unitfail.h).
 */
struct arm {
	long at;
	bool failed;
	unsigned long count;
};

static void arm_handler(void *arg)
{
	const struct arm *m = arg;

	libc_fail_at(m->at);
}

static void disarm_handler(void *arg)
{
	struct arm *m = arg;

	m->failed = libc_done;
	m->count = libc_count;
	libc_left = 0;
}

/* One allocation of the client's worker, or of the server's, fails: then that
 * side tells an end, or the handshake gets through all the same. false: there
 * is none of this number. */
static bool shake_without(long at, bool client)
{
	const struct dtls_conf ca = make_conf(true, 0, 1, 7);
	const struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct side a, b, *s = client ? &a : &b;
	struct arm m = { .at = at };

	start_worker(&a);
	start_worker(&b);
	fake_call(worker_loop(s->w), arm_handler, &m);
	start_dtls(&a, &ca);
	start_dtls(&b, &cb);
	set_path(&a, port_of(&b));
	set_path(&b, port_of(&a));
	WAIT_FOR((a.secured && b.secured) || a.ended || b.ended);
	fake_call(worker_loop(s->w), disarm_handler, &m);
	if (!a.ended && !b.ended) {
		start_put(&a, 0, 50, 100, false);
		WAIT_FOR(b.rx == 50 || b.ended);
	}
	stop_pair(&a, &b);
	return m.failed;
}

static void test_no_memory(void)
{
	const char *s = getenv("LIBC_STEP");
	const long part = s ? atol(s) : 1;

	for (int client = 0; client < 2; client++) {
		long n = 1;

		while (shake_without(n, client))
			n += 1 + part * n / 16;
		CU_ASSERT(n > 1000 || !LIBCFAIL);
	}
}

static unsigned long allocations(const struct side *s)
{
	struct arm m = { .at = 0 };

	fake_call(worker_loop(s->w), disarm_handler, &m);
	return m.count;
}

/* Records take no memory, once it is known how many there are at a time. */
static void test_records(void)
{
	unsigned long before[2] = { 0, 0 };
	struct side a, b;

	connect_pair(&a, &b);
	for (unsigned i = 0; i < 3; i++) {
		before[0] = allocations(&a);
		before[1] = allocations(&b);
		pass(&a, &b, i * 20000, (i + 1) * 20000, 0, 100);
	}
	CU_ASSERT_EQUAL(allocations(&a), before[0]);
	CU_ASSERT_EQUAL(allocations(&b), before[1]);
	stop_pair(&a, &b);
}

UNIT_SUITE("dtls/memory",
	{ "set up keys", set_up_keys },
	{ "a handshake without memory", test_no_memory },
	{ "records take no memory", test_records },
	{ "keys are put away", put_keys_away })
