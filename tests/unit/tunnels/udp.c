/*
 * udp.c: batches on loopback with and without the kernel's help, both
 * families, addresses, a full socket, errors that are losses.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "tests/unit/unit.h"
#include "tunnels/flow/udp.h"

enum { SEG = 1200, SEGS = 40, TAIL = 300 };

struct got {
	size_t bytes, datagrams, calls;
	bool bad;
	struct sa src, local;
};

static uint8_t data[UDP_BATCH_MAX];

static void rxh(const struct udp_rx *rx, void *arg)
{
	struct got *g = arg;

	for (size_t pos = 0; pos < rx->len; pos += rx->seg) {
		size_t n = rx->len - pos < rx->seg ? rx->len - pos : rx->seg;

		if (g->bytes + n > sizeof data ||
		    memcmp(rx->buf + pos, data + g->bytes, n))
			g->bad = true;
		g->bytes += n;
		++g->datagrams;
	}
	++g->calls;
	g->src = rx->src;
	g->local = rx->local;
}

static void read_all(struct udp *u, struct got *g, size_t bytes)
{
	struct pollfd pfd = { .fd = udp_batch_fd(u), .events = POLLIN };

	while (g->bytes < bytes && poll(&pfd, 1, 2000) == 1)
		(void)udp_batch_read(u, rxh, g);
}

static void fill(void)
{
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 31 + i / 256);
}

static void batch(int af, unsigned txflags, unsigned rxflags)
{
	const size_t len = SEG * SEGS + TAIL;
	struct udp_to to = { .no_gso = false };
	struct udp *a = NULL, *b = NULL;
	struct got g = { .bytes = 0 };
	size_t done = 0;

	fill();
	if (udp_batch_open(&a, af, 0, txflags))
		return;         /* a host without IPv6 */
	CU_ASSERT_EQUAL_FATAL(udp_batch_open(&b, af, 0, rxflags), 0);
	(void)sa_set_str(&to.remote, af == AF_INET ? "127.0.0.1" : "::1",
			 udp_batch_port(b));
	(void)sa_set_str(&to.local, af == AF_INET ? "127.0.0.1" : "::1", 0);
	CU_ASSERT_EQUAL(udp_batch_write(a, &to, data, len, SEG, &done), 0);
	CU_ASSERT_EQUAL(done, len);
	read_all(b, &g, len);
	CU_ASSERT_EQUAL(g.bytes, len);
	CU_ASSERT_EQUAL(g.datagrams, SEGS + 1);
	CU_ASSERT_FALSE(g.bad);
	CU_ASSERT_EQUAL(sa_port(&g.src), udp_batch_port(a));
	CU_ASSERT(sa_cmp(&g.local, &to.remote, SA_ALL));
	CU_ASSERT(sa_cmp(&g.src, &to.local, SA_ADDR));
	if (!rxflags && !txflags)
		CU_ASSERT(g.calls < SEGS);
	mem_deref(a);
	mem_deref(b);
}

static void test_joined(void)
{
	batch(AF_INET, 0, 0);
	batch(AF_INET6, 0, 0);
}

static void test_singly(void)
{
	batch(AF_INET, UDP_NO_GSO, 0);
	batch(AF_INET, 0, UDP_NO_GRO);
	batch(AF_INET6, UDP_NO_GSO, UDP_NO_GRO);
}

/* As large as this user may have them: a burst of a long path fits. */
static void test_buffers(void)
{
	const int want = 8 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);
	static const struct {
		int force, plain;
	} v[] = { { SO_RCVBUFFORCE, SO_RCVBUF }, { SO_SNDBUFFORCE, SO_SNDBUF } };
	struct udp *u = NULL;

	CU_ASSERT_EQUAL_FATAL(udp_batch_open(&u, AF_INET, 0, 0), 0);
	for (int i = 0; i < 2; i++) {
		int may = 0, has = 0;
		socklen_t n = sizeof may;
		const bool forced = !setsockopt(fd, SOL_SOCKET, v[i].force,
						&want, sizeof want);

		if (!forced)
			CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, v[i].plain,
						   &want, sizeof want), 0);
		CU_ASSERT_EQUAL(getsockopt(fd, SOL_SOCKET, v[i].plain, &may,
					   &n), 0);
		CU_ASSERT_EQUAL(getsockopt(udp_batch_fd(u), SOL_SOCKET,
					   v[i].plain, &has, &n), 0);
		CU_ASSERT_EQUAL(has, may);
		CU_ASSERT(!forced || has >= want);
	}
	(void)close(fd);
	mem_deref(u);
}

