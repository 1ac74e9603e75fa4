/*
 * vpnnet.c: the networks of a worker: made for the first who joins, gone with
 * the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/vpn/vpnimpl.h"
#include "tunnels/vpn/vpnouter.h"
#include "tunnels/vpn/vpnway.h"
#include "tunnels/vpn/vpnwhy.h"

enum { MTU_START = 1420 };

/* Of this worker: its thread alone knows them. */
static _Thread_local struct list netl;

static void net_destructor(void *arg)
{
	struct vpnnet *n = arg;

	list_unlink(&n->le);
	vpnouter_close(n);
	mem_deref(n->host);
	mem_deref(n->tun);
	mem_deref(n->nl);
	mem_deref(n->tab);
	mem_deref(n->pool);
	free(n->buf);
}

static int check_own(struct vpnnet *n, const struct prefix *p, char *why,
		     size_t size)
{
	char where[16] = "";
	int err;

	if (prefix_special(p))
		return vpnwhy(why, size, EINVAL, "%H is no address for a"
				" network.", prefix_print, p);
	err = netlink_conflict(n->nl, p, n->tun ? tun_index(n->tun) : 0,
			       where);
	return err == EADDRINUSE ?
		vpnwhy(why, size, err, "The network %H is in use here"
			 " already, at the interface %s.", prefix_print, p,
			 where) : err;
}

static bool has(const struct prefixes *ps, const struct prefix *p)
{
	for (size_t i = 0; i < ps->n; i++)
		if (prefix_equal(&ps->v[i], p))
			return true;
	return false;
}

static int add_own(struct vpnnet *n, const struct prefix *p, char *why,
		   size_t size)
{
	const struct prefix host = prefix_host(p);
	int err;

	if (has(&n->own, p))
		return 0;
	if (n->own.n == PREFIXES_MAX)
		return EOVERFLOW;
	err = prefixtab_add(n->tab, &host, &n->here);
	if (!err)
		err = netlink_address(n->nl, tun_index(n->tun), p);
	if (err)
		return vpnwhy(why, size, err, "%s cannot have the address"
				" %H: %m.", tun_name(n->tun), prefix_print,
				p, err);
	n->own.v[n->own.n++] = *p;
	return 0;
}

/* What we offer is here: forwarding, and NAT if that is wanted. */
static int open_gateway(struct vpnnet *n, const struct vpnset *s, char *why,
			size_t size)
{
	struct prefixes offered;
	int err = vpnset_offered(&offered, s);

	for (size_t i = 0; i < offered.n && !err; i++) {
		err = prefixtab_add(n->tab, &offered.v[i], &n->here);
		if (!err)
			err = hostnet_forward(n->host, offered.v[i].v6);
		/* a host without IPv6 offers what it has */
		if (err == ENOENT && offered.v[i].v6)
			err = 0;
		if (err)
			return vpnwhy(why, size, err, "The network %H"
					" cannot be offered: %m.",
					prefix_print, &offered.v[i], err);
	}
	if (err || !s->nat)
		return err;
	err = hostnet_nat(n->host, &s->pool);
	return err ? vpnwhy(why, size, err, err == ENOENT ?
			      "nat = yes needs the program nft." :
			      "nft does not take the rules for NAT.") : 0;
}

static int open_tun(struct vpnnet *n, const struct vpnset *s, char *why,
		    size_t size)
{
	int err = tun_open(&n->tun, n->loop, s->interface, vpnway_from_tun, n,
			   why, size);

	if (err)
		return err;
	n->co.tcp = tun_cuts_tcp(n->tun);
	n->co.udp = tun_cuts_udp(n->tun);
	n->mtu = n->mtu_max < MTU_START ? n->mtu_max : MTU_START;
	err = netlink_up(n->nl, tun_index(n->tun), n->mtu);
	if (!err)
		err = hostnet_alloc(&n->host, tun_name(n->tun));
	return err;
}

static int net_open(struct vpnnet *n, struct loop *l, const struct vpnset *s,
		    const struct prefixes *own, char *why, size_t size)
{
	int err;

	n->loop = l;
	(void)str_ncpy(n->name, s->name, sizeof n->name);
	n->peer_to_peer = s->peer_to_peer;
	n->mtu_max = s->mtu ? s->mtu : INNER_MAX;
	err = vpnway_init(n);
	if (!err)
		err = prefixtab_alloc(&n->tab);
	if (!err)
		err = netlink_alloc(&n->nl);
	if (err)
		return err;
	(void)netlink_clean(n->nl);
	for (size_t i = 0; i < own->n && !err; i++)
		err = check_own(n, &own->v[i], why, size);
	if (!err)
		err = open_tun(n, s, why, size);
	if (!err)
		err = open_gateway(n, s, why, size);
	return err;
}

static struct vpnnet *net_find(const char *name)
{
	for (struct le *le = netl.head; le; le = le->next) {
		struct vpnnet *n = le->data;

		if (*name && !strcmp(n->name, name))
			return n;
	}
	return NULL;
}

int vpnnet_get(struct vpnnet **np, struct loop *l, const struct vpnset *s,
	       const struct prefixes *own, char *why, size_t size)
{
	struct vpnnet *n = mem_ref(net_find(s->name));
	int err = 0;

	*why = '\0';
	if (!n) {
		n = mem_zalloc(sizeof *n, net_destructor);
		if (!n)
			return ENOMEM;
		err = net_open(n, l, s, own, why, size);
		if (!err)
			list_append(&netl, &n->le, n);
	}
	for (size_t i = 0; i < own->n && !err; i++)
		err = add_own(n, &own->v[i], why, size);
	if (err)
		mem_deref(n);
	else
		*np = n;
	return err;
}

const char *vpnnet_interface(const struct vpnnet *n)
{
	return tun_name(n->tun);
}

int vpnnet_dns(struct vpnnet *n, const struct prefixes *servers)
{
	int err;

	if (n->dns || !servers->n)
		return 0;
	err = hostnet_dns(n->host, servers);
	n->dns = !err;
	return err;
}
