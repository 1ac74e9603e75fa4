/*
 * Tests what the agent makes of passive candidates that take TLS: one agent,
 * whose peer never answers, in fake time.
 *
 *   we, active   --PATH_TLS--> its port 443        after UDP has had its turn
 *   we, passive  --TCP from 443--> where it says that it will come from
 */
#include <string.h>
#include "modules/path/agent.h"
#include "modules/path/path.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { SENDS = 256 };

static struct sending {
	uint64_t at;
	int proto;
	struct sa local, dst;
} sendv[SENDS];
static unsigned sendc;
static uint64_t now;

static int on_send(int proto, const struct sa *local, const struct sa *dst,
		   const uint8_t *buf, size_t len, void *arg)
{
	(void)buf;
	(void)len;
	(void)arg;
	CU_ASSERT_FATAL(sendc < SENDS);
	sendv[sendc++] = (struct sending){ now, proto, *local, *dst };
	return 0;
}

/* The first by this protocol to there; NULL: none. */
static const struct sending *sent(int proto, const char *addr, uint16_t port)
{
	struct sa dst;

	(void)sa_set_str(&dst, addr, port);
	for (unsigned i = 0; i < sendc; i++)
		if (sendv[i].proto == proto &&
		    sa_cmp(&sendv[i].dst, &dst, SA_ALL))
			return &sendv[i];
	return NULL;
}

static void cand_make(struct cand *c, enum cand_type type,
		      enum cand_transp transp, const char *addr,
		      uint16_t port)
{
	memset(c, 0, sizeof *c);
	c->type = type;
	c->transp = transp;
	(void)sa_set_str(&c->addr, addr, port);
	c->base = c->addr;
	sa_init(&c->rel, AF_UNSPEC);
	c->prio = transp == CAND_UDP ? cand_prio(type, 65535)
		: cand_prio_tcp(type, transp, 8191);
	cand_foundation(c, NULL);
}

static void local(struct agent *a, enum cand_transp transp, uint16_t port)
{
	struct cand c;

	cand_make(&c, CAND_HOST, transp, "10.0.0.1", port);
	CU_ASSERT_EQUAL(agent_local(a, &c, now), 0);
}

/* The peer tells these, and five seconds pass. */
static void meet(struct agent *a, struct cand *candv, size_t candc)
{
	static struct desc d;
	const uint64_t end = now + 5 * SEC;

	memset(&d, 0, sizeof d);
	d.candv = candv;
	d.candc = candc;
	str_ncpy(d.ufrag, "ufrag", sizeof d.ufrag);
	str_ncpy(d.pwd, "passwordpasswordpassword", sizeof d.pwd);
	CU_ASSERT_EQUAL(agent_remote(a, &d, now), 0);
	for (unsigned i = 0; i < 5000 && agent_next(a) <= end; i++) {
		now = max(now, agent_next(a));
		agent_tick(a, now);
	}
	now = end;
}

static struct agent *begin(void)
{
	struct agent_conf conf = { .sendh = on_send, .controlling = true };
	struct agent *a;

	sendc = 0;
	now = SEC;
	CU_ASSERT_EQUAL_FATAL(agent_alloc(&a, &conf), 0);
	return a;
}

static void test_active(void)
{
	struct agent *a = begin();
	const struct sending *tls, *tcp, *udp;
	struct cand v[3];

	local(a, CAND_UDP, 5000);
	local(a, CAND_TCP_ACTIVE, 9);
	local(a, CAND_TLS_PASSIVE, 443);
	cand_make(&v[0], CAND_HOST, CAND_TLS_PASSIVE, "203.0.113.5", 443);
	cand_make(&v[1], CAND_HOST, CAND_TCP_PASSIVE, "203.0.113.5", 6000);
	cand_make(&v[2], CAND_HOST, CAND_UDP, "203.0.113.5", 6000);
	meet(a, v, 3);
	udp = sent(IPPROTO_UDP, "203.0.113.5", 6000);
	tcp = sent(IPPROTO_TCP, "203.0.113.5", 6000);
	tls = sent(PATH_TLS, "203.0.113.5", 443);
	CU_ASSERT_FATAL(udp && tcp && tls);
	CU_ASSERT_EQUAL(sa_port(&tls->local), 9);
	/* neither holds UDP back, and TLS not TCP */
	CU_ASSERT_EQUAL(udp->at, SEC);
	CU_ASSERT(tcp->at >= SEC + 100 * MSEC && tls->at > tcp->at);
	CU_ASSERT(tls->at < SEC + 200 * MSEC);
	/* and we do not go there in another way */
	CU_ASSERT_PTR_NULL(sent(IPPROTO_TCP, "203.0.113.5", 443));
	CU_ASSERT_PTR_NULL(sent(IPPROTO_UDP, "203.0.113.5", 443));
	mem_deref(a);
}

/* The NAT of who listens may ask who comes. */
static void test_opens(void)
{
	struct agent *a = begin();
	const struct sending *s;
	struct cand v[2];

	local(a, CAND_TCP_ACTIVE, 9);
	local(a, CAND_TCP_PASSIVE, 5000);
	local(a, CAND_TLS_PASSIVE, 443);
	cand_make(&v[0], CAND_SRFLX, CAND_TCP_ACTIVE, "203.0.113.5", 9);
	cand_make(&v[1], CAND_HOST, CAND_TCP_ACTIVE, "192.168.1.5", 9);
	meet(a, v, 2);
	s = sent(IPPROTO_TCP, "203.0.113.5", 9);
	CU_ASSERT_FATAL(s != NULL);
	CU_ASSERT_EQUAL(sa_port(&s->local), 443);
	CU_ASSERT_PTR_NULL(sent(IPPROTO_TCP, "192.168.1.5", 9));
	for (unsigned i = 0; i < sendc; i++)
		CU_ASSERT(sa_port(&sendv[i].local) == 443);
	mem_deref(a);

	a = begin();
	local(a, CAND_TCP_ACTIVE, 9);
	local(a, CAND_TCP_PASSIVE, 5000);
	meet(a, v, 2);
	CU_ASSERT_EQUAL(sendc, 0);
	mem_deref(a);
}

UNIT_SUITE("tlspair",
	{ "active", test_active },
	{ "opens", test_opens })
