/*
 * words.c: tests the words of a forward (tunnels/forward/fwspec.c), what an
 * allow lets pass (fwallow.c), and what is refused before anything flows.
 */
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/forward/forwarding.h"
#include "tunnels/forward/fwallow.h"
#include "tunnels/forward/fwspec.h"

static void test_specs(void)
{
	static const struct {
		const char *text, *bind, *host;
		uint16_t port, hport;
	} good[] = {
		{ "80:h:81", "localhost", "h", 80, 81 },
		{ "0:[::1]:65535", "localhost", "::1", 0, 65535 },
		{ "[::]:80:a.b-c:1", "::", "a.b-c", 80, 1 },
		{ "10.0.0.1:80:[fe80::1]:2", "10.0.0.1", "fe80::1", 80, 2 },
		{ "*:80:h:2", "*", "h", 80, 2 },
		{ ":80:h:2", "*", "h", 80, 2 },
		{ "localhost:80:h:2", "localhost", "h", 80, 2 },
	};
	static const char *const wrong[] = {
		"", ":", "80", "80:h", "80:h:", "80::1", "x:h:1", "80:h:x",
		"80:h:0", "65536:h:1", "80:h:65536", "80:h:1:", "a:80:h:1:2",
		"name:80:h:1", "[::1:80:h:1", "[::1]80:h:1", "udp:53",
		"udp:/x:h:53", "udp:53:/x", "-80:h:1", "80:h:+1", " 80:h:1",
		"::1:80:h:1", "80:h:1 ", "1234567:h:1",
	};
	struct fwspec v[FWSPEC_MAX];
	char why[256];
	size_t n;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		char *const argv[] = { (char *)good[i].text };

		CU_ASSERT_EQUAL(fwspec_decode(v, &n, argv, 1, why,
					      sizeof why), 0);
		CU_ASSERT_EQUAL(n, 1);
		CU_ASSERT_STRING_EQUAL(v[0].bind, good[i].bind);
		CU_ASSERT_STRING_EQUAL(v[0].host, good[i].host);
		CU_ASSERT_EQUAL(v[0].port, good[i].port);
		CU_ASSERT_EQUAL(v[0].hport, good[i].hport);
		CU_ASSERT_EQUAL(v[0].how, FWSPEC_LOCAL);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		char *const argv[] = { (char *)wrong[i] };

		why[0] = '\0';
		CU_ASSERT_EQUAL(fwspec_decode(v, &n, argv, 1, why,
					      sizeof why), EINVAL);
		CU_ASSERT(strlen(why) > 10);
	}
	CU_ASSERT_EQUAL(fwspec_decode(v, &n, ARGV("-L", "1:a:1", "-R",
		"2:b:2", "-R3:c:3", "--", "4:d:4"), 7, why, sizeof why), 0);
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT(!v[0].how && v[1].how == FWSPEC_REMOTE &&
		  v[2].how == FWSPEC_REMOTE && !v[3].how);
	/* ssh's -N */
	CU_ASSERT_EQUAL(fwspec_decode(v, &n, ARGV("-N", "-NR", "1:a:1",
		"-NL2:b:2"), 4, why, sizeof why), 0);
	CU_ASSERT(n == 2 && v[0].how == FWSPEC_REMOTE && v[0].port == 1 &&
		  !v[1].how && v[1].port == 2);
	CU_ASSERT(fwspec_stdio(ARGV("-NW", "h:1"), 2));
	CU_ASSERT(!fwspec_stdio(ARGV("-N", "1:a:1"), 2));
	CU_ASSERT_EQUAL(fwspec_decode(v, &n, ARGV("-N"), 1, why, sizeof why),
			EINVAL);
	CU_ASSERT_EQUAL(fwspec_decode(v, &n, ARGV("-L"), 1, why, sizeof why),
			EINVAL);
	CU_ASSERT_EQUAL(fwspec_decode(v, &n, ARGV("-x", "1:a:1"), 2, why,
				      sizeof why), EINVAL);
	CU_ASSERT_EQUAL(fwspec_decode(v, &n, NULL, 0, why, sizeof why),
			EINVAL);
}

static bool addr_ok(const struct fwallow *a, const char *host, uint16_t port)
{
	struct sa sa;

	CU_ASSERT_EQUAL(sa_set_str(&sa, host, port), 0);
	return fwallow_addr(a, &sa);
}

