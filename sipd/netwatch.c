/*
 * netwatch.c: a netlink socket in libre's loop; only that something changed
 * matters, who needs the addresses reads them.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <re.h>
#include "sdp/base/recompat.h"
#include "sipd/netwatch.h"

static const uint64_t quiet = 200 * MSEC;
static const unsigned groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_LINK;

struct netwatch {
	struct mnl_socket *nl;
	struct rc_fd rfd;
	struct timers *timers;
	struct timer timer;
	void (*changedh)(void *arg);
	void *arg;
};

static void netwatch_destructor(void *arg)
{
	struct netwatch *nw = arg;

	timer_stop(&nw->timer);
	if (nw->rfd.fd >= 0)
		rc_fd_close(&nw->rfd);
	if (nw->nl)
		(void)mnl_socket_close(nw->nl);
}

static void quiet_handler(void *arg)
{
	struct netwatch *nw = arg;

	nw->changedh(nw->arg);
}

/* An IPv6 address is announced again and again as its lifetime is renewed;
 * only what is new, gone or done with duplicate detection counts. */
static bool addr_matters(const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

	return !(ifa->ifa_flags & IFA_F_TENTATIVE);
}

/* Another way to everywhere: what has an address still may lead elsewhere. */
static bool route_matters(const struct nlmsghdr *nlh)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);

	return !rt->rtm_dst_len && rt->rtm_type == RTN_UNICAST;
}

/* IPv4 addresses and routes of an interface that is switched off go without
 * a word. */
static bool link_matters(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	return ifi->ifi_change & IFF_UP;
}

static int msg_handler(const struct nlmsghdr *nlh, void *data)
{
	struct netwatch *nw = data;
	bool matters;

	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:  matters = addr_matters(nlh); break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE: matters = route_matters(nlh); break;
	case RTM_NEWLINK:  matters = link_matters(nlh); break;
	default:           matters = false;
	}
	if (matters)
		(void)timer_start(nw->timers, &nw->timer, quiet,
				  quiet_handler, nw);
	return MNL_CB_OK;
}

static void fd_handler(int flags, void *arg)
{
	struct netwatch *nw = arg;
	char buf[8192];
	ssize_t n;
	(void)flags;

	n = recv(nw->rfd.fd, buf, sizeof buf, MSG_DONTWAIT);
	if (n < 0 && errno == ENOBUFS)  /* some were lost: assume a change */
		(void)timer_start(nw->timers, &nw->timer, quiet,
				  quiet_handler, nw);
	if (n > 0)
		(void)mnl_cb_run(buf, (size_t)n, 0, 0, msg_handler, nw);
}

int netwatch_alloc(struct netwatch **np, struct timers *timers,
		   void (*changedh)(void *arg), void *arg)
{
	struct netwatch *nw;
	int err;

	nw = mem_zalloc(sizeof *nw, netwatch_destructor);
	if (!nw)
		return ENOMEM;
	nw->rfd.fd = -1;
	nw->timers = timers;
	nw->changedh = changedh;
	nw->arg = arg;
	nw->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nw->nl || mnl_socket_bind(nw->nl, groups,
				       MNL_SOCKET_AUTOPID) < 0) {
		err = errno;
		goto out;
	}
	nw->rfd.fd = mnl_socket_get_fd(nw->nl);
	err = rc_fd_listen(&nw->rfd, FD_READ, fd_handler, nw);
	if (err)
		nw->rfd.fd = -1;
 out:
	if (err)
		mem_deref(nw);
	else
		*np = nw;
	return err;
}
