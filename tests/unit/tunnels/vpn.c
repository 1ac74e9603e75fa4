/*
 * vpn.c: tests the kind `vpn` with two hosts that are network namespaces
 * (vpnrig.h). Without the right to make those the words alone are tested.
 */
#include <linux/if_tun.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include "tests/unit/tunnels/vpnrig.h"

#ifndef TUN_F_USO4              /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static unsigned long unknown;   /* TUN_F_* that this kernel does not have */

/* Before the C library's. */
int ioctl(int fd, unsigned long request, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (request == TUNSETOFFLOAD && arg & unknown) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

/* --- words ------------------------------------------------------------- */

static void test_words(void)
{
	char *const bad[] = { (char *)"office", (char *)"dance" };
	char *const named[] = { (char *)"office" };
	char *const other[] = { (char *)"home" };
	const struct desc_media *m;
	struct pair p;

	pair_open(&p, NULL, office, "office 10.7.0.9 fd07::9");
	CU_ASSERT_EQUAL(negotiate(&p, named, 1), 0);
	m = p.answer->mediav;
	param(p.offer->mediav, "net", "office");
	param(m, "net", "office");
	param(m, "address", "10.7.0.9/24,fd07::9/64");
	param(m, "gateway", "10.7.0.1,fd07::1");
	param(m, "routes", "192.0.2.0/24");
	param(m, "dns", "10.7.0.1");
	pair_close(&p);
	pair_open(&p, NULL, office, "");
	CU_ASSERT_EQUAL(negotiate(&p, NULL, 0), 0);
	param(p.answer->mediav, "net", "office");
	pair_close(&p);
	pair_open(&p, NULL, office, "office");
	CU_ASSERT_EQUAL(negotiate(&p, other, 1), EACCES);
	pair_close(&p);
	pair_open(&p, NULL, office, "");
	CU_ASSERT_EQUAL(negotiate(&p, other, 1), EACCES);
	CU_ASSERT(strstr(p.why, "no network home") != NULL);
	pair_close(&p);
	pair_open(&p, NULL, NULL, "");
	CU_ASSERT_EQUAL(negotiate(&p, NULL, 0), EACCES);
	pair_close(&p);
	pair_open(&p, NULL, office, "");
	CU_ASSERT_EQUAL(negotiate(&p, bad, 2), EINVAL);
	CU_ASSERT(strstr(p.why, "dance") != NULL);
	pair_close(&p);
}

/* --- packets ----------------------------------------------------------- */

static int udp_bind(void *arg)
{
	const int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct timeval wait = { 2, 0 };
	const int no = 0, size = 4 << 20;
	struct sockaddr_in6 a;

	(void)arg;
	address(&a, "::");
	(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	CU_ASSERT_EQUAL(bind(s, (struct sockaddr *)&a, sizeof a), 0);
	return s;
}

/* Datagrams of one size, by the kernel's own segmentation too, then one that
 * must be fragmented. */
static void udp_through(const char *to)
{
	static uint8_t out[40000], in[40000];
	struct dial d = { to, SOCK_DGRAM };
	const int l = in_ns(FAR, udp_bind, NULL);
	const int s = in_ns(NEAR, connect_to, &d);
	const int seg = 1000;
	int n = 0;

	fill(out, sizeof out, 9);
	for (int i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(send(s, out + i, 700, 0), 700);
	for (int i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(recv(l, in, sizeof in, 0), 700);
		CU_ASSERT(!memcmp(in, out + i, 700));
	}
	if (!setsockopt(s, SOL_UDP, UDP_SEGMENT, &seg, sizeof seg) &&
	    send(s, out, 30500, 0) == 30500)
		for (; n < 31; n++) {
			const ssize_t len = n < 30 ? seg : 500;

			CU_ASSERT_EQUAL(recv(l, in, sizeof in, 0), len);
			CU_ASSERT(!memcmp(in, out + n * seg, (size_t)len));
		}
	close(s);
	close(l);
}

static void test_through(void)
{
	struct pair p;
	int before;

	if (!hosts())
		return;
	before = in_ns(NEAR, if_count, NULL);
	running(NULL, NULL, 0, &p);
	CU_ASSERT_EQUAL(in_ns(NEAR, if_count, NULL), before + 1);
	tcp_through("::ffff:10.7.0.1", 20000000);
	tcp_through("fd07::1", 20000000);
	udp_through("::ffff:10.7.0.1");
	udp_through("fd07::1");
	pair_close(&p);
	CU_ASSERT_EQUAL(in_ns(NEAR, if_count, NULL), before);
	CU_ASSERT_EQUAL(in_ns(FAR, if_count, NULL), before);
}

/* On kernels that know less and less of what tun.c asks for. */
static void test_offloads(void)
{
	static const unsigned long v[4] = {
		TUN_F_USO4 | TUN_F_USO6,
		TUN_F_USO4 | TUN_F_USO6 | TUN_F_TSO_ECN,
		TUN_F_USO4 | TUN_F_USO6 | TUN_F_TSO4 | TUN_F_TSO6,
		~0UL,
	};
	struct pair p;

	for (size_t i = 0; i < 4 && hosts(); i++) {
		unknown = v[i];
		running(NULL, NULL, 0, &p);
		tcp_through("::ffff:10.7.0.1", 2000000);
		tcp_through("fd07::1", 2000000);
		udp_through("::ffff:10.7.0.1");
		udp_through("fd07::1");
		pair_close(&p);
	}
	unknown = 0;
}

static void narrow_handler(void *arg)
{
	struct pair *p = arg;

	fakedgram_mtu(p->dgram[NEAR], 1195);
	fakedgram_mtu(p->dgram[FAR], 1195);
}

/* The path shrinks below what IPv6 asks for; some of it is lost and comes out
 * of order. */
static void rough_handler(void *arg)
{
	struct pair *p = arg;

	fakedgram_drop(p->dgram[NEAR], 1001);
	fakedgram_swap(p->dgram[FAR], 77);
}

static void test_rough(void)
{
	struct pair p;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &p);
	tcp_through("fd07::1", 1000000);
	fake_call(p.loop, narrow_handler, &p);
	tcp_through("::ffff:10.7.0.1", 2000000);
	tcp_through("fd07::1", 2000000);
	fake_call(p.loop, rough_handler, &p);
	tcp_through("::ffff:10.7.0.1", 2000000);
	pair_close(&p);
}

struct inject {
	struct pair *p;
	const char *source;
};

/* As from a peer that lies about its address. */
static void inject_handler(void *arg)
{
	const struct inject *in = arg;
	uint8_t b[28] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 9, 17 };

	CU_ASSERT_EQUAL(inet_pton(AF_INET, in->source, b + 12), 1);
	CU_ASSERT_EQUAL(inet_pton(AF_INET, "10.7.0.1", b + 16), 1);
	CU_ASSERT_EQUAL(dgram_put(in->p->dgram[NEAR], b, sizeof b), 0);
	memset(b, 0xff, sizeof b);
	CU_ASSERT_EQUAL(dgram_put(in->p->dgram[NEAR], b, sizeof b), 0);
}

static void test_liar(void)
{
	struct inject in = { .source = "10.7.0.200" };
	struct pair p;
	struct ask_status st;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &p);
	in.p = &p;
	fake_call(p.loop, inject_handler, &in);
	in.source = "192.0.2.9";
	fake_call(p.loop, inject_handler, &in);
	usleep(50000);
	st = (struct ask_status){ .p = &p, .i = FAR };
	fake_call(p.loop, status_handler, &st);
	CU_ASSERT(strstr(st.buf, "wrong-source=2 ") != NULL);
	CU_ASSERT(strstr(st.buf, "bad=2") != NULL);
	pair_close(&p);
}

/* A network that this host is in already is not joined. */
static void test_conflict(void)
{
	struct pair p, q;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &p);
	pair_open(&q, NULL, office, "");
	CU_ASSERT_EQUAL_FATAL(negotiate(&q, NULL, 0), 0);
	pair_start(&q);
	CU_ASSERT_TRUE(q.side[NEAR].done);
	CU_ASSERT_EQUAL(q.side[NEAR].err, EADDRINUSE);
	pair_close(&q);
	tcp_through("fd07::1", 100000);
	pair_close(&p);
}

UNIT_SUITE("vpn",
	   { "words", test_words },
	   { "through two kernels", test_through },
	   { "kernels that offload less", test_offloads },
	   { "a rough path", test_rough },
	   { "a liar", test_liar },
	   { "conflict", test_conflict })
