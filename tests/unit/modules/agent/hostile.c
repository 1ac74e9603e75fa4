/*
 * hostile.c: what an attacker or bad luck may do to an ICE agent: forged
 * answers, requests without a key, floods, too many candidates, no memory.
 */
#include "tests/unit/fail.h"
#include "tests/unit/modules/agent/twohosts.h"

/* An attacker that sees a request answers it before the peer does. */
static void forge(struct net *n, struct host *h, const struct sa *src,
		  const struct sa *dst, const uint8_t *buf, size_t len)
{
	int how = *(int *)n->taparg;
	uint8_t out[PKT], tid[STUN_TID_SIZE];
	struct sa from = *dst, to = *src;
	struct stun_pkt m;
	struct stun_out o;

	if (stun_parse(&m, buf, len) || m.cls != STUN_CLASS_REQUEST)
		return;
	memcpy(tid, m.tid, sizeof tid);
	if (how == 0)
		tid[11] ^= 1;
	stun_begin(&o, out, sizeof out, how == 3 ? STUN_CLASS_ERROR_RESP
		   : STUN_CLASS_SUCCESS_RESP, tid);
	if (how == 3)
		stun_put_error(&o, 487, &m);
	else
		stun_put_mapped(&o, &to);
	/* the password is known to the tester, not to the attacker */
	if (how == 2)
		stun_put_key(&o, "wrongwrongwrongwrongwrong");
	else if (how != 3)
		stun_put_key(&o, agent_pwd(n->host[h == n->host].a));
	stun_put_fingerprint(&o);
	if (how == 1)
		sa_set_str(&from, "192.0.2.66", 5000);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, out, stun_end(&o)), 0);
	agent_recv(h->a, IPPROTO_UDP, &to, &from, &m, n->now);
	net_events(h);
}

/* What was sent, kept from its receiver; answered between two calls. */
static struct {
	struct host *h;
	struct sa src, dst;
	uint8_t buf[PKT];
	size_t len;
} seen[64];

static unsigned seenc;

static bool collect(struct net *n, struct host *h, const struct sa *src,
		    const struct sa *dst, uint8_t *buf, size_t len)
{
	(void)n;
	if (seenc < 64) {
		seen[seenc].h = h;
		seen[seenc].src = *src;
		seen[seenc].dst = *dst;
		memcpy(seen[seenc].buf, buf, len);
		seen[seenc++].len = len;
	}
	return true;
}

static void test_spoofed(void)
{
	for (int how = 0; how < 4; how++) {
		struct host *a, *b;
		struct net n;

		net_init(&n, 13);
		n.liar = how > 1;       /* who does without the key */
		n.taparg = &how;
		n.taph = collect;
		seenc = 0;
		meet(&n, &a, &b, NAT_NONE, NAT_NONE);
		for (int round = 0; round < 50; round++) {
			unsigned c = seenc;

			for (unsigned i = 0; i < c; i++)
				forge(&n, seen[i].h, &seen[i].src,
				      &seen[i].dst, seen[i].buf,
				      seen[i].len);
			seenc = 0;
			net_run(&n, 100 * MSEC);
		}
		CU_ASSERT(!a->found && !b->found);
		CU_ASSERT((a->forged && b->forged) == n.liar);
		CU_ASSERT(controls(a));
		CU_ASSERT(!controls(b));
		/* and when the attacker is gone all is well */
		n.taph = NULL;
		net_run(&n, 5 * SEC);
		CU_ASSERT(net_joined(a, b) && net_joined(b, a));
		net_close(&n);
	}
}

/* How often the answers of h were: none, errors, successes; and that none
 * is larger than the request. */
struct probe {
	uint8_t req[PKT];
	size_t len;
	unsigned answers;
	struct stun_pkt m;
	uint8_t ans[PKT];
};

