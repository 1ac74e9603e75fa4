/*
 * forward.c: tests tunnels/forward.c and its helpers: words, rules, and TCP
 * connections that must not notice what is between them.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/flood.h"
#include "tests/unit/tunnels/rig.h"
#include "tunnels/forward/fwallow.h"
#include "tunnels/forward/fwspec.h"
#include "tunnels/record.h"

#define ARGV(...) ((char *const []){ __VA_ARGS__, NULL })

/* Two minutes pass when they are told to: libc's clock, put forward. */
static _Atomic int64_t ahead;           /* seconds */

int clock_gettime(clockid_t id, struct timespec *ts)
{
	const int err = (int)syscall(SYS_clock_gettime, id, ts);

	if (!err && id == CLOCK_MONOTONIC)
		ts->tv_sec += atomic_load(&ahead);
	return err;
}

static size_t count(char *const *argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return n;
}

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
		"name:80:h:1", "[::1:80:h:1", "[::1]80:h:1", "udp:53", "udp:/x:h:53", "udp:53:/x",
"-80:h:1", "80:h:+1", " 80:h:1",
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
	CU_ASSERT_EQUAL(fwallow_alloc(&a, "", NULL), 0);
	CU_ASSERT_FALSE(addr_ok(a, "127.0.0.1", 22));
	CU_ASSERT_FALSE(listen_ok(a, "127.0.0.1", 22));
	mem_deref(a);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;

	CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

static int server(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	CU_ASSERT_EQUAL(listen(fd, 1024), 0);
	return fd;
}

static int client(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	return fd;
}

/* A port that nobody listens on, a moment ago at least. */
static uint16_t free_port(void)
{
	int fd = server();
	uint16_t port = port_of(fd);

	close(fd);
	return port;
}

struct forwarding {
	struct rig r;
	struct tunnel_ask a, b;
	char why[256];
	uint16_t port;                  /* from the note */
};

static bool noted(struct rig *r)
{
	return strstr(r->a.notes, "listening on") || r->a.done;
}

static void forwarding_init(struct forwarding *f, char *const *argv,
			    const char *allow)
{
	memset(f, 0, sizeof *f);
	rig_open(&f->r, "forward");
	f->a = (struct tunnel_ask){ .argv = argv, .argc = count(argv),
		.fd_in = -1, .fd_out = -1, .peer = "bob", .why = f->why,
		.why_size = sizeof f->why };
	f->b = (struct tunnel_ask){ .fd_in = -1, .fd_out = -1,
		.allow = allow, .peer = "alice", .why = f->why,
		.why_size = sizeof f->why };
}

static void forwarding_open(struct forwarding *f, char *const *argv,
			    const char *allow)
{
	const char *p;

	forwarding_init(f, argv, allow);
	rig_call(&f->r, &f->a, &f->b);
	CU_ASSERT(rig_until(&f->r, noted));
	p = strstr(f->r.a.notes, "localhost:");
	f->port = p ? (uint16_t)atoi(strchr(p, ':') + 1) : 0;
}

/* -L (or -R) from any port to `port`. */
static void forwarding_to(struct forwarding *f, const char *opt,
			  uint16_t port)
{
	char spec[64];

	snprintf(spec, sizeof spec, "0:127.0.0.1:%u", port);
	forwarding_open(f, ARGV((char *)opt, spec),
			"127.0.0.1:* listen:*:*");
	CU_ASSERT_NOT_EQUAL(f->port, 0);
}

static void put(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL),
			(ssize_t)strlen(text));
}

static void expect(int fd, const char *text)
{
	char buf[256];
	size_t n = strlen(text);

	CU_ASSERT_EQUAL(recv(fd, buf, n, MSG_WAITALL), (ssize_t)n);
	CU_ASSERT_EQUAL(memcmp(buf, text, n), 0);
}

static void expect_end(int fd)
{
	char c;

	CU_ASSERT_EQUAL(recv(fd, &c, 1, 0), 0);
}

static void expect_reset(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	CU_ASSERT_EQUAL(n, -1);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
}

static void reset(int fd)
{
	const struct linger lg = { 1, 0 };

	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg,
				   sizeof lg), 0);
	close(fd);
}

