/*
 * Tests modules/path/lifetime.c: a NAT that forgets, and a server, in memory
 * and in fake time.
 */
#include <string.h>
#include "modules/path/lifetime.h"
#include "modules/path/stun.h"
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "tests/unit/unit.h"

enum { PORT = 40000, ASKER = LIFETIME_STEPS };

struct net {
	struct lifetime *l;
	struct lifetime_conf conf;
	uint64_t now, life, end;        /* the server's, too */
	uint64_t usedv[LIFETIME_SOCKETS];
	bool able;                      /* knows RESPONSE-PORT */
	unsigned lose, sent;
	struct flying {
		unsigned sock;
		size_t len;
		uint8_t buf[64];
	} flyv[256];
	unsigned flyc;
};

/* The answer goes to the socket behind this port, if its mapping lives. */
static void answer(struct net *n, unsigned sock, const uint8_t *tid)
{
	struct flying *f = &n->flyv[n->flyc];
	struct stun_out o;
	struct sa mapped;

	if (n->now - n->usedv[sock] >= n->life || n->now >= n->end ||
	    n->flyc == RE_ARRAY_SIZE(n->flyv))
		return;
	n->flyc++;
	n->usedv[sock] = n->now;
	f->sock = sock;
	sa_set_in(&mapped, 0xcb007101, (uint16_t)(PORT + sock));
	stun_begin(&o, f->buf, sizeof f->buf, STUN_CLASS_SUCCESS_RESP, tid);
	stun_put_mapped(&o, &mapped);
	f->len = stun_end(&o);
}

static void on_send(unsigned sock, const struct sa *dst, const uint8_t *buf,
		    size_t len, void *arg)
{
	struct net *n = arg;
	unsigned to = sock;

	CU_ASSERT(sa_cmp(dst, &n->conf.server, SA_ALL));
	CU_ASSERT(len >= 28);
	n->sent++;
	n->usedv[sock] = n->now;
	if (n->lose && n->sent % n->lose)
		return;
	if (n->able && buf[20] == 0 && buf[21] == STUN_ATTR_RESP_PORT)
		to = (unsigned)(buf[24] << 8 | buf[25]) - PORT;
	CU_ASSERT_FATAL(to < LIFETIME_SOCKETS);
	answer(n, to, buf + 8);
}

static void net_init(struct net *n, uint64_t life)
{
	memset(n, 0, sizeof *n);
	n->now = SEC;
	n->life = life;
	n->end = UINT64_MAX;
	n->able = true;
	sa_set_in(&n->conf.server, 0xc6336401, 3478);
	n->conf.sendh = on_send;
	n->conf.arg = n;
}

static struct lifetime_result run(struct net *n)
{
	struct lifetime_result r;
	uint64_t next;

	CU_ASSERT_EQUAL_FATAL(lifetime_alloc(&n->l, &n->conf, n->now), 0);
	while ((next = lifetime_next(n->l)) != UINT64_MAX) {
		unsigned flyc = n->flyc;

		for (unsigned i = 0; i < flyc; i++)
			lifetime_recv(n->l, n->flyv[i].sock, &n->conf.server,
				      n->flyv[i].buf, n->flyv[i].len, n->now);
		n->flyc = 0;
		n->now = max(n->now, min(next, lifetime_next(n->l)));
		lifetime_tick(n->l, n->now);
	}
	CU_ASSERT(n->now < 130 * SEC);
	r = *lifetime_result(n->l);
	n->l = mem_deref(n->l);
	return r;
}

static void test_found(void)
{
	static const unsigned v[][3] = {        /* lives, alive, gone */
		{ 1, 0, 2 }, { 5, 4, 6 }, { 14, 12, 15 }, { 29, 25, 30 },
		{ 119, 105, 120 },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++) {
		struct lifetime_result r;
		struct net n;

		net_init(&n, v[i][0] * SEC);
		r = run(&n);
		CU_ASSERT_EQUAL(r.state, LIFETIME_FOUND);
		CU_ASSERT_EQUAL(r.alive, v[i][1]);
		CU_ASSERT_EQUAL(r.gone, v[i][2]);
		CU_ASSERT(n.now < (v[i][2] + 4) * SEC);
	}
}

static void test_longer(void)
{
	struct lifetime_result r;
	struct net n;

	net_init(&n, 300 * SEC);
	r = run(&n);
	CU_ASSERT_EQUAL(r.state, LIFETIME_LONGER);
	CU_ASSERT_EQUAL(r.alive, 120);
}

/* Two of three requests never arrive. */
static void test_loss(void)
{
	struct lifetime_result r;
	struct net n;

	net_init(&n, 29 * SEC);
	n.lose = 3;
	r = run(&n);
	CU_ASSERT_EQUAL(r.state, LIFETIME_FOUND);
	CU_ASSERT_EQUAL(r.gone, 30);
}

static void test_servers(void)
{
	struct lifetime_result r;
	struct net n;

	net_init(&n, 29 * SEC);
	n.able = false;
	r = run(&n);
	CU_ASSERT_EQUAL(r.state, LIFETIME_UNABLE);
	CU_ASSERT(n.now < 2 * SEC);
	net_init(&n, 29 * SEC);
	n.end = 0;
	r = run(&n);
	CU_ASSERT_EQUAL(r.state, LIFETIME_SILENT);
	CU_ASSERT(n.now < 5 * SEC);
	net_init(&n, 60 * SEC);
	n.end = 10 * SEC;
	r = run(&n);
	CU_ASSERT_EQUAL(r.state, LIFETIME_SILENT);
	CU_ASSERT_EQUAL(r.alive, 8);
}

/* Wrong source, wrong socket, cut short: nothing is believed. */
static void test_spoofed(void)
{
	struct net n;
	struct sa evil;
	const struct flying *f = &n.flyv[0];

	net_init(&n, 29 * SEC);
	sa_set_in(&evil, 0xc6336442, 3478);
	CU_ASSERT_EQUAL_FATAL(lifetime_alloc(&n.l, &n.conf, n.now), 0);
	CU_ASSERT_EQUAL_FATAL(n.flyc, LIFETIME_STEPS);
	lifetime_recv(n.l, 0, &evil, f->buf, f->len, n.now);
	lifetime_recv(n.l, 1, &n.conf.server, f->buf, f->len, n.now);
	lifetime_recv(n.l, ASKER, &n.conf.server, f->buf, f->len, n.now);
	lifetime_recv(n.l, 99, &n.conf.server, f->buf, f->len, n.now);
	for (size_t i = 0; i < f->len; i++)
		lifetime_recv(n.l, 0, &n.conf.server, f->buf, i, n.now);
	n.sent = 0;
	n.now = lifetime_next(n.l);
	lifetime_tick(n.l, n.now);
	CU_ASSERT_EQUAL(n.sent, LIFETIME_STEPS);
	mem_deref(n.l);
}

UNIT_SUITE("lifetime",
	{ "found", test_found },
	{ "longer", test_longer },
	{ "loss", test_loss },
	{ "servers", test_servers },
	{ "spoofed", test_spoofed })
