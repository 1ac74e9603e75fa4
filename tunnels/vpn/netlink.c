/*
 * netlink.c: rtnetlink by libmnl, one request and its answer at a time.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include "tunnels/vpn/netlink.h"

#ifndef IFA_PROTO               /* Linux 5.18 */
#define IFA_PROTO 11
#endif

enum { DUMP_TRIES = 16 };

struct netlink {
	struct mnl_socket *s;
	uint32_t seq;
	char buf[16384];
};

static void netlink_destructor(void *arg)
{
	struct netlink *n = arg;

	if (n->s)
		(void)mnl_socket_close(n->s);
}

int netlink_alloc(struct netlink **np)
{
	struct netlink *n = mem_zalloc(sizeof *n, netlink_destructor);
	const struct timeval wait = { 2, 0 };

	if (!n)
		return ENOMEM;
	n->s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->s || mnl_socket_bind(n->s, 0, MNL_SOCKET_AUTOPID)) {
		const int err = errno;

		mem_deref(n);
		return err;
	}
	(void)setsockopt(mnl_socket_get_fd(n->s), SOL_SOCKET, SO_RCVTIMEO,
			 &wait, sizeof wait);
	*np = n;
	return 0;
}

static struct nlmsghdr *request(struct netlink *n, uint16_t type,
				uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(n->buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++n->seq;
	return h;
}

/* Send it and read to the end of the answer. EINTR: what was to be listed has
 * changed meanwhile; the rest of that answer is left to the next request. */
static int ask(struct netlink *n, const struct nlmsghdr *h, mnl_cb_t cb,
	       void *arg)
{
	const unsigned port = mnl_socket_get_portid(n->s);
	const struct nlmsghdr *got = (const void *)n->buf;
	int code = MNL_CB_OK;

	if (mnl_socket_sendto(n->s, h, h->nlmsg_len) < 0)
		return errno;
	while (code > MNL_CB_STOP) {
		const ssize_t len = mnl_socket_recvfrom(n->s, n->buf,
							sizeof n->buf);
		if (len < 0)
			return errno;
		if ((size_t)len >= sizeof *got && got->nlmsg_seq != n->seq)
			continue;
		code = mnl_cb_run(n->buf, (size_t)len, n->seq, port, cb, arg);
	}
	return code < 0 ? errno : 0;
}

static uint8_t family(const struct prefix *p)
{
	return p->v6 ? AF_INET6 : AF_INET;
}

static size_t size(const struct prefix *p)
{
	return p->v6 ? 16 : 4;
}

/* No link-local addresses: there is no link. A host without IPv6 refuses. */
static void no_linklocal(struct netlink *n, int index)
{
	struct nlmsghdr *h = request(n, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);
	struct nlattr *spec, *v6;

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	v6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE,
			IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, v6);
	mnl_attr_nest_end(h, spec);
	(void)ask(n, h, NULL, NULL);
}

int netlink_up(struct netlink *n, int index, size_t mtu)
{
	struct nlmsghdr *h;
	struct ifinfomsg *ifi;

	no_linklocal(n, index);
	h = request(n, RTM_NEWLINK, NLM_F_ACK);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	mnl_attr_put_u32(h, IFLA_MTU, (uint32_t)mtu);
	return ask(n, h, NULL, NULL);
}

int netlink_address(struct netlink *n, int index, const struct prefix *p)
{
	struct nlmsghdr *h = request(n, RTM_NEWADDR, NLM_F_ACK |
				     NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof *ifa);

	ifa->ifa_family = family(p);
	ifa->ifa_prefixlen = p->len;
	ifa->ifa_index = (unsigned)index;
	ifa->ifa_flags = p->v6 ? IFA_F_NODAD : 0;
	mnl_attr_put(h, IFA_LOCAL, size(p), p->a);
	mnl_attr_put(h, IFA_ADDRESS, size(p), p->a);
	mnl_attr_put_u8(h, IFA_PROTO, NETLINK_PROTO);
	return ask(n, h, NULL, NULL);
}