/* 127.0.0.2 sends, though the socket is bound to any address */
static void test_source(void)
{
	struct udp_to to = { .no_gso = false };
	struct udp *a = NULL, *b = NULL;
	struct got g = { .bytes = 0 };
	size_t done;

	fill();
	CU_ASSERT_EQUAL_FATAL(udp_batch_open(&a, AF_INET, 0, 0), 0);
	CU_ASSERT_EQUAL_FATAL(udp_batch_open(&b, AF_INET, 0, 0), 0);
	(void)sa_set_str(&to.remote, "127.0.0.3", udp_batch_port(b));
	(void)sa_set_str(&to.local, "127.0.0.2", 0);
	CU_ASSERT_EQUAL(udp_batch_write(a, &to, data, 10, 10, &done), 0);
	CU_ASSERT_EQUAL(udp_batch_send1(a, &to.local, &to.remote, data + 10,
					5), 0);
	read_all(b, &g, 15);
	CU_ASSERT_EQUAL(g.datagrams, 2);
	CU_ASSERT(sa_cmp(&g.src, &to.local, SA_ADDR));
	CU_ASSERT(sa_cmp(&g.local, &to.remote, SA_ALL));
	mem_deref(a);
	mem_deref(b);
}

/* an error loses the packets and nothing else */
static void test_errors(void)
{
	struct udp_to to = { .no_gso = false };
	struct udp *a = NULL, *b = NULL;
	uint16_t port;
	size_t done = 0;

	CU_ASSERT_EQUAL_FATAL(udp_batch_open(&a, AF_INET, 0, 0), 0);
	CU_ASSERT_EQUAL_FATAL(udp_batch_open(&b, AF_INET, 0, 0), 0);
	port = udp_batch_port(b);
	CU_ASSERT_EQUAL(udp_batch_open(&b, AF_INET, udp_batch_port(a), 0),
			EADDRINUSE);
	mem_deref(b);
	/* nobody there: ICMP comes back, and no error of it */
	(void)sa_set_str(&to.remote, "127.0.0.1", port);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(udp_batch_write(a, &to, data, 5000, 1000,
						&done), 0);
	/* an address that is not ours */
	(void)sa_set_str(&to.local, "192.0.2.77", 0);
	CU_ASSERT(udp_batch_write(a, &to, data, 5000, 1000, &done) != 0);
	CU_ASSERT_EQUAL(done, 5000);
	to.no_gso = true;
	CU_ASSERT(udp_batch_write(a, &to, data, 5000, 1000, &done) != 0);
	CU_ASSERT_EQUAL(done, 5000);
	CU_ASSERT_EQUAL(udp_batch_write(a, &to, data, 5, 0, &done), EINVAL);
	CU_ASSERT_EQUAL(udp_batch_open(NULL, AF_INET, 0, 0), EINVAL);
	CU_ASSERT_EQUAL(udp_batch_open(&b, AF_UNIX, 0, 0), EINVAL);
	mem_deref(a);
}

/* A socket that somebody else has bound, of either family. */
static void test_adopt(void)
{
	static const char *const addrv[] = { "127.0.0.1", "::1" };

	for (int i = 0; i < 2; i++) {
		struct udp *u = NULL;
		struct sa sa;
		int fd;

		CU_ASSERT_EQUAL_FATAL(sa_set_str(&sa, addrv[i], 0), 0);
		fd = socket(sa_af(&sa), SOCK_DGRAM | SOCK_NONBLOCK, 0);
		CU_ASSERT_FATAL(fd >= 0);
		CU_ASSERT_EQUAL_FATAL(bind(fd, &sa.u.sa, sa.len), 0);
		CU_ASSERT_EQUAL(udp_batch_adopt(&u, sa_af(&sa), fd), 0);
		CU_ASSERT_EQUAL(udp_batch_fd(u), fd);
		CU_ASSERT(udp_batch_port(u) != 0);
		mem_deref(u);
	}
}

UNIT_SUITE("udp",
	{ "large buffers", test_buffers },
	{ "batches cut and joined by the kernel", test_joined },
	{ "batches without its help", test_singly },
	{ "source and local address", test_source },
	{ "errors", test_errors },
	{ "adopt", test_adopt })
