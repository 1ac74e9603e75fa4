/*
 * vpnouter.c: one host route a peer, marked as ours.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/vpn/vpnimpl.h"
#include "tunnels/vpn/vpnouter.h"

void vpnouter_drop(struct vpnpeer *p)
{
	if (p->has_kept)
		(void)netlink_route_del(p->net->nl, &p->kept);
	p->has_kept = false;
}

int vpnouter_keep(struct vpnpeer *p, const struct prefix *to)
{
	const int index = tun_index(p->net->tun);
	struct netlink_route r;
	int err;

	vpnouter_drop(p);
	err = netlink_route_around(p->net->nl, to, index, &r);
	if (err)
		return err;
	r.metric = NETLINK_KEEP | (uint32_t)index;
	err = netlink_route_add(p->net->nl, &r);
	if (err && err != EEXIST)
		return err;
	p->kept = r;
	p->has_kept = !err;
	return 0;
}

void vpnouter_moved(const struct sa *outer, void *arg)
{
	struct vpnpeer *p = arg;
	struct prefix to;

	if (!prefix_of_sa(&to, outer) && prefixes_cover(&p->routes, &to))
		(void)vpnouter_keep(p, &to);
}

bool vpnouter_looped(struct vpnpeer *p, bool v6, const uint8_t *dst)
{
	const uint64_t now = loop_now(p->net->loop);

	if (!p->has_kept || p->kept.dst.v6 != v6 ||
	    memcmp(p->kept.dst.a, dst, v6 ? 16 : 4))
		return false;
	p->c.dropped++;
	if (now - p->kept_at > SEC) {
		const struct prefix to = p->kept.dst;

		p->kept_at = now;
		(void)vpnouter_keep(p, &to);
		p->kept.dst = to;
		p->has_kept = true;
	}
	return true;
}