static bool listen_ok(const struct fwallow *a, const char *host,
		      uint16_t port)
{
	struct sa sa;

	CU_ASSERT_EQUAL(sa_set_str(&sa, host, port), 0);
	return fwallow_listen(a, &sa);
}

static void test_allow(void)
{
	static const char *const wrong[] = {
		"22", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "a b:1 c",
		"10.0.0.0/33:1", "10.0.0.0/:1", "[::1:22", "::1:22",
		"h:90-80", "h:1-", "h:65536", "listen:", "listen:h:80",
		"h/8:80", ":80", "[]:80", "listen:x", "a;b:80",
		"010.0.0.1:80", "127.1:80", "0x7f000001:80",
	};
	struct fwallow *a;
	struct pl bad;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CU_ASSERT_EQUAL(fwallow_alloc(&a, wrong[i], &bad), EINVAL);
	CU_ASSERT_EQUAL_FATAL(fwallow_alloc(&a, "127.0.0.1:22  10.0.0.0/9:"
		"80-90 Wiki.example:* [2001:db8::/33]:443 [::1]/128:5 "
		"listen:8080 listen:192.0.2.1:90-91\tlisten:*:7", &bad), 0);
	CU_ASSERT_TRUE(addr_ok(a, "127.0.0.1", 22));
	CU_ASSERT_FALSE(addr_ok(a, "127.0.0.1", 23));
	CU_ASSERT_FALSE(addr_ok(a, "127.0.0.2", 22));
	CU_ASSERT_TRUE(addr_ok(a, "::ffff:127.0.0.1", 22));
	CU_ASSERT_FALSE(addr_ok(a, "0.0.0.0", 22));
	CU_ASSERT_TRUE(addr_ok(a, "10.127.255.255", 85));
	CU_ASSERT_FALSE(addr_ok(a, "10.128.0.0", 85));
	CU_ASSERT_FALSE(addr_ok(a, "10.1.1.1", 91));
	CU_ASSERT_TRUE(addr_ok(a, "2001:db8:7fff::1", 443));
	CU_ASSERT_FALSE(addr_ok(a, "2001:db8:8000::1", 443));
	CU_ASSERT_TRUE(addr_ok(a, "::1", 5));
	CU_ASSERT_FALSE(addr_ok(a, "::1", 22));
	CU_ASSERT_TRUE(fwallow_name(a, "wiki.EXAMPLE", 9999));
	CU_ASSERT_FALSE(fwallow_name(a, "wiki.example.org", 80));
	CU_ASSERT_FALSE(fwallow_name(a, "127.0.0.1", 22));
	CU_ASSERT_TRUE(fwallow_port(a, 443));
	CU_ASSERT_FALSE(fwallow_port(a, 9999));
	CU_ASSERT_TRUE(listen_ok(a, "127.0.0.1", 8080));
	CU_ASSERT_TRUE(listen_ok(a, "::1", 8080));
	CU_ASSERT_FALSE(listen_ok(a, "0.0.0.0", 8080));
	CU_ASSERT_FALSE(listen_ok(a, "192.0.2.1", 8080));
	CU_ASSERT_TRUE(listen_ok(a, "192.0.2.1", 91));
	CU_ASSERT_TRUE(listen_ok(a, "::", 7));
	CU_ASSERT_FALSE(addr_ok(a, "127.0.0.1", 8080));
	mem_deref(a);
	CU_ASSERT_EQUAL_FATAL(fwallow_alloc(&a, "0.0.0.0/0:* *:443", NULL),
			      0);
	CU_ASSERT_FALSE(addr_ok(a, "0.0.0.0", 80));
	CU_ASSERT_FALSE(addr_ok(a, "224.0.0.1", 80));
	CU_ASSERT_FALSE(addr_ok(a, "2001:db8::1", 80));
	CU_ASSERT_TRUE(addr_ok(a, "2001:db8::1", 443));
	CU_ASSERT_TRUE(addr_ok(a, "198.51.100.1", 80));
	CU_ASSERT_TRUE(fwallow_name(a, "any", 443));
	mem_deref(a);
	CU_ASSERT_EQUAL_FATAL(fwallow_alloc(&a, "[::ffff:10.0.0.0/104]:80 "
		"[::ffff:192.0.2.1]:90 [::/0]:70", NULL), 0);
	CU_ASSERT_TRUE(addr_ok(a, "10.255.0.1", 80));
	CU_ASSERT_TRUE(addr_ok(a, "::ffff:10.0.0.1", 80));
	CU_ASSERT_FALSE(addr_ok(a, "11.0.0.1", 80));
	CU_ASSERT_TRUE(addr_ok(a, "192.0.2.1", 90));
	CU_ASSERT_FALSE(addr_ok(a, "192.0.2.2", 90));
	CU_ASSERT_FALSE(addr_ok(a, "::ffff:10.0.0.1", 70));
	mem_deref(a);
	CU_ASSERT_EQUAL(fwallow_alloc(&a, "", NULL), 0);
	CU_ASSERT_FALSE(addr_ok(a, "127.0.0.1", 22));
	CU_ASSERT_FALSE(listen_ok(a, "127.0.0.1", 22));
	mem_deref(a);
}

