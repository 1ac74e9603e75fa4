/*
 * vpnouter.c: host routes, marked as ours: one a peer, one a server.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/outside.h"
#include "sdp/base/recompat.h"
#include "tunnels/vpn/vpnimpl.h"
#include "tunnels/vpn/vpnouter.h"

void vpnouter_drop(struct vpnpeer *p)
{
	if (p->has_kept)
		(void)netlink_route_del(p->net->nl, &p->kept);
	p->has_kept = false;
}

/* EEXIST: it is there already, by another's doing. */
static int lead_around(struct vpnnet *net, const struct prefix *to,
		       struct netlink_route *r)
{
	const int index = tun_index(net->tun);
	int err = netlink_route_around(net->nl, to, index, r);

	if (err)
		return err;
	r->metric = NETLINK_KEEP | (uint32_t)index;
	return netlink_route_add(net->nl, r);
}

int vpnouter_keep(struct vpnpeer *p, const struct prefix *to)
{
	struct netlink_route r;
	int err;

	vpnouter_drop(p);
	err = lead_around(p->net, to, &r);
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

/* --- servers ----------------------------------------------------------- */

static struct netlink_route *kept_for(struct vpnnet *net,
				      const struct prefix *to)
{
	for (size_t i = 0; i < net->outsidec; i++)
		if (prefix_equal(&net->outsidev[i].dst, to))
			return &net->outsidev[i];
	return NULL;
}

/* One within the network itself is reached by nothing else. */
static void keep_server(struct vpnnet *net, const struct sa *sa)
{
	struct netlink_route *r, old;
	struct prefix to;

	if (prefix_of_sa(&to, sa) || prefixes_cover(&net->own, &to) ||
	    netlink_leads(net->nl, &to) != tun_index(net->tun))
		return;
	r = kept_for(net, &to);
	if (r) {
		old = *r;               /* its gateway has gone */
		(void)netlink_route_del(net->nl, &old);
	}
	else if (net->outsidec < VPN_OUTSIDE_MAX) {
		r = &net->outsidev[net->outsidec];
	}
	if (r && !lead_around(net, &to, r) &&
	    r == &net->outsidev[net->outsidec])
		++net->outsidec;
}

static void look_handler(void *arg)
{
	struct vpnnet *net = arg;
	struct sa v[VPN_OUTSIDE_MAX];
	const size_t n = outside_list(v, RE_ARRAY_SIZE(v));

	for (size_t i = 0; i < n; i++)
		keep_server(net, &v[i]);
	(void)timer_start(loop_timers(net->loop), &net->outside, SEC,
			  look_handler, net);
}

/* An exit is two halves, each longer than the host's own default route. */
static bool takes_all(const struct vpnpeer *p)
{
	for (size_t i = 0; i < p->routes.n; i++)
		if (p->routes.v[i].len <= 1)
			return true;
	return false;
}

void vpnouter_watch(struct vpnpeer *p)
{
	if (!p->net->exit && takes_all(p)) {
		p->net->exit = true;
		outside_exit(true);
	}
	look_handler(p->net);
}

void vpnouter_close(struct vpnnet *net)
{
	timer_stop(&net->outside);
	if (net->exit)
		outside_exit(false);
	while (net->outsidec)
		(void)netlink_route_del(net->nl,
					&net->outsidev[--net->outsidec]);
}
