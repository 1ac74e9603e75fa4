/*
 * Tests modules/path/netif.c in a network namespace of its own, where that
 * is allowed; elsewhere only that the host's own list can be read.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "modules/path/netif.h"
#include "tests/unit/libcfail.h"

/* Addresses of the namespace as one string, best first. */
static const char *list(const char *filter)
{
	static char text[512];
	struct netif v[NETIF_MAX];
	size_t n = 0;
	int used = 0;

	text[0] = '\0';
	if (netif_list(v, &n, filter))
		return "error";
	for (size_t i = 0; i < n; i++)
		used += re_snprintf(text + used, sizeof text - (size_t)used,
				    "%s%s=%j", i ? " " : "", v[i].name,
				    &v[i].addr);
	return text;
}

/* The kernel takes a while to see that a link is up. */
static int expect(const char *what, const char *filter, const char *want)
{
	const char *got = list(filter);

	for (int i = 0; i < 200 && strcmp(got, want); i++) {
		(void)usleep(10000);
		got = list(filter);
	}
	if (!strcmp(got, want))
		return 0;
	printf("netif: %s: got \"%s\", want \"%s\"\n", what, got, want);
	return 1;
}

static int sh(const char *cmd)
{
	return system(cmd) ? 1 : 0;
}

/* 77: no namespace to be had */
static int inside(void)
{
	int bad = 0;

	if (unshare(CLONE_NEWNET) || sh("ip link set lo up 2>/dev/null"))
		return 77;
	bad += expect("loopback alone", NULL, "lo=127.0.0.1 lo=::1");
	/* a kernel may lack dummy interfaces; what is up needs a peer */
	for (int i = 0; i < 2; i++) {
		char cmd[128];

		(void)re_snprintf(cmd, sizeof cmd, "ip link add d%d type veth "
				  "peer name p%d", i, i);
		bad += sh(cmd);
		(void)re_snprintf(cmd, sizeof cmd, "for i in d%d p%d; do "
				  "ip link set $i addrgenmode none; done && "
				  "ip link set p%d up", i, i, i);
		bad += sh(cmd);
	}
	bad += sh("ip addr add 169.254.1.1/16 dev d0 && ip link set d0 up");
	bad += expect("link-local", "", "d0=169.254.1.1");
	bad += sh("ip addr add 192.0.2.1/24 dev d0");
	bad += sh("ip addr add fd00::1/64 dev d0 nodad");
	bad += sh("ip addr add 2001:db8::1/64 dev d0 nodad");
	bad += sh("ip addr add 2001:db8::2/64 dev d0 nodad preferred_lft 0");
	bad += sh("ip addr add 198.51.100.1/24 dev d1");
	bad += expect("order, nothing deprecated, nothing down", NULL,
		      "d0=2001:db8::1 d0=192.0.2.1 d0=fd00::1");
	bad += sh("ip addr add 203.0.113.1/32 dev lo");
	bad += expect("a router's own", NULL, "d0=2001:db8::1 "
		      "lo=203.0.113.1 d0=192.0.2.1 d0=fd00::1");
	bad += sh("ip link set d1 up");
	bad += expect("named", "d1", "d1=198.51.100.1");
	bad += expect("pattern", " x*, d?", "d0=2001:db8::1 d0=192.0.2.1 "
		      "d1=198.51.100.1 d0=fd00::1");
	bad += expect("loopback named", "d1,lo", "lo=203.0.113.1 "
		      "d1=198.51.100.1 lo=127.0.0.1 lo=::1");
	bad += expect("no such", "eth9", "");
	return bad ? 1 : 0;
}

static void test_namespace(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(inside());
	CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &status, 0) == pid);
	CU_ASSERT(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("skipped: netif: no network namespace to be had\n");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

static void test_here(void)
{
	struct netif v[NETIF_MAX];
	size_t n = 0;

	CU_ASSERT_EQUAL(netif_list(v, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT(sa_isset(&v[i].addr, SA_ADDR) && v[i].name[0]);
}

/* Ours and libmnl's; netif_source and the others take none. The C library's
 * qsort does without, if it must. */
static void test_no_memory(void)
{
	struct netif v[NETIF_MAX];
	size_t n, count = 0;
	int err;

	do {
		libc_fail_at((long)++count);
		err = netif_list(v, &n, NULL);
		libc_left = 0;
		CU_ASSERT(!err || (libc_done && err == ENOMEM));
	} while (libc_done);
	CU_ASSERT(count > 1 || !LIBCFAIL);
}

UNIT_SUITE("netif",
	{ "namespace", test_namespace },
	{ "here", test_here },
	{ "no memory", test_no_memory })
