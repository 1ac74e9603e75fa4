/*
 * nldump.c: one request, all its answers. Called by netif.c and route.c.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include "modules/path/nldump.h"

enum { TRIES = 16 };

static int dump(struct mnl_socket *nl, uint16_t type, mnl_cb_t cb, void *arg)
{
	char buf[16384] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen;
	int n;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof *gen);
	gen->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return errno;
	do {
		ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof buf);

		if (len < 0)
			return errno;
		n = mnl_cb_run(buf, (size_t)len, 1,
			       mnl_socket_get_portid(nl), cb, arg);
	} while (n > MNL_CB_STOP);
	return n < 0 ? errno : 0;
}

static int one(uint16_t type, mnl_cb_t cb, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return errno;
	err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? errno
		: dump(nl, type, cb, arg);
	(void)mnl_socket_close(nl);
	return err;
}

/* EINTR: it changed (NLM_F_DUMP_INTR), and some of it may be missing. */
int nldump(uint16_t type, mnl_cb_t cb, void *arg, size_t *n)
{
	int err = EINTR;

	for (int i = 0; i < TRIES && err == EINTR; i++) {
		if (n)
			*n = 0;
		err = one(type, cb, arg);
	}
	return err;
}
