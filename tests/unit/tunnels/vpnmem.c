/*
 * vpnmem.c: tests the kind `vpn` where memory is short, and that packets take
 * none. Each allocation of the worker fails in turn, those of libmnl and of
 * the C library too, while a network is made and joined at both ends; then
 * those of a packet that must wait. What is told, and what is left?
 *
 * Not here: programs that hosttool.c runs (nft, resolvconf) have memory of
 * their own; the threads and the mailbox below are dtls.c's and loop.c's.
 * Where a sanitizer counts, ours alone fail, in each case (unitfail.h).
 */
#include "tests/unit/fail.h"
#include "tests/unit/libcfail.h"
#include "tests/unit/tunnels/vpnrig.h"

struct mem {
	struct pair p;
	long at;                        /* fails at the worker; 0: none */
	bool failed;
	unsigned long count;
};

static int whole_words(void *arg)
{
	char *argv[] = { (char *)"office" };
	struct pair p;
	int err;
	(void)arg;

	pair_open(&p, NULL, office, "office");
	err = negotiate(&p, argv, 1);
	pair_close(&p);
	return err;
}

static void test_words(void)
{
	FAIL_EACH(whole_words, NULL);
}

/* The wire in memory is not what is tested. */
static void start_wire(void *arg)
{
	struct pair *p = arg;

	p->err = fakedgram_alloc(&p->dgram[NEAR], &p->dgram[FAR], p->loop);
}

static void start_failing(void *arg)
{
	struct mem *m = arg;

	for (int i = FAR; i >= NEAR; i--) {
		struct start st = { &m->p, i };

		CU_ASSERT_EQUAL_FATAL(setns(nsv[i], CLONE_NEWNET), 0);
		libc_fail_at(m->at);
		m->p.err = start_one(&st);
		m->at = libc_left;
		libc_left = 0;
		m->failed |= libc_done;
		CU_ASSERT_EQUAL_FATAL(setns(home, CLONE_NEWNET), 0);
		CU_ASSERT_EQUAL(m->p.err, 0);
	}
}

static void check_side(const struct rig_side *s, long n)
{
	if (!s->done)
		return;
	if (s->err != ENOMEM || !*s->why)
		printf("allocation %ld: error %d, %s\n", n, s->err, s->why);
	CU_ASSERT(*s->why != 0);
}

/* Does the network with this allocation failing; false: there is none. */
static bool start_without(long n)
{
	struct mem m = { .at = n };

	pair_open(&m.p, NULL, office, "");
	CU_ASSERT_EQUAL_FATAL(negotiate(&m.p, NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&m.p.loop, "vpn"), 0);
	fake_call(m.p.loop, start_wire, &m.p);
	fake_call(m.p.loop, start_failing, &m);
	settle(&m.p, 1000);
	check_side(&m.p.side[NEAR], n);
	check_side(&m.p.side[FAR], n);
	if (!m.failed) {
		CU_ASSERT_FALSE(m.p.side[NEAR].done || m.p.side[FAR].done);
		tcp_through("fd07::1", 100000);
	}
	pair_close(&m.p);
	return m.failed;
}

static void test_start(void)
{
	int before[2];
	long n = 0;

	if (!hosts())
		return;
	for (int i = 0; i < 2; i++)
		before[i] = in_ns(i, if_count, NULL);
	while (start_without(++n))
		for (int i = 0; i < 2; i++)
			CU_ASSERT_EQUAL(in_ns(i, if_count, NULL), before[i]);
	printf("vpnmem: %ld allocations to start both ends\n", n - 1);
	CU_ASSERT(n > 10 || !LIBCFAIL);
}

static void block(void *arg)
{
	struct mem *m = arg;

	fakedgram_block(m->p.dgram[NEAR], true);
	libc_fail_at(m->at);
}

static void unblock(void *arg)
{
	struct mem *m = arg;

	libc_left = 0;
	m->failed = libc_done;
	fakedgram_block(m->p.dgram[NEAR], false);
}

static void send_some(const char *to)
{
	static const uint8_t p[700];
	struct dial d = { to, SOCK_DGRAM };
	const int s = in_ns(NEAR, connect_to, &d);

	for (int i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(send(s, p, sizeof p, 0), sizeof p);
	close(s);
}

/* Packets that must wait and cannot are lost, counted, and no others are. */
static bool wait_without(long n)
{
	struct mem m = { .at = n };
	struct ask_status st = { .p = &m.p, .i = NEAR };

	running(NULL, NULL, 0, &m.p);
	fake_call(m.p.loop, block, &m);
	send_some("fd07::1");
	settle(&m.p, 5000);
	fake_call(m.p.loop, unblock, &m);
	fake_call(m.p.loop, status_handler, &st);
	CU_ASSERT_EQUAL(strstr(st.buf, "dropped=0 ") != NULL, !m.failed);
	tcp_through("::ffff:10.7.0.1", 100000);
	pair_close(&m.p);
	return m.failed;
}

static void test_wait(void)
{
	long n = 0;

	if (!hosts())
		return;
	while (wait_without(++n))
		;
	CU_ASSERT(n > 2 || !LIBCFAIL);
}

static void count_handler(void *arg)
{
	struct mem *m = arg;

	m->count = libc_count;
}

static unsigned long count(struct mem *m)
{
	fake_call(m->p.loop, count_handler, m);
	return m->count;
}

/* From a TUN to a datagram and back, large and small, waiting or not. */
static unsigned long taken(struct mem *m)
{
	const unsigned long before = count(m);

	tcp_through("fd07::1", 5000000);
	tcp_through("::ffff:10.7.0.1", 5000000);
	fake_call(m->p.loop, block, m);
	send_some("fd07::1");
	settle(&m->p, 2000);
	fake_call(m->p.loop, unblock, m);
	settle(&m->p, 2000);
	return count(m) - before;
}

/* None, as soon as the largest burst so far is not exceeded. */
static void test_packets(void)
{
	struct mem m = { .at = 0 };
	int rounds = 0;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &m.p);
	while (taken(&m) && rounds < 20)
		rounds++;
	CU_ASSERT(rounds < 20);
	pair_close(&m.p);
}

UNIT_SUITE("vpnmem",
	   { "words", test_words },
	   { "a network", test_start },
	   { "packets that wait", test_wait },
	   { "packets take no memory", test_packets })
