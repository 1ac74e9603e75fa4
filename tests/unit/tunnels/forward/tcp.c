/*
 * tcp.c: TCP connections by the tunnel forward: they must not notice what is
 * between them: half-close, reset, urgent bytes, much, many, no reader.
 */
#include "tests/unit/tunnels/flood.h"
#include "tests/unit/tunnels/forward/forwarding.h"

static void expect_end(int fd)
{
	char c;

	CU_ASSERT_EQUAL(recv(fd, &c, 1, 0), 0);
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

static void test_reset(void)
{
	struct forwarding f;
	int lfd = server(), c, s;

	forwarding_to(&f, "-L", port_of(lfd));
	pass_one(&f, lfd, &c, &s);
	reset(c);
	expect_reset(s);
	close(s);
	pass_one(&f, lfd, &c, &s);
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
	CU_ASSERT_EQUAL(recv(c, buf, 1, MSG_PEEK), 1);
	close(c);
	expect_reset(s);
	close(s);
	/* the other way, in the middle of much */
	c = client(f.port);
	s = accept(lfd, NULL, NULL);
	CU_ASSERT_EQUAL(send(c, much, sizeof much, 0), sizeof much);
	CU_ASSERT_EQUAL(recv(s, buf, 1, MSG_PEEK), 1);
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

UNIT_SUITE("forward/tcp",
	{ "local", test_local },
	{ "remote", test_remote },
	{ "reset", test_reset },
	{ "urgent", test_urgent },
	{ "abandoned", test_abandoned },
	{ "flood", test_flood },
	{ "many", test_many },
	{ "back_pressure", test_back_pressure },
	{ "rate", test_rate })