static bool denied(struct rig *r)
{
	return strstr(r->a.notes, "by bob: Permission denied") != NULL;
}

static void test_refused(void)
{
	struct forwarding f;
	char spec[64];
	int lfd;

	refused(ARGV("0:127.0.0.1:23"), "127.0.0.1:22", EACCES,
		"127.0.0.1:23 is not allowed");
	refused(ARGV("0:wiki:80"), "other:80", EACCES, "wiki:80");
	refused(ARGV("-R", "8080:127.0.0.1:22"), "127.0.0.1:22", EACCES,
		"listen:localhost:8080");
	refused(ARGV("-R", "*:8080:127.0.0.1:22"), "listen:8080", EACCES,
		"not allowed");
	forwarding_init(&f, ARGV("0:127.0.0.1:22"), "");
	CU_ASSERT_EQUAL(rig_offer(&f.r, &f.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&f.r, &f.b), EACCES);
	rig_close(&f.r);
	forwarding_init(&f, ARGV("0:127.0.0.1:22"), "127.0.0.1:22 nonsense");
	CU_ASSERT_EQUAL(rig_offer(&f.r, &f.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&f.r, &f.b), EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.why, "'nonsense'"));
	rig_close(&f.r);
	/* nobody's stdin and stdout */
	forwarding_init(&f, ARGV("-W", "h:80"), "");
	CU_ASSERT_EQUAL(rig_offer(&f.r, &f.a), EINVAL);
	rig_close(&f.r);
	/* ports that are taken, here and there */
	lfd = server();
	snprintf(spec, sizeof spec, "%u:127.0.0.1:22", port_of(lfd));
	refused(ARGV(spec), "127.0.0.1:22", EADDRINUSE, "in use already");
	refused(ARGV("-R", spec), "listen:*", EADDRINUSE,
		"cannot listen on");
	close(lfd);
}

/* A name that the rules know by its address only. */
static void test_names(void)
{
	static const char *const allow[] = {
		"127.0.0.1:*", "localhost:*", "*:*",
	};
	char spec[64];
	int lfd = server(), c, s;

	snprintf(spec, sizeof spec, "0:localhost:%u", port_of(lfd));
	for (size_t i = 0; i < 3; i++) {
		struct forwarding f;

		forwarding_open(&f, ARGV(spec), allow[i]);
		pass_one(&f, lfd, &c, &s);
		close(c);
		close(s);
		rig_close(&f.r);
	}
	{
		struct forwarding f;

		/* it may be allowed by its address, but it is not */
		forwarding_open(&f, ARGV(spec), "127.0.0.2:*");
		c = client(f.port);
		expect_reset(c);
		close(c);
		CU_ASSERT(rig_until(&f.r, denied));
		rig_close(&f.r);
		/* through the look-up on a thread, and no such name */
		forwarding_open(&f, ARGV("0:no.such.name.invalid:80"),
				"*:80");
		c = client(f.port);
		expect_reset(c);
		close(c);
		rig_close(&f.r);
	}
	close(lfd);
}

static void test_no_memory(void)
{
	struct forwarding f;
	struct rig_asks w = { &f.r, &f.a, &f.b };

	forwarding_init(&f, ARGV("0:wiki:80"), "wiki:80 127.0.0.1:22");
	FAIL_EACH(rig_words, &w);
	rig_close(&f.r);
}

UNIT_SUITE("forward/words",
	{ "specs", test_specs },
	{ "allow", test_allow },
	{ "refused", test_refused },
	{ "names", test_names },
	{ "no_memory", test_no_memory })