static void both_ways(const char *opt)
{
	struct forwarding f;
	int lfd = server(), c, s;

	forwarding_to(&f, opt, port_of(lfd));
	c = client(f.port);
	put(c, "early");
	s = accept(lfd, NULL, NULL);
	expect(s, "early");
	put(s, "answer");
	expect(c, "answer");
	/* half-close, one way and then the other */
	shutdown(c, SHUT_WR);
	expect_end(s);
	put(s, "still");
	expect(c, "still");
	close(s);
	expect_end(c);
	close(c);
	/* the server speaks first */
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	put(s, "banner");
	expect(c, "banner");
	close(s);
	expect_end(c);
	close(c);
	close(lfd);
	CU_ASSERT_FALSE(f.r.a.done);
	CU_ASSERT_FALSE(f.r.b.done);
	rig_close(&f.r);
}

static void test_local(void)
{
	both_ways("-L");
}

static void test_remote(void)
{
	both_ways("-R");
}

/* The line for the user comes after the client's reset. */
static bool not_there(struct rig *r)
{
	return strstr(r->a.notes, "by bob: Connection refused") != NULL;
}

static bool denied(struct rig *r)
{
	return strstr(r->a.notes, "by bob: Permission denied") != NULL;
}

static void test_reset(void)
{
	struct forwarding f;
	int lfd = server(), c, s;

	forwarding_to(&f, "-L", port_of(lfd));
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	put(c, "x");
	expect(s, "x");
	reset(c);
	expect_reset(s);
	close(s);
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	put(c, "x");
	expect(s, "x");
	reset(s);
	expect_reset(c);
	close(c);
	close(lfd);
	/* nobody listens there: the client sees a reset, the user a line */
	c = client(f.port);
	expect_reset(c);
	close(c);
	CU_ASSERT(rig_until(&f.r, not_there));
	rig_close(&f.r);
}

/* Urgent bytes, TCP's out of band, stay in their place (RFC 6093, 6). */
static void test_urgent(void)
{
	struct forwarding f;
	int lfd = server(), c, s;

	forwarding_to(&f, "-L", port_of(lfd));
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	put(c, "a");
	CU_ASSERT_EQUAL(send(c, "!", 1, MSG_OOB), 1);
	put(c, "b");
	expect(s, "a!b");
	put(s, "c");
	CU_ASSERT_EQUAL(send(s, "?", 1, MSG_OOB), 1);
	put(s, "d");
	expect(c, "c?d");
	close(c);
	expect_end(s);
	close(s);
	close(lfd);
	rig_close(&f.r);
}

/* Who closes with bytes unread has reset it, as a direct connection would be;
 * what was on its way to the other side before gets there. */
static void test_abandoned(void)
{
	struct forwarding f;
	int lfd = server(), c, s;
	static const char much[100000] = "x";
	char buf[4096];
	ssize_t n;

	forwarding_to(&f, "-L", port_of(lfd));
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	put(s, "unread");
	while (recv(c, buf, 1, MSG_PEEK) != 1)
		;
	close(c);
	expect_reset(s);
	close(s);
	/* the other way, in the middle of much */
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	CU_ASSERT_EQUAL(send(c, much, sizeof much, 0), sizeof much);
	while (recv(s, buf, 1, MSG_PEEK) != 1)
		;
	close(s);
	while ((n = recv(c, buf, sizeof buf, 0)) > 0)
		;
	CU_ASSERT_EQUAL(n, -1);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
	close(c);
	close(lfd);
	rig_close(&f.r);
}

static void half_close(int fd)
{
	shutdown(fd, SHUT_WR);
}

static void test_flood(void)
{
	enum { SIZE = 20000003 };
	struct forwarding f;
	struct flood v[4];
	int lfd = server(), c, s;

	forwarding_to(&f, "-L", port_of(lfd));
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	v[0] = (struct flood){ .fd = c, .n = SIZE, .seed = 1 };
	v[1] = (struct flood){ .fd = s, .n = SIZE, .seed = 2 };
	v[2] = (struct flood){ .fd = s, .seed = 1 };
	v[3] = (struct flood){ .fd = c, .seed = 2 };
	v[0].endh = v[1].endh = half_close;
	flood_start(v);
	flood_join(v);
	close(c);
	close(s);
	close(lfd);
	rig_close(&f.r);
}

