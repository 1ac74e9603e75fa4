/*
 * Tests modules/path/stunfinder.c and keepalive.c: how often a NAT that
 * forgets is asked, in fake time. The network gives another port whenever
 * nothing was sent for `life`.
 */
#include <string.h>
#include "modules/path/finder.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { HANDLE = 7, PORT = 5000 };

struct net {
	struct finder *f;
	struct finder_env env;
	struct netif netif;
	struct sa server, base, mapped;
	uint64_t now, life, used;
	unsigned changes, dones;        /* of the mapping; gathered */
	unsigned lose;                  /* so many requests */
	bool asked;
	uint8_t tid[STUN_TID_SIZE];
	struct cand cand;               /* the last one told */
	unsigned forged;
	struct sa forger;
};

static int on_send(int proto, const struct sa *local, const struct sa *dst,
		   const uint8_t *buf, size_t len, void *arg)
{
	struct net *n = arg;

	CU_ASSERT_EQUAL(proto, IPPROTO_UDP);
	CU_ASSERT(sa_cmp(dst, &n->server, SA_ALL));
	CU_ASSERT_FATAL(len >= STUN_HEADER_SIZE);
	if (n->lose && n->lose--)
		return 0;
	if (n->used && n->now >= n->used + n->life) {
		sa_set_port(&n->mapped,
			    (uint16_t)(sa_port(&n->mapped) + 7));
		n->changes++;
	}
	n->used = n->now;
	n->base = *local;
	n->asked = true;
	memcpy(n->tid, buf + 8, sizeof n->tid);
	return 0;
}

static void on_cand(const struct cand *c, void *arg)
{
	((struct net *)arg)->cand = *c;
}

static void on_done(void *arg)
{
	((struct net *)arg)->dones++;
}

static bool answered(struct net *n)
{
	uint8_t buf[64];
	struct stun_out o;
	struct stun_pkt m;

	n->asked = false;
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_SUCCESS_RESP, n->tid);
	stun_put_mapped(&o, &n->mapped);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, stun_end(&o)), 0);
	return stun_finder.recv(n->f, IPPROTO_UDP, &n->base, &n->server, &m,
				n->now);
}

static void run(struct net *n, uint64_t time)
{
	const uint64_t end = n->now + time;

	for (;;) {
		if (n->asked)
			CU_ASSERT(answered(n));
		if (stun_finder.next(n->f) > end)
			break;
		n->now = max(n->now, stun_finder.next(n->f));
		stun_finder.tick(n->f, n->now);
	}
	n->now = end;
}

static void on_forged(const struct sa *src, void *arg)
{
	struct net *n = arg;

	n->forged++;
	n->forger = *src;
}

/* A new path in the network whose outside address ends in `home`. */
static void begin(struct net *n, struct keepalive *k, uint64_t life,
		  uint8_t home)
{
	memset(n, 0, sizeof *n);
	n->now = SEC;
	n->life = life;
	sa_set_in(&n->server, 0xc6336401, 3478);
	sa_set_in(&n->mapped, 0xcb007100u | home, 40000);
	sa_set_in(&n->netif.addr, 0xc0a8010a, 0);
	n->env = (struct finder_env){
		.netv = &n->netif, .netc = 1, .port4 = PORT,
		.stunv = &n->server, .stunc = 1, .keepalive = k,
		.handle = HANDLE, .sendh = on_send,
		.forgedh = on_forged, .arg = n,
	};
	CU_ASSERT_EQUAL_FATAL(stun_finder.start(&n->f, &n->env, n->now,
						on_cand, on_done, n), 0);
}

static void over(struct net *n)
{
	CU_ASSERT_EQUAL(n->dones, 1);
	CU_ASSERT(sa_cmp(&n->cand.addr, &n->mapped, SA_ALL));
	n->f = mem_deref(n->f);
}

/* 12 s: found gone after 20, then kept by 10; the next path knows it from the
 * beginning, and another network is asked as before. */
static void test_learns(void)
{
	struct keepalive k = { 0 };
	struct net n;

	begin(&n, &k, 12 * SEC, 1);
	run(&n, 90 * SEC);
	CU_ASSERT_EQUAL(n.changes, 1);
	CU_ASSERT_EQUAL(keepalive_interval(&k, &n.base, &n.mapped), 10 * SEC);
	over(&n);
	begin(&n, &k, 12 * SEC, 1);
	run(&n, 90 * SEC);
	CU_ASSERT_EQUAL(n.changes, 0);
	over(&n);
	begin(&n, &k, 12 * SEC, 2);
	run(&n, 90 * SEC);
	CU_ASSERT_EQUAL(n.changes, 1);
	over(&n);
}

static void test_bounds(void)
{
	struct keepalive k = { 0 };
	struct net n;

	begin(&n, &k, 25 * SEC, 1);
	run(&n, 90 * SEC);
	CU_ASSERT_EQUAL(n.changes, 0);
	CU_ASSERT_EQUAL(keepalive_interval(&k, &n.base, &n.mapped), 20 * SEC);
	over(&n);
	begin(&n, &k, 2 * SEC, 1);
	run(&n, 90 * SEC);
	CU_ASSERT_EQUAL(keepalive_interval(&k, &n.base, &n.mapped), 5 * SEC);
	over(&n);
	begin(&n, NULL, 12 * SEC, 1);
	run(&n, 90 * SEC);
	CU_ASSERT_EQUAL(n.changes, 4);
	over(&n);
}

