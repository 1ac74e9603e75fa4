/*
 * prefix.c: tests tunnels/vpn/prefix.c, against a table that looks at every
 * entry, and the pool above it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "tunnels/vpn/pool.h"
#include "tunnels/vpn/prefix.h"

enum { ENTRIES = 300, OWNERS = 40 };

static struct prefix pfx(const char *text)
{
	struct prefix p;
	struct pl pl;

	pl_set_str(&pl, text);
	CU_ASSERT_EQUAL(prefix_decode(&p, &pl), 0);
	return p;
}

static struct prefixes list(const char *text)
{
	struct prefixes ps = { 0 };

	CU_ASSERT_EQUAL(prefixes_decode(&ps, text), 0);
	return ps;
}

static void test_text(void)
{
	static const char *const badv[] = {
		"10.0.0.1/33", "10.0.0/8", "::1/129", "10.0.0.1/", "10.0.0.1/x", "10.0.0.1/ 8", "fe80::1%eth0",
		"10.0.0.1/-1", "10.0.0.1/008x", "" };
	struct prefix p;
	struct prefixes ps;
	struct pl pl;
	char buf[128];

	for (size_t i = 0; i < ARRAY_SIZE(badv); i++) {
		pl_set_str(&pl, badv[i]);
		CU_ASSERT_EQUAL(prefix_decode(&p, &pl), EINVAL);
	}
	ps = list(" 10.7.0.1/24, fd07::1/64\t192.0.2.1 ,");
	CU_ASSERT_EQUAL(ps.n, 3);
	re_snprintf(buf, sizeof buf, "%H", prefixes_print, &ps);
	CU_ASSERT_STRING_EQUAL(buf, "10.7.0.1/24,fd07::1/64,192.0.2.1");
	p = prefix_net(&ps.v[0]);
	re_snprintf(buf, sizeof buf, "%H", prefix_print, &p);
	CU_ASSERT_STRING_EQUAL(buf, "10.7.0.0/24");
	p = prefix_host(&ps.v[1]);
	re_snprintf(buf, sizeof buf, "%H", prefix_print, &p);
	CU_ASSERT_STRING_EQUAL(buf, "fd07::1");
	memset(&ps, 0, sizeof ps);
	for (int i = 0; i < PREFIXES_MAX; i++)
		CU_ASSERT_EQUAL(prefixes_decode(&ps, "::1"), 0);
	CU_ASSERT_EQUAL(prefixes_decode(&ps, "::1"), EOVERFLOW);
}

static void test_covers(void)
{
	static const struct {
		const char *a, *b;
		bool covers;
	} v[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.0.0.0/9", "10.128.0.0/9", false },
		{ "10.0.0.0/24", "10.0.0.0/8", false },
		{ "0.0.0.0/0", "1.2.3.4", true },
		{ "::/0", "1.2.3.4", false },
		{ "fd00::/7", "fd12::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
	};
	static const char *const specialv[] = { "127.0.0.1", "0.0.0.0/0",
		"224.0.0.5", "169.254.1.1", "fe80::1", "ff02::1", "::1",
		"::/0" };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		const struct prefix a = pfx(v[i].a), b = pfx(v[i].b);

		CU_ASSERT_EQUAL(prefix_covers(&a, &b), v[i].covers);
	}
	for (size_t i = 0; i < ARRAY_SIZE(specialv); i++) {
		const struct prefix p = pfx(specialv[i]);

		CU_ASSERT_TRUE(prefix_special(&p));
	}
}

struct slow {
	struct prefix p;
	int owner;              /* 0: none */
};

static int slow_find(const struct slow *v, const struct prefix *a)
{
	int best = -1, owner = 0;

	for (int i = 0; i < ENTRIES; i++)
		if (v[i].owner && v[i].p.len > best &&
		    prefix_covers(&v[i].p, a)) {
			best = v[i].p.len;
			owner = v[i].owner;
		}
	return owner;
}

static struct prefix random_prefix(void)
{
	struct prefix p = { .v6 = rand() % 2 };
	const int bits = p.v6 ? 128 : 32;

	p.len = (uint8_t)(rand() % 3 ? bits - rand() % 4
			  : rand() % (bits + 1));
	for (int i = 0; i < bits / 8; i++)
		p.a[i] = (uint8_t)(rand() % 5 ? 10 : rand() % 4);
	return prefix_net(&p);
}