static int route(struct netlink *n, uint16_t type, uint16_t flags,
		 const struct netlink_route *r)
{
	struct nlmsghdr *h = request(n, type, (uint16_t)(NLM_F_ACK | flags));
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);

	rt->rtm_family = family(&r->dst);
	rt->rtm_dst_len = r->dst.len;
	rt->rtm_table = RT_TABLE_MAIN;
	rt->rtm_protocol = NETLINK_PROTO;
	rt->rtm_scope = r->has_via || r->dst.v6 ? RT_SCOPE_UNIVERSE :
						  RT_SCOPE_LINK;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, size(&r->dst), r->dst.a);
	if (r->has_via)
		mnl_attr_put(h, RTA_GATEWAY, size(&r->dst), r->via);
	if (r->index)
		mnl_attr_put_u32(h, RTA_OIF, (uint32_t)r->index);
	if (r->metric)
		mnl_attr_put_u32(h, RTA_PRIORITY, r->metric);
	return ask(n, h, NULL, NULL);
}

int netlink_route_add(struct netlink *n, const struct netlink_route *r)
{
	return route(n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, r);
}

int netlink_route_del(struct netlink *n, const struct netlink_route *r)
{
	return route(n, RTM_DELROUTE, 0, r);
}

/* --- what there is ----------------------------------------------------- */

struct entry {
	struct netlink_route r;
	uint8_t protocol, type, scope;
	uint32_t table;
};

static int attr_cb(const struct nlattr *at, void *arg)
{
	struct entry *e = arg;
	const size_t len = mnl_attr_get_payload_len(at);
	const void *p = mnl_attr_get_payload(at);

	switch (mnl_attr_get_type(at)) {
	case RTA_DST:
		if (len == size(&e->r.dst))
			memcpy(e->r.dst.a, p, len);
		break;
	case RTA_GATEWAY:
		if (len == size(&e->r.dst)) {
			memcpy(e->r.via, p, len);
			e->r.has_via = true;
		}
		break;
	case RTA_OIF:
		if (len == 4)
			e->r.index = (int)mnl_attr_get_u32(at);
		break;
	case RTA_PRIORITY:
		if (len == 4)
			e->r.metric = mnl_attr_get_u32(at);
		break;
	case RTA_TABLE:
		if (len == 4)
			e->table = mnl_attr_get_u32(at);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static bool read_entry(struct entry *e, const struct nlmsghdr *h)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);

	memset(e, 0, sizeof *e);
	if (h->nlmsg_type != RTM_NEWROUTE ||
	    (rt->rtm_family != AF_INET && rt->rtm_family != AF_INET6))
		return false;
	e->r.dst.v6 = rt->rtm_family == AF_INET6;
	e->r.dst.len = rt->rtm_dst_len;
	e->protocol = rt->rtm_protocol;
	e->type = rt->rtm_type;
	e->scope = rt->rtm_scope;
	e->table = rt->rtm_table;
	return mnl_attr_parse(h, sizeof *rt, attr_cb, e) >= 0;
}

static int get_cb(const struct nlmsghdr *h, void *arg)
{
	struct entry *e = arg;

	(void)read_entry(e, h);
	return MNL_CB_STOP;
}

static int dump_family(struct netlink *n, uint8_t af, mnl_cb_t cb, void *arg)
{
	struct nlmsghdr *h = request(n, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);
	int err;

	rt->rtm_family = af;
	err = ask(n, h, cb, arg);
	return err == EAFNOSUPPORT || err == EOPNOTSUPP ? 0 : err;
}

