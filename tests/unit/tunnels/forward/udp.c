/*
 * udp.c: UDP by the tunnel forward, by SOCKS5 too: flows, and how they age.
 */
#include <stdatomic.h>
#include <sys/syscall.h>
#include "tests/unit/tunnels/forward/forwarding.h"

/* Two minutes pass when they are told to: libc's clock, put forward. */
static _Atomic int64_t ahead;           /* seconds */

int clock_gettime(clockid_t id, struct timespec *ts)
{
	const int err = (int)syscall(SYS_clock_gettime, id, ts);

	if (!err && id == CLOCK_MONOTONIC)
		ts->tv_sec += atomic_load(&ahead);
	return err;
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

UNIT_SUITE("forward/udp",
	{ "udp", test_udp },
	{ "udp_age", test_udp_age },
	{ "associate", test_associate })
