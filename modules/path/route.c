/*
 * route.c: default routes by netlink (RTM_GETROUTE); libre does not list
 * those of IPv6. Called by mapper.c.
 */
#include <linux/rtnetlink.h>
#include "modules/path/nldump.h"
#include "modules/path/route.h"
#include "modules/path/wire.h"

struct found {
	struct route *v;
	size_t n;
};

static int attr(const struct nlattr *at, void *arg)
{
	struct route *r = arg;
	const uint8_t *p = mnl_attr_get_payload(at);
	size_t len = mnl_attr_get_payload_len(at);

	switch (mnl_attr_get_type(at)) {
	case RTA_GATEWAY:
		if (len == 4)
			sa_set_in(&r->gateway, wire_get32(p), 0);
		else if (len == 16)
			sa_set_in6(&r->gateway, p, 0);
		break;
	case RTA_OIF:
		if (mnl_attr_validate(at, MNL_TYPE_U32) >= 0)
			r->index = mnl_attr_get_u32(at);
		break;
	}
	return MNL_CB_OK;
}

static int msg(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct found *f = arg;
	struct route r = { .index = 0 };

	sa_init(&r.gateway, AF_UNSPEC);
	if (f->n == ROUTES_MAX || rt->rtm_dst_len ||
	    rt->rtm_type != RTN_UNICAST ||
	    mnl_attr_parse(nlh, sizeof *rt, attr, &r) < 0 ||
	    !sa_isset(&r.gateway, SA_ADDR) || !r.index)
		return MNL_CB_OK;
	if (sa_af(&r.gateway) == AF_INET6 && sa_is_linklocal(&r.gateway))
		r.gateway.u.in6.sin6_scope_id = r.index;
	f->v[f->n++] = r;
	return MNL_CB_OK;
}

int route_defaults(struct route v[ROUTES_MAX], size_t *np)
{
	struct found f = { v, 0 };
	int err = nldump(RTM_GETROUTE, msg, &f, &f.n);

	*np = f.n;
	return err;
}