static void test_many(void)
{
	enum { N = 400 };
	struct forwarding f;
	int lfd = server(), c[N], s[N];
	bool seen[N] = { false };

	forwarding_to(&f, "-L", port_of(lfd));
	for (int i = 0; i < N; i++) {
		uint32_t id = (uint32_t)i;

		c[i] = client(f.port);
		CU_ASSERT_EQUAL(send(c[i], &id, 4, 0), 4);
	}
	for (int i = 0; i < N; i++) {
		uint32_t id = 0;

		s[i] = accept(lfd, NULL, NULL);
		CU_ASSERT_EQUAL(recv(s[i], &id, 4, MSG_WAITALL), 4);
		CU_ASSERT_FATAL(id < N);
		CU_ASSERT_FALSE(seen[id]);
		seen[id] = true;
		CU_ASSERT_EQUAL(send(s[i], &id, 4, 0), 4);
	}
	for (int i = 0; i < N; i++) {
		uint32_t id = N;

		CU_ASSERT_EQUAL(recv(c[i], &id, 4, MSG_WAITALL), 4);
		CU_ASSERT_EQUAL(id, (uint32_t)i);
	}
	for (int i = 0; i < N; i++) {
		close(c[i]);
		expect_end(s[i]);
		close(s[i]);
	}
	close(lfd);
	rig_close(&f.r);
}

/* How large the kernel lets a TCP buffer of that kind grow. */
static size_t kernel_bound(const char *file)
{
	unsigned long n = 0;
	FILE *fp = fopen(file, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(fp);
	CU_ASSERT_EQUAL(fscanf(fp, "%*u %*u %lu", &n), 1);
	fclose(fp);
	return n;
}

/* A server that does not read stops its client, and no other. */
static void test_back_pressure(void)
{
	struct forwarding f;
	int lfd = server(), c, s, c2, s2, size = 65536, idle = 0;
	char buf[65536] = "x";
	size_t sent = 0, got = 0, bound = 4 << 20;
	ssize_t n;

	bound += kernel_bound("/proc/sys/net/ipv4/tcp_rmem") +
		kernel_bound("/proc/sys/net/ipv4/tcp_wmem");

	setsockopt(lfd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	forwarding_to(&f, "-L", port_of(lfd));
	c = client(f.port);
	setsockopt(c, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	s = accept(lfd, NULL, NULL);
	while (idle < 30 && sent < bound) {
		n = send(c, buf, sizeof buf, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		if (n <= 0)
			usleep(10000);
	}
	/* kernel buffers vary; what we hold is 256 KB at most */
	CU_ASSERT(sent > 100000);
	CU_ASSERT(sent < bound);
	c2 = client(f.port);
	s2 = accept(lfd, NULL, NULL);
	put(c2, "free");
	expect(s2, "free");
	shutdown(c, SHUT_WR);
	while ((n = recv(s, buf, sizeof buf, 0)) > 0)
		got += (size_t)n;
	CU_ASSERT_EQUAL(got, sent);
	close(c);
	close(s);
	/* a client that resets while its bytes are stuck */
	n = send(c2, buf, sizeof buf, MSG_DONTWAIT | MSG_NOSIGNAL);
	CU_ASSERT(n > 0);
	reset(c2);
	while ((n = recv(s2, buf, sizeof buf, 0)) > 0)
		;
	CU_ASSERT_EQUAL(n, -1);
	close(s2);
	close(lfd);
	rig_close(&f.r);
}

static void refused(char *const *argv, const char *allow, int err,
		    const char *why)
{
	struct forwarding f;

	forwarding_init(&f, argv, allow);
	rig_call(&f.r, &f.a, &f.b);
	CU_ASSERT(rig_until(&f.r, rig_a_done));
	CU_ASSERT_EQUAL(f.r.a.err, err);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.r.a.why, why));
	rig_close(&f.r);
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
		c = client(f.port);
		s = accept(lfd, NULL, NULL);
		put(c, "hi");
		expect(s, "hi");
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

static void test_deref(void)
{
	struct forwarding f;
	int lfd = server(), c[8], s[8];

	forwarding_to(&f, "-L", port_of(lfd));
	for (int i = 0; i < 8; i++) {
		c[i] = client(f.port);
		s[i] = accept(lfd, NULL, NULL);
		put(c[i], "x");
		expect(s[i], "x");
	}
	rig_close(&f.r);
	for (int i = 0; i < 8; i++) {
		expect_reset(c[i]);
		expect_reset(s[i]);
		close(c[i]);
		close(s[i]);
	}
	/* its port is free again */
	forwarding_to(&f, "-L", port_of(lfd));
	rig_close(&f.r);
	close(lfd);
}

static int udp_socket(uint16_t *port, uint16_t to)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct timeval tv = { .tv_sec = 10 };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
				   sizeof tv), 0);
	if (port)
		*port = port_of(fd);
	sin.sin_port = htons(to);
	if (to)
		CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sin,
					sizeof sin), 0);
	return fd;
}