/* A route may be shown to cb twice. */
static int dump(struct netlink *n, mnl_cb_t cb, void *arg)
{
	static const uint8_t familyv[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (size_t i = 0; i < sizeof familyv && !err; i++) {
		err = EINTR;
		for (int k = 0; k < DUMP_TRIES && err == EINTR; k++)
			err = dump_family(n, familyv[i], cb, arg);
	}
	return err;
}

static int route_get(struct netlink *n, const struct prefix *to,
		     struct netlink_route *r)
{
	struct nlmsghdr *h = request(n, RTM_GETROUTE, 0);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(h, sizeof *rt);
	struct entry e;
	int err;

	memset(&e, 0, sizeof e);
	rt->rtm_family = family(to);
	rt->rtm_dst_len = (uint8_t)(8 * size(to));
	mnl_attr_put(h, RTA_DST, size(to), to->a);
	err = ask(n, h, get_cb, &e);
	if (!err && (!e.r.index || e.type != RTN_UNICAST))
		err = ENETUNREACH;
	if (err)
		return err;
	*r = e.r;
	r->dst = prefix_host(to);
	r->metric = 0;
	return 0;
}

int netlink_leads(struct netlink *n, const struct prefix *to)
{
	struct netlink_route r;

	return route_get(n, to, &r) ? 0 : r.index;
}

struct around {
	const struct prefix *to;
	int except;
	bool found;
	struct netlink_route best;
};

static int around_cb(const struct nlmsghdr *h, void *arg)
{
	struct around *a = arg;
	struct entry e;

	if (!read_entry(&e, h) || e.table != RT_TABLE_MAIN ||
	    e.type != RTN_UNICAST || !e.r.index || e.r.index == a->except ||
	    e.protocol == NETLINK_PROTO || !prefix_covers(&e.r.dst, a->to))
		return MNL_CB_OK;
	if (!a->found || e.r.dst.len > a->best.dst.len ||
	    (e.r.dst.len == a->best.dst.len &&
	     e.r.metric < a->best.metric))
		a->best = e.r;
	a->found = true;
	return MNL_CB_OK;
}

/* The kernel's own word, with all its rules, is the best; once our routes
 * are set it may be that very interface, and the table must tell. */
int netlink_route_around(struct netlink *n, const struct prefix *to,
			 int except, struct netlink_route *r)
{
	struct around a = { .to = to, .except = except };
	int err = route_get(n, to, r);

	if (!err && r->index != except)
		return 0;
	err = dump(n, around_cb, &a);
	if (!err && !a.found)
		err = ENETUNREACH;
	if (err)
		return err;
	*r = a.best;
	r->dst = prefix_host(to);
	r->metric = 0;
	return 0;
}

struct conflict {
	const struct prefix *p;
	int ours, found;
};

static bool overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

static int conflict_cb(const struct nlmsghdr *h, void *arg)
{
	struct conflict *c = arg;
	const struct prefix host = prefix_host(c->p);
	const struct prefix net = prefix_net(c->p);
	struct entry e;
	bool hit;

	if (!read_entry(&e, h) || e.r.index == c->ours || !e.r.dst.len)
		return MNL_CB_OK;
	if (e.type == RTN_LOCAL)
		hit = prefix_equal(&e.r.dst, &host);
	else if (e.type != RTN_UNICAST || e.table != RT_TABLE_MAIN ||
		 prefix_special(&e.r.dst))
		hit = false;
	else    /* the kernel's own are what interfaces are connected to */
		hit = prefix_equal(&e.r.dst, &net) ||
			(e.protocol == RTPROT_KERNEL &&
			 overlaps(&e.r.dst, &net));
	if (hit)
		c->found = e.r.index;
	return MNL_CB_OK;
}

int netlink_conflict(struct netlink *n, const struct prefix *p, int ours,
		     char where[16])
{
	struct conflict c = { p, ours, 0 };
	int err = dump(n, conflict_cb, &c);

	if (err || !c.found)
		return err;
	if (!if_indextoname((unsigned)c.found, where))
		(void)str_ncpy(where, "another", 16);
	return EADDRINUSE;
}

struct leftover {
	size_t n;
	struct netlink_route v[PREFIXES_MAX];
};

static int leftover_cb(const struct nlmsghdr *h, void *arg)
{
	struct leftover *l = arg;
	char name[IF_NAMESIZE];
	struct entry e;

	if (read_entry(&e, h) && e.protocol == NETLINK_PROTO &&
	    (e.r.metric & 0xff000000) == NETLINK_KEEP &&
	    !if_indextoname(e.r.metric & 0xffffff, name) &&
	    l->n < PREFIXES_MAX)
		l->v[l->n++] = e.r;
	return MNL_CB_OK;
}

int netlink_clean(struct netlink *n)
{
	struct leftover *l = mem_zalloc(sizeof *l, NULL);
	int err;

	if (!l)
		return ENOMEM;
	err = dump(n, leftover_cb, l);
	for (size_t i = 0; i < l->n; i++)
		(void)netlink_route_del(n, &l->v[i]);
	mem_deref(l);
	return err;
}
