/*
 * bounds.c: what guessing ports does not do (modules/path/guess.c): begin for
 * nothing, go on for ever, heed those who have no key.
 */
#include "tests/unit/modules/guess/twosides.h"

/* Nothing is tried that will not work, is not allowed, or not needed. */
static void test_not(void)
{
	struct net n;

	net_init(&n, 1, LOTS, LOTS);
	meet(&n);
	run(&n, 20 * SEC);
	CU_ASSERT_EQUAL(n.s[0].begins + n.s[1].begins, 0);
	net_close(&n);

	for (int i = 0; i < 2; i++) {
		net_init(&n, 1, LOTS, KEEPS);
		n.s[i].allowed = false;
		meet(&n);
		run(&n, 20 * SEC);
		CU_ASSERT_EQUAL(n.s[0].begins + n.s[1].begins, 0);
		CU_ASSERT_EQUAL(n.s[0].opened, 0);
		net_close(&n);
	}

	net_init(&n, 1, KEEPS, KEEPS);
	meet(&n);
	run(&n, 20 * SEC);
	CU_ASSERT(n.s[0].found && n.s[1].found);
	CU_ASSERT_EQUAL(n.s[0].begins + n.s[1].begins, 0);
	net_close(&n);
}

/* The other side does nothing: it ends, within its bounds. */
static void test_bounds(void)
{
	struct net n;

	net_init(&n, 1, LOTS, KEEPS);
	n.s[1].refuse = true;
	meet(&n);
	run(&n, 30 * SEC);
	CU_ASSERT_EQUAL(n.s[0].begins, 1);
	CU_ASSERT_EQUAL(n.s[0].ends, 1);
	CU_ASSERT_EQUAL(n.s[0].worked, 0);
	CU_ASSERT_EQUAL(n.s[0].opened, 224);
	CU_ASSERT(n.s[1].begins > 10);  /* it asks again */
	CU_ASSERT_EQUAL(n.s[1].ends, 0);
	net_close(&n);

	net_init(&n, 1, LOTS, KEEPS);
	n.s[0].refuse = true;
	meet(&n);
	run(&n, 30 * SEC);
	CU_ASSERT_EQUAL(n.s[1].ends, 1);
	CU_ASSERT(n.s[1].sent > 2048 && n.s[1].sent < 2200);
	net_close(&n);

	/* ICMP says no */
	net_init(&n, 1, LOTS, KEEPS);
	n.s[1].refuse = true;
	meet(&n);
	run(&n, 510 * MSEC);
	agent_guess_stop(n.s[0].a);
	run(&n, 30 * SEC);
	CU_ASSERT(n.s[0].opened < 224);
	CU_ASSERT_EQUAL(n.s[0].ends, 1);
	CU_ASSERT_EQUAL(n.s[0].begins, 1);
	net_close(&n);
}

/* What has no key leaves no trace at the sockets. */
static void test_spoofed(void)
{
	static const uint8_t tid[STUN_TID_SIZE];
	struct sa base, src;
	struct stun_pkt m;
	struct stun_out o;
	uint8_t buf[200];
	char user[64];
	struct net n;
	unsigned sent;

	net_init(&n, 1, LOTS, KEEPS);
	n.s[1].refuse = true;
	meet(&n);
	run(&n, SEC);
	CU_ASSERT(n.s[0].opened > 0);
	(void)re_snprintf(user, sizeof user, "%s:%s", agent_ufrag(n.s[0].a),
			  agent_ufrag(n.s[1].a));
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, tid);
	stun_put(&o, STUN_ATTR_USERNAME, user, strlen(user));
	stun_put_u32(&o, STUN_ATTR_PRIORITY, 1);
	stun_put_u64(&o, STUN_ATTR_CONTROLLED, 1);
	stun_put_key(&o, "wrong");
	stun_put_fingerprint(&o);
	CU_ASSERT_EQUAL(stun_parse(&m, buf, stun_end(&o)), 0);
	base = n.s[0].base;
	(void)sa_set_str(&src, "203.0.113.66", 1);
	for (uint16_t i = 0; i < 200; i++) {
		sa_set_port(&base, (uint16_t)(40000 + i));
		agent_recv(n.s[0].a, IPPROTO_UDP, &base, &src, &m, n.now);
	}
	sent = n.s[0].sent;
	run(&n, 100 * MSEC);
	CU_ASSERT(n.s[0].sent < sent + 20);     /* its own checks */
	CU_ASSERT_EQUAL(n.s[0].found, 0);
	n.s[1].refuse = false;
	run(&n, 10 * SEC);
	CU_ASSERT(n.s[0].found && n.s[1].found && n.s[1].worked == 1);
	net_close(&n);
}

UNIT_SUITE("guess/bounds",
	{ "not", test_not },
	{ "bounds", test_bounds },
	{ "spoofed", test_spoofed })