/* One packet there and back, of n bytes. */
static void echo(int c, int s, size_t n)
{
	static uint8_t out[20000], in[20000];
	struct sockaddr_in from;
	socklen_t len = sizeof from;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(i * 7 + n);
	CU_ASSERT_EQUAL(send(c, out, n, 0), (ssize_t)n);
	CU_ASSERT_EQUAL(recvfrom(s, in, sizeof in, 0,
				 (struct sockaddr *)&from, &len), (ssize_t)n);
	CU_ASSERT_EQUAL(memcmp(in, out, n), 0);
	CU_ASSERT_EQUAL(sendto(s, out, n, 0, (struct sockaddr *)&from, len),
			(ssize_t)n);
	CU_ASSERT_EQUAL(recv(c, in, sizeof in, 0), (ssize_t)n);
	CU_ASSERT_EQUAL(memcmp(in, out, n), 0);
}

static void test_udp(void)
{
	static const char *const opts[] = { "-L", "-R" };
	struct forwarding f;
	char spec[64];
	uint16_t port;
	int s = udp_socket(&port, 0), c[20];

	snprintf(spec, sizeof spec, "udp:0:127.0.0.1:%u", port);
	for (int k = 0; k < 2; k++) {
		forwarding_open(&f, ARGV((char *)opts[k], spec),
				"127.0.0.1:* listen:*:*");
		CU_ASSERT_NOT_EQUAL(f.port, 0);
		for (int i = 0; i < 20; i++)
			c[i] = udp_socket(NULL, f.port);
		for (int i = 0; i < 60; i++)
			echo(c[i % 20], s, 1 + 800 * (size_t)(i / 3));
		for (int i = 0; i < 20; i++)
			close(c[i]);
		rig_close(&f.r);
	}
	close(s);
	refused(ARGV("udp:0:127.0.0.1:53"), "127.0.0.1:54", EACCES,
		"not allowed");
}

static char status_a[256], status_b[256];

static void status_handler(void *arg)
{
	struct rig *r = arg;

	(void)re_snprintf(status_a, sizeof status_a, "%H", r->kind->status,
			  r->a.t);
	(void)re_snprintf(status_b, sizeof status_b, "%H", r->kind->status,
			  r->b.t);
}

/* Do both sides count so many flows, of so many that there were? The second
 * look finds what the first turn of the loop has aged. */
static bool flows(struct rig *r, unsigned now, unsigned all)
{
	char text[64];

	snprintf(text, sizeof text, " udp=%u udp_flows=%u ", now, all);
	for (int i = 0; i < 100; i++) {
		fake_call(r->loop, status_handler, r);
		if (strstr(status_a, text) && strstr(status_b, text))
			return true;
		usleep(10000);
	}
	printf("%s\n%s\n", status_a, status_b);
	return false;
}

static void later(struct rig *r, int seconds)
{
	atomic_fetch_add(&ahead, seconds);
	fake_call(r->loop, status_handler, r);  /* it looks at its clock */
}

/* A flow that is idle for two minutes is forgotten at both sides, one that is
 * used is not; who comes back has a new one. */
static void test_udp_age(void)
{
	struct forwarding f;
	char spec[64];
	uint16_t port;
	int s = udp_socket(&port, 0), c[2];

	snprintf(spec, sizeof spec, "udp:0:127.0.0.1:%u", port);
	forwarding_open(&f, ARGV("-L", spec), "127.0.0.1:*");
	for (int i = 0; i < 2; i++) {
		c[i] = udp_socket(NULL, f.port);
		echo(c[i], s, 100);
	}
	later(&f.r, 100);
	CU_ASSERT(flows(&f.r, 2, 2));
	echo(c[0], s, 100);
	later(&f.r, 100);
	CU_ASSERT(flows(&f.r, 1, 2));
	echo(c[0], s, 100);
	CU_ASSERT(flows(&f.r, 1, 2));
	echo(c[1], s, 100);
	CU_ASSERT(flows(&f.r, 2, 3));
	later(&f.r, 200);
	CU_ASSERT(flows(&f.r, 0, 3));
	close(c[0]);
	close(c[1]);
	close(s);
	rig_close(&f.r);
}

/* UDP ASSOCIATE: two targets by one client, and the end with its TCP. Its
 * flows age as others do, the association does not. */
