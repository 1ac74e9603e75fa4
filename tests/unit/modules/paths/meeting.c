/*
 * meeting.c: two paths find each other: of two processes, of one, again after
 * a restart, many on one socket; handlers free the path under themselves
 * (modules/path/path.c).
 */
#include <malloc.h>
#include "tests/unit/modules/paths/site.h"

#define QUICK (20 * MSEC)        /* before anything is sent again */

/* Returns how long it took. */
static uint64_t loopback(struct timers *t)
{
	struct site s[2];
	struct end a, b;
	uint64_t start, took;

	two_open(s, t, &a, &b);
	start = clock_ns();
	meet(&a, &b);
	/* hosts only: gathered within the call */
	CU_ASSERT(a.gathered == 1 && b.gathered == 1 && a.candc >= 1);
	run(s, 2, 10 * SEC, &all_found);
	CU_ASSERT_FATAL(all_found);
	took = max(a.found_at, b.found_at) - start;
	CU_ASSERT(sa_cmp(&a.remote.addr, &b.local.addr, SA_ALL));
	CU_ASSERT(sa_cmp(&b.remote.addr, &a.local.addr, SA_ALL));
	CU_ASSERT(a.until > start + 29 * SEC && a.until < clock_ns() + 31 * SEC);
	CU_ASSERT(a.gathered == 1 && a.failed == 0);
	two_close(s, &a, &b);
	CU_ASSERT(timers_next(t) == UINT64_MAX);
	return took;
}

/* Some other process may have taken the processor away, but not each time. */
static void test_loopback(void)
{
	struct timers *t = timers_new();
	uint64_t took = UINT64_MAX;

	for (int i = 0; i < 20 && took >= QUICK; i++)
		took = loopback(t);
	CU_ASSERT(took < QUICK);
	printf("paths: found in %u us\n", (unsigned)(took / 1000));
	mem_deref(t);
}

/* The two ends of a call within one process share a socket. */
static void test_self(void)
{
	struct timers *t = timers_new();
	struct site s;
	struct end a, b;

	site_open(&s, t, NULL);
	end_open(&a, &s, true);
	end_open(&b, &s, false);
	meet(&a, &b);
	run(&s, 1, 10 * SEC, &all_found);
	CU_ASSERT(all_found);
	end_close(&a);
	end_close(&b);
	site_close(&s);
	mem_deref(t);
}

static void test_freed_in_handlers(void)
{
	for (int in = IN_CAND; in <= IN_CONSENT; in++) {
		struct timers *t = timers_new();
		struct site s[2];
		struct end a, b;

		two_open(s, t, &a, &b);
		pair[0] = NULL;
		b.free_in = in;
		CU_ASSERT_EQUAL(path_gather(a.p), 0);
		CU_ASSERT_EQUAL(path_gather(b.p), 0);
		if (b.p) {
			CU_ASSERT_EQUAL(path_remote(a.p, b.d), 0);
			CU_ASSERT_EQUAL(path_remote(b.p, a.d), 0);
			run(s, 2, 200 * MSEC, NULL);
		}
		CU_ASSERT_PTR_NULL(b.p);
		two_close(s, &a, &b);
		mem_deref(t);
	}
}

/* The peer begins anew, with another ufrag: so does this side. */
static void test_restart(void)
{
	struct timers *t = timers_new();
	struct site s[2];
	struct end a, b;

	two_open(s, t, &a, &b);
	meet(&a, &b);
	run(s, 2, 10 * SEC, &all_found);
	CU_ASSERT_FATAL(all_found);
	for (int i = 0; i < 3; i++) {
		char old[64];

		end_close(&a);
		end_open(&a, &s[0], true);
		CU_ASSERT_EQUAL(path_gather(a.p), 0);
		b.d->candc = 0;
		b.found = 0;
		all_found = false;
		str_ncpy(old, b.d->ufrag, sizeof old);
		run(s, 2, 20 * MSEC, NULL);
		CU_ASSERT_EQUAL(path_remote(b.p, a.d), 0);
		CU_ASSERT(strcmp(path_ufrag(b.p), old));
		CU_ASSERT(b.d->candc > 0);
		str_ncpy(b.d->ufrag, path_ufrag(b.p), sizeof b.d->ufrag);
		str_ncpy(b.d->pwd, path_pwd(b.p), sizeof b.d->pwd);
		CU_ASSERT_EQUAL(path_remote(a.p, b.d), 0);
		run(s, 2, 10 * SEC, &all_found);
		CU_ASSERT(a.found == 1 && b.found == 1);
	}
	CU_ASSERT(a.gathered == 1 && b.gathered == 4 && b.failed == 0);
	two_close(s, &a, &b);
	mem_deref(t);
}

static unsigned found_of(const struct end *v, size_t n)
{
	unsigned found = 0;

	for (size_t i = 0; i < n; i++)
		found += v[i].found == 1;
	return found;
}

/* Many calls on two sockets; what one idle path costs. */
static void test_many(void)
{
	enum { N = 300 };
	struct timers *t = timers_new();
	struct end *v = mem_zalloc(2 * N * sizeof *v, NULL);
	struct site s[2];
	size_t before, bytes, desc = 0;
	unsigned found = 0;

	site_open(&s[0], t, NULL);
	site_open(&s[1], t, NULL);
	pair[0] = NULL;
	before = mallinfo2().uordblks;
	for (int i = 0; i < N; i++) {
		size_t d = mallinfo2().uordblks;

		end_open(&v[2 * i], &s[0], true);
		end_open(&v[2 * i + 1], &s[1], false);
		desc = max(desc, mallinfo2().uordblks - d);
		meet(&v[2 * i], &v[2 * i + 1]);
		run(s, 2, MSEC, NULL);
	}
	for (int tries = 0; tries < 100 && found < 2 * N; tries++) {
		run(s, 2, 200 * MSEC, NULL);
		found = found_of(v, 2 * N);
	}
	for (int i = 0; i < 2 * N; i++)
		v[i].d = mem_deref(v[i].d);
	bytes = (mallinfo2().uordblks - before) / (2 * N);
	printf("paths: %u bytes for an idle path\n", (unsigned)bytes);
	CU_ASSERT_EQUAL(found, 2 * N);
	CU_ASSERT(bytes < 6144);
	for (int i = 0; i < 2 * N; i++)
		end_close(&v[i]);
	site_close(&s[0]);
	site_close(&s[1]);
	mem_deref(v);
	mem_deref(t);
}

UNIT_SUITE("paths/meeting",
	{ "loopback", test_loopback },
	{ "self", test_self },
	{ "freed in handlers", test_freed_in_handlers },
	{ "restart", test_restart },
	{ "many", test_many })
