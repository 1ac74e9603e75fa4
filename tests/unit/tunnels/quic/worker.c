/*
 * worker.c: a worker's ports, and that STUN which comes there goes to control,
 * as much of it as control looks at.
 */
#include <errno.h>
#include "tests/unit/tunnels/quic/side.h"

static void test_stun(void)
{
	static const uint8_t msg[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	struct side a, b;
	struct sa to, local;

	start_worker(&a);
	start_worker(&b);
	path_to(a.w, worker_port(b.w, AF_INET), &local, &to);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(worker_send(a.w, IPPROTO_UDP, &local, &to, msg,
					    sizeof msg), 0);
	WAIT_FOR(b.stuns == 10);
	CU_ASSERT(sa_cmp(&b.stun_local, &to, SA_ALL));
	CU_ASSERT(sa_cmp(&b.stun_src, &local, SA_ALL));
	/* a flood that control does not look at */
	b.stuns = 0;
	for (int i = 0; i < 5000; i++)
		(void)worker_send(a.w, IPPROTO_UDP, &local, &to, msg,
				  sizeof msg);
	for (int i = 0; i < 20; i++)
		sys_usleep(2000);
	WAIT_FOR(b.stuns >= 100);
	CU_ASSERT(b.stuns < 1000);
	for (int i = 0; i < 20; i++)
		control_run(2);
	if (worker_port(b.w, AF_INET6) && worker_port(a.w, AF_INET6)) {
		(void)sa_set_str(&to, "::1", worker_port(b.w, AF_INET6));
		(void)sa_set_str(&local, "::1", worker_port(a.w, AF_INET6));
		for (int i = 0; i < 100; i++) {
			(void)worker_send(a.w, IPPROTO_UDP, &local, &to, msg,
					  sizeof msg);
			control_run(10);
		}
		CU_ASSERT(sa_cmp(&b.stun_src, &local, SA_ALL));
		CU_ASSERT(sa_cmp(&b.stun_local, &to, SA_ALL));
	}
	/* what was not looked at is nobody's */
	for (int i = 0; i < 50; i++)
		(void)worker_send(a.w, IPPROTO_UDP, &local, &to, msg,
				  sizeof msg);
	mem_deref(a.w);
	mem_deref(b.w);
	control_run(0);
}

static void test_worker(void)
{
	struct worker_conf conf = { .control = control, .stunh = stunh };
	struct side a;
	struct worker *w = NULL;

	start_worker(&a);
	conf.port = worker_port(a.w, AF_INET);
	CU_ASSERT_EQUAL(worker_alloc(&w, &conf), EADDRINUSE);
	CU_ASSERT_EQUAL(worker_alloc(NULL, &conf), EINVAL);
	CU_ASSERT_EQUAL(worker_alloc(&w, NULL), EINVAL);
	if (worker_port(a.w, AF_INET6))
		CU_ASSERT_EQUAL(worker_port(a.w, AF_INET6), conf.port);
	mem_deref(a.w);
	control_run(0);
}

UNIT_SUITE("quic/worker",
	{ "set up keys", set_up_keys },
	{ "workers and ports", test_worker },
	{ "STUN goes to control", test_stun },
	{ "keys are put away", put_keys_away })