static void test_associate(void)
{
	static const uint8_t ask[] = { 5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0 };
	uint8_t reply[12], pkt[32] = { 0, 0, 0, 1, 127, 0, 0, 1 }, in[64];
	struct forwarding f;
	uint16_t port[2];
	struct sockaddr_in from;
	socklen_t len;
	int s[2] = { udp_socket(&port[0], 0), udp_socket(&port[1], 0) };
	int c, u;

	forwarding_open(&f, ARGV("-D", "0"), "127.0.0.1:*");
	c = client(f.port);
	CU_ASSERT_EQUAL(send(c, ask, sizeof ask, 0), (ssize_t)sizeof ask);
	CU_ASSERT_EQUAL(recv(c, reply, 12, MSG_WAITALL), 12);
	CU_ASSERT_EQUAL(reply[1], 0);
	CU_ASSERT_EQUAL(reply[3], 0);
	CU_ASSERT_EQUAL(memcmp(reply + 5, "\1\177\0\0\1", 5), 0);
	u = udp_socket(NULL, (uint16_t)(reply[10] << 8 | reply[11]));
	for (int i = 0; i < 8; i++) {
		if (i == 4) {
			CU_ASSERT(flows(&f.r, 2, 2));
			later(&f.r, 200);
			CU_ASSERT(flows(&f.r, 0, 2));
		}
		pkt[8] = (uint8_t)(port[i % 2] >> 8);
		pkt[9] = (uint8_t)port[i % 2];
		memcpy(pkt + 10, "hello", 5);
		CU_ASSERT_EQUAL(send(u, pkt, 15, 0), 15);
		len = sizeof from;
		CU_ASSERT_EQUAL(recvfrom(s[i % 2], in, sizeof in, 0,
					 (struct sockaddr *)&from, &len), 5);
		CU_ASSERT_EQUAL(sendto(s[i % 2], "there", 5, 0,
				       (struct sockaddr *)&from, len), 5);
		CU_ASSERT_EQUAL(recv(u, in, sizeof in, 0), 15);
		CU_ASSERT_EQUAL(memcmp(in, pkt, 10), 0);
		CU_ASSERT_EQUAL(memcmp(in + 10, "there", 5), 0);
	}
	CU_ASSERT(flows(&f.r, 2, 4));
	close(c);
	/* its port is gone when the kernel says so */
	for (int i = 0; i < 500 && send(u, pkt, 15, 0) == 15; i++)
		usleep(10000);
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
	close(u);
	close(s[0]);
	close(s[1]);
	rig_close(&f.r);
}

static void down_handler(void *arg)
{
	fakeflow_down(arg, ETIMEDOUT);
}

static void test_lost(void)
{
	struct forwarding f;
	int lfd = server(), c, s;

	forwarding_to(&f, "-L", port_of(lfd));
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	put(c, "x");
	expect(s, "x");
	fake_call(f.r.loop, down_handler, f.r.a.flow);
	rig_wait(&f.r);
	CU_ASSERT_EQUAL(f.r.a.err, ETIMEDOUT);
	expect_reset(c);
	expect_reset(s);
	close(c);
	close(s);
	close(lfd);
	rig_close(&f.r);
}

/* A peer that does not keep to the rules: records by hand, to the one side
 * or the other. */
struct liar {
	struct flow *flow;
	struct mbuf *mb;
	struct stream *s;
	int err;
	uint64_t code;
	bool over;
};

static void liar_close(struct stream *s, int err, uint64_t code, void *arg)
{
	struct liar *l = arg;

	(void)s;
	rig_lock();
	l->s = NULL;
	l->err = err;
	l->code = code;
	l->over = true;
	rig_unlock();
}

static void lie_handler(void *arg)
{
	static const struct stream_handlers h = { .closeh = liar_close };
	struct liar *l = arg;

	CU_ASSERT_EQUAL(stream_open(&l->s, l->flow, 0, &h, l), 0);
	(void)stream_write(l->s, l->mb->buf, l->mb->end);
}

static struct liar *liar_now;

static bool lie_over(struct rig *r)
{
	(void)r;
	return liar_now->over;
}