/* That a request was lost says nothing of NATs. */
static void test_loss(void)
{
	struct keepalive k = { 0 };
	struct net n;

	begin(&n, &k, 22 * SEC, 1);
	run(&n, 10 * SEC);
	n.lose = 5;
	run(&n, 30 * SEC);
	CU_ASSERT_EQUAL(n.changes, 1);
	CU_ASSERT_EQUAL(keepalive_interval(&k, &n.base, &n.mapped), 20 * SEC);
	over(&n);
}

/* Another address outside is another network, not a shorter memory. */
static void test_moved(void)
{
	struct keepalive k = { 0 };
	struct net n;

	begin(&n, &k, 60 * SEC, 1);
	run(&n, 10 * SEC);
	sa_set_in(&n.mapped, 0xcb007102, 41000);
	run(&n, 60 * SEC);
	CU_ASSERT_EQUAL(keepalive_interval(&k, &n.base, &n.mapped), 20 * SEC);
	over(&n);
}

/* The table forgets the oldest. */
static void test_table(void)
{
	struct keepalive k = { 0 };
	struct sa local, mapped;

	sa_set_in(&local, 0xc0a8010a, PORT);
	for (unsigned i = 0; i < 3 * KEEPALIVE_NETWORKS; i++) {
		sa_set_in(&mapped, 0xcb007100u + i, 40000);
		keepalive_failed(&k, &local, &mapped, 20 * SEC);
		CU_ASSERT_EQUAL(keepalive_interval(&k, &local, &mapped),
				10 * SEC);
		/* seen by several servers at once: not halved again */
		keepalive_failed(&k, &local, &mapped, 20 * SEC);
		CU_ASSERT_EQUAL(keepalive_interval(&k, &local, &mapped),
				10 * SEC);
	}
	sa_set_in(&mapped, 0xcb007100u, 40000);
	CU_ASSERT_EQUAL(keepalive_interval(&k, &local, &mapped), 20 * SEC);
}

static void on_learned(const struct sa *local, const struct sa *mapped,
		       unsigned interval, unsigned life, void *arg)
{
	unsigned *v = arg;
	(void)local;
	(void)mapped;

	v[0]++;
	v[1] = interval;
	v[2] = life;
}

/* What is learned of one network is told together, and can be told again. */
static void test_told(void)
{
	static const uint64_t wrongv[] = {
		0, 3 * SEC, 2 * 24 * 3600 * SEC, UINT64_MAX
	};
	unsigned v[3] = { 0 };
	struct keepalive k = { .learnedh = on_learned, .arg = v };
	struct keepalive other = { 0 };
	struct sa local, mapped;

	sa_set_in(&local, 0xc0a8010a, PORT);
	sa_set_in(&mapped, 0xcb007101, 40000);
	keepalive_ended(&k, &local, &mapped, 60 * SEC, 100 * SEC);
	CU_ASSERT_EQUAL(v[0], 0);
	keepalive_ended(&k, &local, &mapped, 58 * SEC, 160 * SEC);
	CU_ASSERT(v[0] == 1 && v[1] == 20 && v[2] == 60);
	keepalive_failed(&k, &local, &mapped, 20 * SEC);
	CU_ASSERT(v[0] == 2 && v[1] == 10 && v[2] == 60);
	keepalive_set(&other, &local, &mapped, v[1] * SEC, v[2] * SEC);
	CU_ASSERT_EQUAL(keepalive_interval(&other, &local, &mapped), 10 * SEC);
	CU_ASSERT_EQUAL(keepalive_life(&other, &local, &mapped), 60 * SEC);
	/* a file may have anything in it */
	for (unsigned i = 0; i < ARRAY_SIZE(wrongv); i++)
		keepalive_set(&other, &local, &mapped, wrongv[i], wrongv[i]);
	CU_ASSERT_EQUAL(keepalive_interval(&other, &local, &mapped), 10 * SEC);
	CU_ASSERT_EQUAL(keepalive_life(&other, &local, &mapped), 60 * SEC);
}

/* Who sees the request answers it before the server does. */
static void test_spoofed(void)
{
	struct keepalive k = { 0 };
	struct sa liar, server;
	struct net n;

	begin(&n, &k, 0, 1);
	sa_set_in(&liar, 0xc6336442, 3478);
	CU_ASSERT(n.asked);
	server = n.server;
	n.server = liar;
	CU_ASSERT(!answered(&n));
	CU_ASSERT_EQUAL(n.forged, 1);
	CU_ASSERT(sa_cmp(&n.forger, &liar, SA_ALL));
	CU_ASSERT(!sa_isset(&n.cand.addr, SA_ALL));
	n.server = server;
	CU_ASSERT(answered(&n));
	CU_ASSERT_EQUAL(n.forged, 1);
	CU_ASSERT(sa_cmp(&n.cand.addr, &n.mapped, SA_ALL));
	over(&n);
}

UNIT_SUITE("stunfinder",
	{ "learns", test_learns },
	{ "bounds", test_bounds },
	{ "loss", test_loss },
	{ "moved", test_moved },
	{ "table", test_table },
	{ "told", test_told },
	{ "spoofed", test_spoofed })
