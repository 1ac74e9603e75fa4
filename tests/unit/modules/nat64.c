/*
 * Tests modules/path/nat64.c: the addresses of RFC 6052 section 2.4, and what
 * the agent makes of them.
 */
#include <errno.h>
#include "tests/unit/modules/mocknet.h"

static const struct {
	const char *prefix;
	unsigned len;
	const char *mapped;     /* of 192.0.2.33 */
	const char *known;      /* of 192.0.0.170 */
} rfcv[] = {
	{ "2001:db8::", 32, "2001:db8:c000:221::", "2001:db8:c000:aa::" },
	{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::",
	  "2001:db8:1c0:0:aa::" },
	{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::",
	  "2001:db8:122:c000:0:aa00::" },
	{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::",
	  "2001:db8:122:3c0:0:aa::" },
	{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::",
	  "2001:db8:122:344:c0:0:aa00::" },
	{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33",
	  "2001:db8:122:344::192.0.0.170" },
	{ "64:ff9b::", 96, "64:ff9b::192.0.2.33", "64:ff9b::192.0.0.170" },
};

static void test_vectors(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rfcv); i++) {
		struct sa known, mapped, got, v4;
		struct nat64 n = { 0 };

		CU_ASSERT_EQUAL(sa_set_str(&known, rfcv[i].known, 0), 0);
		CU_ASSERT_EQUAL(sa_set_str(&mapped, rfcv[i].mapped, 77), 0);
		CU_ASSERT_EQUAL(sa_set_str(&v4, "192.0.2.33", 77), 0);
		CU_ASSERT(!nat64_map(&got, &n, &v4));
		CU_ASSERT_EQUAL(nat64_learn(&n, &known), 0);
		CU_ASSERT_EQUAL(n.len, rfcv[i].len);
		CU_ASSERT(nat64_map(&got, &n, &v4));
		CU_ASSERT(sa_cmp(&got, &mapped, SA_ALL));
	}
}

static void test_none(void)
{
	static const char *const v[] = {
		"192.0.0.170", "2001:db8::1", "::", "2001:db8:0:0:ff::aa",
	};
	struct nat64 n = { 0 };
	struct sa sa, out;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		CU_ASSERT_EQUAL(sa_set_str(&sa, v[i], 0), 0);
		CU_ASSERT_EQUAL(nat64_learn(&n, &sa), ENOENT);
	}
	CU_ASSERT_EQUAL(n.len, 0);
	(void)sa_set_str(&sa, "64:ff9b::192.0.0.171", 0);
	CU_ASSERT_EQUAL(nat64_learn(&n, &sa), 0);
	/* a NAT64 does not lead into other people's networks */
	(void)sa_set_str(&sa, "10.0.0.1", 5);
	CU_ASSERT(!nat64_map(&out, &n, &sa));
	(void)sa_set_str(&sa, "2001:db8::1", 5);
	CU_ASSERT(!nat64_map(&out, &n, &sa));
}

/* Between IPv6 alone and IPv4 alone: a NAT64 that keeps ports. */
static void translate(struct net *n, struct host *h, const struct sa *src,
		      const struct sa *dst, uint8_t *buf, size_t len)
{
	const struct nat64 *nat64 = n->taparg;
	struct host *to = h == n->host ? n->host + 1 : n->host;
	struct stun_pkt m;
	struct sa from;

	if (h == n->host) {
		/* the last four bytes are the address */
		if (memcmp(&dst->u.in6.sin6_addr, nat64->prefix, 12))
			return;
		from = h->nat.pub;
		sa_set_port(&from, sa_port(src));
	}
	else if (!sa_cmp(dst, &to->nat.pub, SA_ADDR) ||
		 !nat64_map(&from, nat64, src)) {
		return;
	}
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, len), 0);
	agent_recv(to->a, IPPROTO_UDP, &to->base[0], &from, &m, n->now);
	net_events(to);
}

static struct {
	struct host *h;
	struct sa src, dst;
	uint8_t buf[PKT];
	size_t len;
} queue[64];
static unsigned queuec;

static bool collect(struct net *n, struct host *h, const struct sa *src,
		    const struct sa *dst, uint8_t *buf, size_t len)
{
	(void)n;
	if (queuec < ARRAY_SIZE(queue)) {
		queue[queuec].h = h;
		queue[queuec].src = *src;
		queue[queuec].dst = *dst;
		queue[queuec].len = len;
		memcpy(queue[queuec++].buf, buf, len);
	}
	return true;
}

static void test_agent(void)
{
	struct nat64 nat64 = { 0 };
	struct host *a, *b;
	struct sa known;
	struct net n;

	(void)sa_set_str(&known, "64:ff9b::192.0.0.170", 0);
	CU_ASSERT_EQUAL(nat64_learn(&nat64, &known), 0);
	net_init(&n, 1);
	n.taph = collect;
	n.taparg = &nat64;
	a = net_host(&n, NAT_BLOCKED, true);
	agent_local_gone(a->a, &a->base[0], n.now);
	a->basec = a->candc = 0;
	host_add_base(a, "2001:db8::2");
	b = net_host(&n, NAT_NONE, false);
	agent_nat64(a->a, &nat64, n.now);
	net_tell(a, b);
	net_tell(b, a);
	for (int i = 0; i < 50 && !(a->found && b->found); i++) {
		unsigned c = queuec;

		for (unsigned k = 0; k < c; k++)
			translate(&n, queue[k].h, &queue[k].src,
				  &queue[k].dst, queue[k].buf, queue[k].len);
		memmove(queue, queue + c, (queuec - c) * sizeof queue[0]);
		queuec -= c;
		net_run(&n, 10 * MSEC);
	}
	CU_ASSERT(a->found && b->found);
	CU_ASSERT_EQUAL(sa_af(&a->remote.addr), AF_INET6);
	CU_ASSERT(sa_cmp(&b->remote.addr, &a->nat.pub, SA_ADDR));
	/* and without */
	agent_nat64(a->a, NULL, n.now);
	net_close(&n);
}

UNIT_SUITE("nat64",
	{ "vectors", test_vectors },
	{ "none", test_none },
	{ "agent", test_agent })