/* Tell it; returns what the stream was reset with. */
static int lie(struct rig *r, struct flow *flow, uint8_t type,
	       const void *body, size_t n)
{
	struct liar l = { .flow = flow, .mb = mbuf_alloc(64) };
	uint8_t hdr[RECORD_HDR];

	liar_now = &l;
	record_header(hdr, type, (uint32_t)n);
	(void)mbuf_write_mem(l.mb, hdr, sizeof hdr);
	if (n)
		(void)mbuf_write_mem(l.mb, body, n);
	fake_call(r->loop, lie_handler, &l);
	CU_ASSERT(rig_until(r, lie_over));
	CU_ASSERT_EQUAL(l.err, ECONNRESET);
	mem_deref(l.mb);
	return record_code_errno(l.code);
}

static int lie_connect(struct rig *r, struct flow *flow,
		       enum fwwire_target target, uint32_t id,
		       const char *host, uint16_t port)
{
	struct mbuf *mb = mbuf_alloc(64);
	struct fwwire w = { .type = FWW_CONNECT, .target = target, .id = id,
			    .port = port };
	int err;

	str_ncpy(w.host, host, sizeof w.host);
	(void)fwwire_encode(mb, &w);
	err = lie(r, flow, FWW_CONNECT, mb->buf, mb->end);
	mem_deref(mb);
	return err;
}

static void test_liar(void)
{
	static const uint8_t junk[64] = { 0xff, 1, 2, 3 };
	struct forwarding f;
	uint16_t port = free_port();

	forwarding_to(&f, "-L", port);
	/* to the callee: what its rules do not name */
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 0,
				    "127.0.0.2", 80), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 1,
				    "0.0.0.0", 80), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 0,
				    "127.0.0.1", port), ECONNREFUSED);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 0, "", 80),
			EINVAL);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_LISTENER, 0, "",
				    0), EINVAL);
	/* to the caller: anything but one of its own -R */
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.b.flow, FWW_TCP, 0,
				    "127.0.0.1", port), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.b.flow, FWW_LISTENER, 0, "",
				    0), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.b.flow, FWW_LISTENER,
				    4000000000, "", 0), EACCES);
	/* a second stream of orders; nonsense */
	CU_ASSERT_NOT_EQUAL(lie(&f.r, f.r.a.flow, FWW_HELLO, "\1", 1), 0);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, FWW_CONNECT, junk, 64),
			ENOTSUP);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, FWW_CONNECT, junk, 6),
			EBADMSG);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, 77, junk, 3), ENOTSUP);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, 0, junk, 3), EBADMSG);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, FWW_ANSWER, junk, 64),
			EBADMSG);
	CU_ASSERT_FALSE(f.r.a.done);
	CU_ASSERT_FALSE(f.r.b.done);
	rig_close(&f.r);
}

static void test_rate(void)
{
	struct forwarding f;
	int lfd = server();
	uint64_t t0, t1;
	char buf[64];

	if (!getenv("UNIT_TIMES"))
		return;
	forwarding_to(&f, "-L", port_of(lfd));
	t0 = clock_ns();
	for (int i = 0; i < 2000; i++) {
		int c = client(f.port), s = accept(lfd, NULL, NULL);

		put(c, "ping");
		expect(s, "ping");
		put(s, "pong");
		expect(c, "pong");
		close(c);
		close(s);
	}
	t1 = clock_ns();
	snprintf(buf, sizeof buf, "%llu", (unsigned long long)
		 (2000 * SEC / (t1 - t0)));
	printf("%s connections a second\n", buf);
	close(lfd);
	rig_close(&f.r);
}

static int words_run(void *arg)
{
	struct forwarding *x = arg;

	return rig_words(&x->r, &x->a, &x->b);
}

static void test_no_memory(void)
{
	struct forwarding f;

	forwarding_init(&f, ARGV("0:wiki:80"), "wiki:80 127.0.0.1:22");
	FAIL_EACH(words_run, &f);
	rig_close(&f.r);
}

UNIT_SUITE("tunnels/forward",
	{ "specs", test_specs },
	{ "allow", test_allow },
	{ "local", test_local },
	{ "remote", test_remote },
	{ "reset", test_reset },
	{ "urgent", test_urgent },
	{ "abandoned", test_abandoned },
	{ "flood", test_flood },
	{ "many", test_many },
	{ "back_pressure", test_back_pressure },
	{ "refused", test_refused },
	{ "names", test_names },
	{ "udp", test_udp },
	{ "udp_age", test_udp_age },
	{ "associate", test_associate },
	{ "deref", test_deref },
	{ "lost", test_lost },
	{ "liar", test_liar },
	{ "rate", test_rate },
	{ "no_memory", test_no_memory })