static bool probe_tap(struct net *n, struct host *h, const struct sa *src,
		      const struct sa *dst, uint8_t *buf, size_t len)
{
	struct probe *p = n->taparg;

	(void)h, (void)src, (void)dst;
	CU_ASSERT_FATAL(len <= p->len);
	p->answers++;
	memcpy(p->ans, buf, len);
	CU_ASSERT_EQUAL(stun_parse(&p->m, p->ans, len), 0);
	CU_ASSERT(stun_fingerprint_ok(&p->m));
	return true;
}

enum { P_UFRAG = 1, P_KEY = 2, P_PRIO = 4, P_UNKNOWN = 8, P_CTL = 16 };

static uint16_t probe(struct net *n, struct host *h, struct probe *p,
		      unsigned what)
{
	static const uint8_t tid[STUN_TID_SIZE];
	struct stun_out o;
	struct stun_pkt m;
	char user[64];
	struct sa src;

	p->answers = 0;
	(void)re_snprintf(user, sizeof user, "%s:peer",
			  what & P_UFRAG ? agent_ufrag(h->a) : "ABCDEFGH");
	sa_set_str(&src, "192.0.2.77", 7777);
	stun_begin(&o, p->req, sizeof p->req, STUN_CLASS_REQUEST, tid);
	stun_put(&o, STUN_ATTR_USERNAME, user, strlen(user));
	if (what & P_PRIO)
		stun_put_u32(&o, STUN_ATTR_PRIORITY, 1);
	if (what & P_UNKNOWN)
		stun_put_u32(&o, 0x7777, 1);
	if (what & P_CTL)
		stun_put_u64(&o, STUN_ATTR_CONTROLLING, 0);
	if (what & P_KEY)
		stun_put_key(&o, agent_pwd(h->a));
	stun_put_fingerprint(&o);
	p->len = stun_end(&o);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, p->req, p->len), 0);
	agent_recv(h->a, IPPROTO_UDP, &h->base[0], &src, &m, n->now);
	return p->answers ? (p->m.ecode ? p->m.ecode : 200) : 0;
}

static void test_answers(void)
{
	struct probe p;
	struct host *a;
	struct net n;

	net_init(&n, 14);
	n.liar = true;
	n.taph = probe_tap;
	n.taparg = &p;
	a = net_host(&n, NAT_NONE, true);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_KEY | P_PRIO), 0);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG), 400);
	CU_ASSERT(!p.m.mi);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_KEY), 400);
	CU_ASSERT(stun_key_ok(&p.m, agent_pwd(a->a)));
	CU_ASSERT_EQUAL(probe(&n, a, &p,
			      P_UFRAG | P_KEY | P_PRIO | P_UNKNOWN), 420);
	CU_ASSERT_EQUAL(a->forged, 1);
	CU_ASSERT(stun_key_ok(&p.m, agent_pwd(a->a)));
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_KEY | P_PRIO | P_CTL),
			487);
	CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_KEY | P_PRIO), 200);
	CU_ASSERT(stun_key_ok(&p.m, agent_pwd(a->a)));
	net_close(&n);
}

/* Any allocation would fail here, and be noticed. */
static void test_unproven_costs_nothing(void)
{
	struct probe p;
	struct host *a;
	struct net n;

	net_init(&n, 15);
	n.liar = true;
	n.taph = probe_tap;
	n.taparg = &p;
	a = net_host(&n, NAT_NONE, true);
	for (int i = 0; i < 100; i++) {
		fail_at(1);
		CU_ASSERT_EQUAL(probe(&n, a, &p, P_UFRAG | P_PRIO), 400);
		CU_ASSERT_EQUAL(probe(&n, a, &p, P_KEY | P_PRIO), 0);
		CU_ASSERT(!fail_done);
		fail_at(0);
	}
	net_close(&n);
}

static int count_pairs(const char *buf, size_t len, void *arg)
{
	for (size_t i = 0; i < len; i++)
		*(unsigned *)arg += buf[i] == '\n';
	return 0;
}