static void test_table(void)
{
	static struct slow v[ENTRIES];
	static int ownerv[OWNERS + 1];
	struct prefixtab *t;

	srand(7);
	CU_ASSERT_EQUAL_FATAL(prefixtab_alloc(&t), 0);
	for (int round = 0; round < 4000; round++) {
		const int i = rand() % ENTRIES, o = 1 + rand() % OWNERS;
		struct prefix a = random_prefix();
		const int *got;
		bool there = false;

		if (!(rand() % 25)) {
			prefixtab_remove(t, &ownerv[o]);
			for (int k = 0; k < ENTRIES; k++)
				if (v[k].owner == o)
					v[k].owner = 0;
		}
		for (int k = 0; k < ENTRIES; k++)
			there |= v[k].owner && prefix_equal(&v[k].p, &a);
		if (there || !v[i].owner)
			CU_ASSERT_EQUAL(prefixtab_add(t, &a, &ownerv[o]),
					there ? EEXIST : 0);
		if (!there && !v[i].owner) {
			v[i].p = a;
			v[i].owner = o;
		}
		a = random_prefix();
		a = prefix_host(&a);
		got = prefixtab_find(t, a.v6, a.a);
		CU_ASSERT_EQUAL(got ? (int)(got - ownerv) : 0,
				slow_find(v, &a));
	}
	mem_deref(t);
}

static int take(struct lease **lp, const char *from, const char *not,
		const char *fixed, const char *wish, const char *peer)
{
	const struct prefixes a = list(from), b = list(not), c = list(fixed),
		d = list(wish);
	const struct pool p = { "office", &a, &b, &c, &d, peer };

	return pool_take(lp, &p);
}

static void is(const struct lease *l, const char *text)
{
	char buf[128];

	re_snprintf(buf, sizeof buf, "%H", prefixes_print,
		    lease_addresses(l));
	CU_ASSERT_STRING_EQUAL(buf, text);
}

static void test_pool(void)
{
	struct lease *a, *b, *c, *d;

	/* .0 and .3 are the network's and the broadcast's, .1 is ours */
	CU_ASSERT_EQUAL(take(&a, "10.7.0.0/30", "10.7.0.1/30", "", "", "x"),
			0);
	is(a, "10.7.0.2/30");
	CU_ASSERT_EQUAL(take(&b, "10.7.0.0/30", "10.7.0.1/30", "", "", "y"),
			EADDRNOTAVAIL);
	mem_deref(a);
	CU_ASSERT_EQUAL(take(&b, "10.7.0.0/30", "10.7.0.1/30", "", "", "y"),
			0);
	is(b, "10.7.0.2/30");
	mem_deref(b);
	/* both families, the same again, another while that is taken */
	CU_ASSERT_EQUAL(take(&a, "10.8.0.0/16,fd08::/64",
			     "10.8.0.1/16,fd08::1/64", "", "", "x"), 0);
	CU_ASSERT_EQUAL(take(&b, "10.8.0.0/16,fd08::/64",
			     "10.8.0.1/16,fd08::1/64", "", "", "x"), 0);
	CU_ASSERT_EQUAL(lease_addresses(a)->n, 2);
	CU_ASSERT_FALSE(prefix_equal(&lease_addresses(a)->v[0],
				     &lease_addresses(b)->v[0]));
	c = mem_ref(a);
	{
		const struct prefixes was = *lease_addresses(a);

		mem_deref(c);
		mem_deref(a);
		CU_ASSERT_EQUAL(take(&a, "10.8.0.0/16,fd08::/64",
				     "10.8.0.1/16,fd08::1/64", "", "", "x"),
				0);
		CU_ASSERT(prefix_equal(&was.v[0],
				       &lease_addresses(a)->v[0]));
	}
	/* wishes and fixed addresses */
	CU_ASSERT_EQUAL(take(&c, "10.8.0.0/16", "10.8.0.1/16", "",
			     "10.8.9.9/16", "z"), 0);
	is(c, "10.8.9.9/16");
	CU_ASSERT_EQUAL(take(&d, "10.8.0.0/16", "10.8.0.1/16",
			     "10.8.9.9", "", "w"), EADDRNOTAVAIL);
	CU_ASSERT_EQUAL(take(&d, "10.8.0.0/16", "10.8.0.1/16",
			     "10.8.7.7 192.168.4.0/24", "10.8.5.5", "w"), 0);
	is(d, "10.8.7.7/16");
	mem_deref(a);
	mem_deref(b);
	mem_deref(c);
	mem_deref(d);
}

UNIT_SUITE("prefix",
	   { "text", test_text },
	   { "covers", test_covers },
	   { "table", test_table },
	   { "pool", test_pool })
