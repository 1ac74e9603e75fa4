/*
 * vpnpeer.c: who is in a network: what is the peer's is in the table, and the
 * kernel leads it to the TUN.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/vpn/vpnimpl.h"
#include "tunnels/vpn/vpnouter.h"
#include "tunnels/vpn/vpnway.h"
#include "tunnels/vpn/vpnwhy.h"

static struct netlink_route route_to(const struct vpnpeer *p,
				     const struct prefix *dst)
{
	const struct netlink_route r = {
		.dst = *dst, .index = tun_index(p->net->tun)
	};

	return r;
}

static void peer_destructor(void *arg)
{
	struct vpnpeer *p = arg;

	if (!p->net)
		return;
	dgram_handle(p->dgram, NULL, NULL);
	list_unlink(&p->le);
	prefixtab_remove(p->net->tab, p);
	for (size_t i = 0; i < p->routes.n; i++) {
		const struct netlink_route r = route_to(p, &p->routes.v[i]);

		(void)netlink_route_del(p->net->nl, &r);
	}
	vpnouter_drop(p);
	mem_deref(p->fq);
	mem_deref(p->net);
}

/* Is it reached by the network's own prefix already? */
static bool on_link(const struct vpnnet *n, const struct prefix *p)
{
	return prefixes_cover(&n->own, p);
}

/* A route that this host cannot take is left out, and that is told. */
static int add_route(struct vpnpeer *p, const struct prefix *dst, char *why,
		     size_t size)
{
	const struct netlink_route r = route_to(p, dst);
	char where[16];
	int err;

	if (on_link(p->net, dst))
		return 0;
	if (dst->len > 1) {
		err = netlink_conflict(p->net->nl, dst, r.index, where);
		if (err == EADDRINUSE)
			return vpnwhy(why, size, 0, "The route to %H is not"
					" taken: %s leads there.",
					prefix_print, dst, where);
		if (err)
			return err;
	}
	err = netlink_route_add(p->net->nl, &r);
	if (err == EAFNOSUPPORT || err == EOPNOTSUPP || err == EACCES)
		return 0;               /* IPv6 is off here */
	if (err)
		return vpnwhy(why, size, err, "The route to %H cannot be"
				" set: %m.", prefix_print, dst, err);
	p->routes.v[p->routes.n++] = *dst;
	return 0;
}

static int own_prefixes(struct vpnpeer *p, const struct prefixes *ps,
			char *why, size_t size)
{
	int err = 0;

	for (size_t i = 0; i < ps->n && !err; i++) {
		const struct prefix net = prefix_net(&ps->v[i]);

		if (prefixtab_find(p->net->tab, net.v6, net.a) == p)
			continue;
		err = prefixtab_add(p->net->tab, &net, p);
		if (err == EEXIST)
			err = vpnwhy(why, size, err, "%H belongs to another"
				       " peer of this network.",
				       prefix_print, &net);
	}
	return err;
}

/* Nothing that we take may cover where the packets themselves go. */
static int check_outer(struct vpnpeer *p, const struct prefixes *addresses,
		       const struct prefixes *routes, char *why, size_t size)
{
	const struct sa *outer = dgram_outer(p->dgram);
	struct prefix to;
	int err;

	if (!outer || prefix_of_sa(&to, outer))
		return 0;
	if (prefixes_cover(addresses, &to) || on_link(p->net, &to))
		return vpnwhy(why, size, EADDRINUSE, "The network would"
				" cover %H, which it is reached by.",
				prefix_print, &to);
	if (!prefixes_cover(routes, &to))
		return 0;
	err = vpnouter_keep(p, &to);
	return err ? vpnwhy(why, size, err, "The way to %H cannot be kept"
			      " out of the tunnel: %m.", prefix_print, &to,
			      err) : 0;
}

int vpnpeer_join(struct vpnpeer **pp, struct vpnnet *n, struct dgram *d,
		 bool partial, const struct prefixes *addresses,
		 const struct prefixes *routes, char *why, size_t size)
{
	struct vpnpeer *p = mem_zalloc(sizeof *p, peer_destructor);
	int err;

	if (!p)
		return ENOMEM;
	*why = '\0';
	p->net = mem_ref(n);
	p->dgram = d;
	p->partial = partial;
	list_append(&n->peerl, &p->le, p);
	err = own_prefixes(p, addresses, why, size);
	if (!err)
		err = own_prefixes(p, routes, why, size);
	if (!err)
		err = check_outer(p, addresses, routes, why, size);
	for (size_t i = 0; i < addresses->n && !err; i++) {
		const struct prefix net = prefix_net(&addresses->v[i]);

		err = add_route(p, &net, why, size);
	}
	for (size_t i = 0; i < routes->n && !err; i++)
		err = add_route(p, &routes->v[i], why, size);
	if (err) {
		mem_deref(p);
		return err;
	}
	vpnway_open(p);
	if (p->routes.n)
		vpnouter_watch(p);
	vpnway_mtu(n);
	*pp = p;
	return 0;
}

const struct vpn_counters *vpnpeer_counters(const struct vpnpeer *p)
{
	return &p->c;
}