/* Too many of everything. */
static void test_limits(void)
{
	static struct cand candv[DESC_CAND_MAX];
	static struct desc d;
	struct host *a, *b;
	unsigned lines = 0;
	struct re_printf pf = { count_pairs, &lines };
	struct net n;

	net_init(&n, 16);
	a = net_host(&n, NAT_NONE, true);
	b = net_host(&n, NAT_NONE, false);
	host_add_base(a, "192.0.2.101");
	host_add_base(a, "192.0.2.102");
	memset(&d, 0, sizeof d);
	d.candv = candv;
	str_ncpy(d.ufrag, agent_ufrag(b->a), sizeof d.ufrag);
	str_ncpy(d.pwd, agent_pwd(b->a), sizeof d.pwd);
	for (int i = 0; i < DESC_CAND_MAX; i++) {
		d.candv[i] = b->cand[0];
		d.candv[i].prio = (uint32_t)(1000 + i);
		sa_set_port(&d.candv[i].addr, (uint16_t)(30000 + i));
	}
	d.candc = DESC_CAND_MAX;
	CU_ASSERT_EQUAL(agent_remote(a->a, &d, n.now), 0);
	CU_ASSERT_EQUAL(agent_debug(&pf, a->a), 0);
	CU_ASSERT_EQUAL(lines, 100);
	/* the checklist is full, yet who checks us is checked */
	net_tell(a, b);
	net_run(&n, 5 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	net_close(&n);
}

/* A peer that has proven itself but floods from everywhere. */
static void test_prflx_flood(void)
{
	struct host *a, *b;
	unsigned lines = 0;
	struct re_printf pf = { count_pairs, &lines };
	struct net n;

	net_init(&n, 17);
	meet(&n, &a, &b, NAT_NONE, NAT_NONE);
	net_run(&n, SEC);
	CU_ASSERT(net_joined(a, b));
	n.taph = collect;
	seenc = 0;
	net_run(&n, 7 * SEC);
	for (unsigned i = 0; i < seenc; i++) {
		struct stun_pkt m;
		struct sa src = seen[i].src;

		if (seen[i].h != b || stun_parse(&m, seen[i].buf,
						 seen[i].len) ||
		    m.cls != STUN_CLASS_REQUEST)
			continue;
		for (int port = 1; port < 1000; port++) {
			sa_set_port(&src, (uint16_t)port);
			agent_recv(a->a, IPPROTO_UDP, &seen[i].dst, &src,
				   &m, n.now);
		}
		break;
	}
	CU_ASSERT_EQUAL(agent_debug(&pf, a->a), 0);
	CU_ASSERT_EQUAL(lines, 1 + 16);
	n.taph = NULL;
	net_run(&n, 60 * SEC);
	CU_ASSERT(net_joined(a, b) && net_joined(b, a));
	CU_ASSERT(a->found == 1);
	net_close(&n);
}

static int fail_run(void *arg)
{
	struct agent_conf conf = { .sendh = host_send };
	struct sa base = *(struct sa *)arg;
	struct cand c = { .type = CAND_HOST, .addr = base, .base = base };
	static struct desc d;
	struct agent *a;
	int err = agent_alloc(&a, &conf);

	if (err)
		return err;
	memset(&d, 0, sizeof d);
	str_ncpy(d.ufrag, "ufrag", sizeof d.ufrag);
	str_ncpy(d.pwd, "passwordpasswordpassword", sizeof d.pwd);
	err = agent_local(a, &c, SEC);
	if (!err)
		err = agent_remote(a, &d, SEC);
	if (!err)
		err = agent_restart(a);
	mem_deref(a);
	return err;
}

static void test_nomem(void)
{
	struct sa base;

	sa_set_str(&base, "192.0.2.1", 5000);
	FAIL_EACH(fail_run, &base);
}

UNIT_SUITE("agent/hostile",
	{ "spoofed", test_spoofed },
	{ "answers", test_answers },
	{ "unproven costs nothing", test_unproven_costs_nothing },
	{ "limits", test_limits },
	{ "prflx flood", test_prflx_flood },
	{ "no memory", test_nomem })
