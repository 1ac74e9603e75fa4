/*
 * bind.c: two families on one port, where others have the second's.
 */
#include <errno.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "tests/unit/unit.h"
#include "tunnels/forward/fwbind.h"

enum { MANY = 32 };                     /* more than are tried */

/* So many times somebody is there before us, on IPv6. */
static int others, fdv[MANY], met;

static int real_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return (int)syscall(SYS_bind, fd, sa, len);
}

static void take(const struct sockaddr *sa, socklen_t len, int type)
{
	const int on = 1;
	const int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				   sizeof on), 0);
	/* it may be somebody else's indeed */
	(void)real_bind(fd, sa, len);
	fdv[met++] = fd;
}

int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	socklen_t size = sizeof(int);
	int type;

	if (sa->sa_family == AF_INET6 && met < others) {
		CU_ASSERT_EQUAL(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type,
					   &size), 0);
		take(sa, len, type);
	}
	return real_bind(fd, sa, len);
}

static void others_are(int n)
{
	while (met)
		close(fdv[--met]);
	others = n;
}

/* A port that the kernel has chosen is one that both have; one that a user
 * has named is taken, and so is any when there is none. */
static void one_port(int type)
{
	struct fwbind b;
	uint16_t port;

	others_are(3);
	CU_ASSERT_EQUAL(fwbind_open(&b, type, "localhost", 0), 0);
	port = sa_port(&b.addrv[0]);
	CU_ASSERT_NOT_EQUAL(port, 0);
	CU_ASSERT_EQUAL(b.n, 1 + (met > 0));
	fwbind_close(&b);
	if (!met) {
		printf("skipped: two families on one port: no IPv6 here\n");
		return;
	}
	CU_ASSERT_EQUAL(met, 3);
	CU_ASSERT_EQUAL(sa_port(&b.addrv[1]), port);
	CU_ASSERT_EQUAL(sa_af(&b.addrv[1]), AF_INET6);
	others_are(1);
	CU_ASSERT_EQUAL(fwbind_open(&b, type, "localhost", port), EADDRINUSE);
	CU_ASSERT_EQUAL(met, 1);
	CU_ASSERT_EQUAL(b.n, 0);
	others_are(MANY);
	CU_ASSERT_EQUAL(fwbind_open(&b, type, "*", 0), EADDRINUSE);
	CU_ASSERT(met > 3);
	CU_ASSERT_EQUAL(b.n, 0);
	others_are(0);
}

static void test_tcp(void)
{
	one_port(SOCK_STREAM);
}

static void test_udp(void)
{
	one_port(SOCK_DGRAM);
}

static void test_addrs(void)
{
	struct sa v[2];

	CU_ASSERT_EQUAL(fwbind_addrs(v, "localhost", 80), 2);
	CU_ASSERT_TRUE(sa_is_loopback(&v[0]) && sa_is_loopback(&v[1]));
	CU_ASSERT_EQUAL(fwbind_addrs(v, "*", 80), 2);
	CU_ASSERT_TRUE(sa_is_any(&v[0]) && sa_is_any(&v[1]));
	CU_ASSERT_EQUAL(fwbind_addrs(v, "10.0.0.1", 80), 1);
	CU_ASSERT_EQUAL(sa_port(&v[0]), 80);
	CU_ASSERT_EQUAL(fwbind_addrs(v, "nobody", 80), 0);
}

UNIT_SUITE("forward/bind",
	{ "tcp", test_tcp },
	{ "udp", test_udp },
	{ "addrs", test_addrs })
