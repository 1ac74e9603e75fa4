/*
 * netif.c: interface addresses by netlink (RTM_GETADDR, RTM_GETLINK), chosen
 * and sorted. getifaddrs would not tell which are deprecated or temporary.
 * Called by paths.c, which keeps the result for all paths.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include "modules/path/netif.h"
#include "modules/path/nldump.h"

#ifndef IFA_PROTO               /* Linux 5.18 */
#define IFA_PROTO 11
#endif

enum {
	RAW_MAX = 256,          /* addresses that are looked at */
	OUR_PROTO = 0xd1,       /* tunnels/vpn/netlink.h marks its own */
};

enum { RANK_V6, RANK_V4, RANK_ULA, RANK_LINKLOCAL, RANK_LOOPBACK };

struct raw {
	struct netif v[RAW_MAX];
	size_t n;
	const char *filter;
};

static uint8_t rank(const struct sa *sa)
{
	const struct in6_addr *a6 = &sa->u.in6.sin6_addr;

	if (sa_af(sa) == AF_INET) {
		if (sa_in(sa) >> 24 == 127)
			return RANK_LOOPBACK;
		return sa_in(sa) >> 16 == 0xa9fe ? RANK_LINKLOCAL : RANK_V4;
	}
	if (IN6_IS_ADDR_LOOPBACK(a6))
		return RANK_LOOPBACK;
	if (IN6_IS_ADDR_LINKLOCAL(a6))
		return RANK_LINKLOCAL;
	return (a6->s6_addr[0] & 0xfe) == 0xfc ? RANK_ULA : RANK_V6;
}

struct addr_attrs {
	const struct nlattr *addr, *local;
	uint32_t flags;
	uint8_t proto;
};

static int addr_attr(const struct nlattr *at, void *arg)
{
	struct addr_attrs *v = arg;

	switch (mnl_attr_get_type(at)) {
	case IFA_ADDRESS:
		v->addr = at;
		break;
	case IFA_LOCAL:
		v->local = at;
		break;
	case IFA_PROTO:
		if (mnl_attr_validate(at, MNL_TYPE_U8) >= 0)
			v->proto = mnl_attr_get_u8(at);
		break;
	case IFA_FLAGS:
		if (mnl_attr_validate(at, MNL_TYPE_U32) >= 0)
			v->flags = mnl_attr_get_u32(at);
		break;
	}
	return MNL_CB_OK;
}

/* On a point-to-point link IFA_ADDRESS is the other end, IFA_LOCAL ours. */
static bool addr_decode_nl(struct netif *n, const struct addr_attrs *v)
{
	const struct nlattr *at = v->local ? v->local : v->addr;
	size_t len = at ? mnl_attr_get_payload_len(at) : 0;
	const uint8_t *p = at ? mnl_attr_get_payload(at) : NULL;

	if (len == 4) {
		sa_set_in(&n->addr, (uint32_t)p[0] << 24 | p[1] << 16 |
			  p[2] << 8 | p[3], 0);
		return true;
	}
	if (len != 16)
		return false;
	sa_set_in6(&n->addr, p, 0);
	if (IN6_IS_ADDR_LINKLOCAL(&n->addr.u.in6.sin6_addr))
		n->addr.u.in6.sin6_scope_id = n->index;
	return true;
}

static int addr_msg(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct raw *raw = arg;
	struct addr_attrs at = { .flags = ifa->ifa_flags };
	struct netif *n = &raw->v[raw->n];

	if (raw->n == RAW_MAX ||
	    mnl_attr_parse(nlh, sizeof *ifa, addr_attr, &at) < 0)
		return MNL_CB_OK;
	*n = (struct netif){ .index = ifa->ifa_index, .flags = at.flags };
	/* a path must not lead through a tunnel that it carries */
	if (at.proto == OUR_PROTO)
		return MNL_CB_OK;
	if (!addr_decode_nl(n, &at) ||
	    at.flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED))
		return MNL_CB_OK;
	n->rank = rank(&n->addr);
	raw->n++;
	return MNL_CB_OK;
}

static bool name_matches(const char *filter, const char *name)
{
	char buf[IF_NAMESIZE + 2];

	while (filter && *filter) {
		size_t n = strcspn(filter, ", ");

		if (n && n < sizeof buf) {
			memcpy(buf, filter, n);
			buf[n] = '\0';
			if (!fnmatch(buf, name, 0))
				return true;
		}
		filter += n + (filter[n] != '\0');
	}
	return false;
}

