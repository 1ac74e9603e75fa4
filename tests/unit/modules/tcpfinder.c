/*
 * Tests modules/path/tcpfinder.c: what is told of a host behind a NAT, with
 * and without a port that takes TLS; and that the NAT is kept open.
 */
#include <string.h>
#include "modules/path/finder.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { CANDS = 16, ASKS = 16, PORT = 5000, TLS = 443 };

struct net {
	struct finder *f;
	struct finder_env env;
	struct netif netif;
	struct sa server[2];
	struct cand candv[CANDS];
	unsigned candc, asks, dones;
	struct ask {
		struct sa base, server;
		uint8_t tid[STUN_TID_SIZE];
	} askv[ASKS];
};

static int on_send(int proto, const struct sa *local, const struct sa *dst,
		   const uint8_t *buf, size_t len, void *arg)
{
	struct net *n = arg;
	struct ask *q = &n->askv[n->asks++];

	CU_ASSERT_EQUAL(proto, IPPROTO_TCP);
	CU_ASSERT_FATAL(n->asks <= ASKS && len >= STUN_HEADER_SIZE);
	q->base = *local;
	q->server = *dst;
	memcpy(q->tid, buf + 8, sizeof q->tid);
	return 0;
}

static void on_cand(const struct cand *c, void *arg)
{
	struct net *n = arg;

	CU_ASSERT_FATAL(n->candc < CANDS);
	n->candv[n->candc++] = *c;
}

static void on_done(void *arg)
{
	((struct net *)arg)->dones++;
}

static void open_net(struct net *n, const char *addr, uint16_t tls)
{
	memset(n, 0, sizeof *n);
	(void)sa_set_str(&n->netif.addr, addr, 0);
	(void)sa_set_str(&n->server[0], "198.51.100.1", 3478);
	(void)sa_set_str(&n->server[1], "198.51.100.2", 3478);
	n->env = (struct finder_env){
		.netv = &n->netif, .netc = 1, .tcp4 = PORT, .tls4 = tls,
		.stunv = n->server, .stunc = 2, .handle = 7,
		.sendh = on_send, .arg = n,
	};
	CU_ASSERT_EQUAL_FATAL(tcp_finder.start(&n->f, &n->env, SEC, on_cand,
					       on_done, n), 0);
	CU_ASSERT_EQUAL(n->dones, 1);
}

/* What ask i is answered: seen as this. */
static void answer(struct net *n, unsigned i, const char *addr, uint16_t port)
{
	const struct ask *q = &n->askv[i];
	struct stun_pkt m;
	struct stun_out o;
	uint8_t buf[64];
	struct sa sa;

	(void)sa_set_str(&sa, addr, port);
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_SUCCESS_RESP, q->tid);
	stun_put_mapped(&o, &sa);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, stun_end(&o)), 0);
	CU_ASSERT(tcp_finder.recv(n->f, IPPROTO_TCP, &q->base, &q->server, &m,
				  2 * SEC));
}

static const struct cand *told(const struct net *n, enum cand_type type,
			       enum cand_transp transp)
{
	const struct cand *found = NULL;

	for (unsigned i = 0; i < n->candc; i++) {
		if (n->candv[i].type != type || n->candv[i].transp != transp)
			continue;
		CU_ASSERT_PTR_NULL(found);
		found = &n->candv[i];
	}
	return found;
}

static void test_plain(void)
{
	struct net n;

	open_net(&n, "10.0.0.2", 0);
	CU_ASSERT_EQUAL(n.candc, 3);
	CU_ASSERT(told(&n, CAND_HOST, CAND_TCP_ACTIVE) != NULL);
	CU_ASSERT(told(&n, CAND_HOST, CAND_TCP_PASSIVE) != NULL);
	CU_ASSERT(told(&n, CAND_HOST, CAND_TCP_SO) != NULL);
	CU_ASSERT_EQUAL(n.asks, 2);
	answer(&n, 0, "203.0.113.9", 6000);
	CU_ASSERT(n.candc == 4 && told(&n, CAND_SRFLX, CAND_TCP_SO));
	/* the mapping is held */
	tcp_finder.tick(n.f, tcp_finder.next(n.f));
	CU_ASSERT_EQUAL(n.asks, 4);
	mem_deref(n.f);
}

static void test_tls(void)
{
	const struct cand *c;
	struct net n;

	open_net(&n, "10.0.0.2", TLS);
	c = told(&n, CAND_HOST, CAND_TLS_PASSIVE);
	CU_ASSERT_FATAL(c != NULL);
	CU_ASSERT(sa_port(&c->addr) == TLS && sa_port(&c->base) == TLS);
	/* lower than all others, so that nothing waits for it */
	for (unsigned i = 0; i < n.candc; i++)
		CU_ASSERT(&n.candv[i] == c || n.candv[i].prio > c->prio);
	/* one server is asked from that port, too */
	CU_ASSERT_EQUAL(n.asks, 3);
	CU_ASSERT_EQUAL(sa_port(&n.askv[0].base), TLS);
	CU_ASSERT_EQUAL(sa_port(&n.askv[1].base), PORT);
	/* the NAT makes another of it; the router may forward ours */
	answer(&n, 0, "203.0.113.9", 7000);
	c = told(&n, CAND_SRFLX, CAND_TLS_PASSIVE);
	CU_ASSERT_FATAL(c != NULL);
	CU_ASSERT(sa_port(&c->addr) == TLS && sa_port(&c->base) == TLS);
	CU_ASSERT_PTR_NULL(told(&n, CAND_SRFLX, CAND_TCP_SO));
	mem_deref(n.f);

	/* that port cannot be sent from: the other tells the address */
	open_net(&n, "10.0.0.2", TLS);
	answer(&n, 1, "203.0.113.9", 6000);
	c = told(&n, CAND_SRFLX, CAND_TCP_SO);
	CU_ASSERT(c && sa_port(&c->addr) == 6000);
	c = told(&n, CAND_SRFLX, CAND_TLS_PASSIVE);
	CU_ASSERT(c && sa_port(&c->addr) == TLS && sa_port(&c->rel) == TLS);
	mem_deref(n.f);

	/* no NAT: nothing new */
	open_net(&n, "203.0.113.9", TLS);
	answer(&n, 0, "203.0.113.9", TLS);
	answer(&n, 1, "203.0.113.9", PORT);
	CU_ASSERT_EQUAL(n.candc, 4);
	mem_deref(n.f);
}

UNIT_SUITE("tcpfinder",
	{ "plain", test_plain },
	{ "tls", test_tls })