static int link_attr(const struct nlattr *at, void *arg)
{
	const char **name = arg;

	if (mnl_attr_get_type(at) == IFLA_IFNAME &&
	    mnl_attr_validate(at, MNL_TYPE_NUL_STRING) >= 0)
		*name = mnl_attr_get_str(at);
	return MNL_CB_OK;
}

static int link_msg(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct raw *raw = arg;
	const char *name = NULL;

	if (mnl_attr_parse(nlh, sizeof *ifi, link_attr, &name) < 0 || !name)
		return MNL_CB_OK;
	for (size_t i = 0; i < raw->n; i++) {
		struct netif *n = &raw->v[i];

		if (n->index != (unsigned)ifi->ifi_index)
			continue;
		str_ncpy(n->name, name, sizeof n->name);
		n->up = (ifi->ifi_flags & IFF_UP) &&
			(ifi->ifi_flags & IFF_RUNNING);
		n->named = name_matches(raw->filter, n->name);
	}
	return MNL_CB_OK;
}

static int read_all(struct raw *raw)
{
	int err = nldump(RTM_GETADDR, addr_msg, raw, &raw->n);

	return err ? err : nldump(RTM_GETLINK, link_msg, raw, NULL);
}

/* A temporary address beside a stable one of the same /64. */
static bool needless(const struct raw *raw, const struct netif *t)
{
	if (!(t->flags & IFA_F_TEMPORARY) || sa_af(&t->addr) != AF_INET6)
		return false;
	for (size_t i = 0; i < raw->n; i++) {
		const struct netif *n = &raw->v[i];

		if (n->index == t->index && sa_af(&n->addr) == AF_INET6 &&
		    !(n->flags & IFA_F_TEMPORARY) &&
		    !memcmp(&n->addr.u.in6.sin6_addr,
			    &t->addr.u.in6.sin6_addr, 8))
			return true;
	}
	return false;
}

static bool allowed(const struct raw *raw, const struct netif *n)
{
	return n->up && (!str_isset(raw->filter) || n->named) &&
		!needless(raw, n);
}

/* The worst rank that is let in: link-local and loopback only for want of
 * anything better. */
static uint8_t rank_limit(const struct raw *raw)
{
	uint8_t best = RANK_LOOPBACK;

	for (size_t i = 0; i < raw->n; i++)
		if (allowed(raw, &raw->v[i]))
			best = min(best, raw->v[i].rank);
	return best < RANK_LINKLOCAL ? RANK_ULA : best;
}

static int by_rank(const void *a, const void *b)
{
	const struct netif *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

int netif_list(struct netif v[NETIF_MAX], size_t *np, const char *filter)
{
	struct raw *raw = mem_zalloc(sizeof *raw, NULL);
	uint8_t limit;
	size_t n = 0;
	int err;

	if (!raw)
		return ENOMEM;
	raw->filter = filter;
	err = read_all(raw);
	if (err)
		goto out;
	limit = rank_limit(raw);
	qsort(raw->v, raw->n, sizeof raw->v[0], by_rank);
	for (size_t i = 0; i < raw->n && n < NETIF_MAX; i++) {
		const struct netif *x = &raw->v[i];

		if (allowed(raw, x) && (x->rank <= limit ||
				(x->named && x->rank == RANK_LOOPBACK)))
			v[n++] = *x;
	}
	*np = n;
 out:
	mem_deref(raw);
	return err;
}

int netif_source(struct sa *local, const struct sa *dst)
{
	int fd = socket(sa_af(dst), SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct sa to = *dst;

	if (fd < 0)
		return errno;
	/* no packet is sent; the port only must not be 0 */
	sa_set_port(&to, 9);
	local->len = sizeof local->u;
	if (connect(fd, &to.u.sa, to.len) ||
	    getsockname(fd, &local->u.sa, &local->len))
		err = errno;
	(void)close(fd);
	sa_set_port(local, 0);
	return err;
}

bool netif_hopeless(int err)
{
	switch (err) {
	case 0:
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENOMEM:
	case EPERM:             /* a full conntrack table says so, too */
	case ECONNREFUSED:      /* said by ICMP, which anybody can forge */
		return false;
	default:
		return true;
	}
}

bool netif_inside(const struct sa *sa)
{
	const struct in6_addr *a6 = &sa->u.in6.sin6_addr;
	uint32_t a = sa_in(sa);

	if (sa_af(sa) == AF_INET6)
		return IN6_IS_ADDR_LINKLOCAL(a6) ||
			(a6->s6_addr[0] & 0xfe) == 0xfc;
	return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
		a >> 16 == 0xa9fe || a >> 22 == 0x191 || a >> 24 == 127;
}
