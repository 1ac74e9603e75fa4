/*
 * vpnnet.c: the networks of a worker, and the way of each packet.
 *
 *   vpnnet (TUN, table of prefixes, coalesce) 1 -- n vpnpeer (dgram)
 *
 * The table says for each inner address who owns it: a peer, or &net->here
 * for what is ours or behind us. A packet from a peer must be from an address
 * of that peer, and to one that is here; nothing else gets in.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "tunnels/flow/loop.h"
#include "tunnels/vpn/coalesce.h"
#include "tunnels/vpn/hostnet.h"
#include "tunnels/vpn/netlink.h"
#include "tunnels/vpn/segment.h"
#include "tunnels/vpn/tun.h"
#include "tunnels/vpn/vpnnet.h"

enum {
	MTU_MIN = 1280,         /* IPv6 is off on anything below */
	MTU_START = 1420,
};

struct vpnnet {
	struct le le;
	struct loop *loop;
	char name[VPN_NAME_SIZE];
	struct tun *tun;
	struct netlink *nl;
	struct hostnet *host;
	struct prefixtab *tab;
	struct prefixes own;            /* our addresses */
	struct list peerl;              /* struct vpnpeer */
	struct coalesce co;
	struct segment seg;
	struct vpnpeer *to, *from;      /* of the packet in hand */
	size_t mtu, mtu_max;
	bool peer_to_peer;
	bool dns;
	int here;
};

struct vpnpeer {
	struct le le;
	struct vpnnet *net;
	struct dgram *dgram;
	bool partial;
	struct prefixes routes;         /* in the kernel, by us */
	struct netlink_route kept;      /* to its outer address */
	bool has_kept;
	uint64_t kept_at;
	struct vpn_counters c;
};

/* Of this worker: its thread alone knows them. */
static _Thread_local struct list netl;

static int complain(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}

/* --- the way outside --------------------------------------------------- */

static void drop_kept(struct vpnpeer *p)
{
	if (p->has_kept)
		(void)netlink_route_del(p->net->nl, &p->kept);
	p->has_kept = false;
}

/* A route for its outer address alone: longer than any other, and so before
 * those into the tunnel. */
static int keep_out(struct vpnpeer *p, const struct prefix *to)
{
	const int index = tun_index(p->net->tun);
	struct netlink_route r;
	int err;

	drop_kept(p);
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

static void outer_handler(const struct sa *outer, void *arg)
{
	struct vpnpeer *p = arg;
	struct prefix to;

	if (!prefix_of_sa(&to, outer) && prefixes_cover(&p->routes, &to))
		(void)keep_out(p, &to);
}

/* Our own packets have come to us: the way outside has changed, and took the
 * route with it. */
static bool looped(struct vpnpeer *p, bool v6, const uint8_t *dst)
{
	const uint64_t now = loop_now(p->net->loop);

	if (!p->has_kept || p->kept.dst.v6 != v6 ||
	    memcmp(p->kept.dst.a, dst, v6 ? 16 : 4))
		return false;
	p->c.dropped++;
	if (now - p->kept_at > SEC) {
		const struct prefix to = p->kept.dst;

		p->kept_at = now;
		(void)keep_out(p, &to);
		p->kept.dst = to;
		p->has_kept = true;
	}
	return true;
}

/* --- packets ----------------------------------------------------------- */

static int put_handler(const void *p, size_t n, void *arg)
{
	struct vpnnet *net = arg;
	struct vpnpeer *to = net->to;
	const int err = dgram_put(to->dgram, p, n);

	if (err) {
		to->c.dropped++;
		return err;
	}
	to->c.sent++;
	to->c.sent_bytes += n;
	return 0;
}

/* The answer goes to where the packet came from. */
static void toobig_handler(const void *p, size_t n, void *arg)
{
	struct vpnnet *net = arg;

	if (net->from)
		(void)dgram_put(net->from->dgram, p, n);
	else
		(void)tun_write_plain(net->tun, p, n);
}

static void send_to(struct vpnnet *net, struct vpnpeer *to,
		    struct vpnpeer *from, const struct virtio_net_hdr *vh,
		    uint8_t *p, size_t n)
{
	const size_t mtu = dgram_mtu(to->dgram);

	net->to = to;
	net->from = from;
	net->seg.partial = to->partial;
	net->seg.mtu = mtu < net->mtu_max ? mtu : net->mtu_max;
	if (segment_packet(&net->seg, vh, p, n) == EBADMSG)
		to->c.bad++;
}

static const uint8_t *source(const uint8_t *p, bool v6)
{
	return p + (v6 ? 8 : 12);
}

static const uint8_t *destination(const uint8_t *p, bool v6)
{
	return p + (v6 ? 24 : 16);
}

static void tun_handler(const struct virtio_net_hdr *vh, uint8_t *p, size_t n,
			void *arg)
{
	struct vpnnet *net = arg;
	const bool v6 = n && p[0] >> 4 == 6;
	void *owner;

	if (n < (v6 ? 40u : 20u) || (!v6 && p[0] >> 4 != 4))
		return;
	owner = prefixtab_find(net->tab, v6, destination(p, v6));
	if (!owner || owner == &net->here ||
	    looped(owner, v6, destination(p, v6)))
		return;
	send_to(net, owner, NULL, vh, p, n);
}

static void write_handler(const struct iovec *v, int n, void *arg)
{
	struct vpnnet *net = arg;

	if (tun_write(net->tun, v, n) && net->from)
		net->from->c.dropped += (uint64_t)n;
}

/* A packet for another peer: its checksum may have to be made here. */
static void pass_on(struct vpnpeer *from, struct vpnpeer *to, uint8_t *p,
		    const struct inner *in, bool partial)
{
	struct virtio_net_hdr vh = { 0 };
	struct vpnnet *net = from->net;

	if (to == from || !net->peer_to_peer) {
		from->c.denied++;
		return;
	}
	if (partial && (!to->partial || in->len > dgram_mtu(to->dgram)))
		inner_l4_sum(p, in);
	else if (partial)
		p[0] |= INNER_PARTIAL;
	if (p[0] & INNER_PARTIAL) {
		net->to = to;
		(void)put_handler(p, in->len, net);
	}
	else {
		send_to(net, to, from, &vh, p, in->len);
	}
}

/* The packet before had the same addresses, more often than not. */
struct last {
	const uint8_t *a;
	bool v6;
	void *to;
};

static bool same_as(const struct last *last, const uint8_t *p, bool v6)
{
	return last->a && last->v6 == v6 &&
		!memcmp(last->a, source(p, v6), v6 ? 32 : 8);
}

static void *judge(struct vpnpeer *peer, const uint8_t *p, bool v6)
{
	const struct vpnnet *net = peer->net;
	void *to;

	if (prefixtab_find(net->tab, v6, source(p, v6)) != peer) {
		peer->c.wrong_source++;
		return NULL;
	}
	to = prefixtab_find(net->tab, v6, destination(p, v6));
	if (!to)
		peer->c.denied++;
	return to;
}

static void receive(struct vpnpeer *peer, struct last *last, uint8_t *p,
		    size_t n)
{
	struct vpnnet *net = peer->net;
	const bool partial = n && p[0] & INNER_PARTIAL;
	struct inner in;
	void *to;

	if (partial && peer->partial)
		p[0] &= (uint8_t)~INNER_PARTIAL;
	if (inner_parse(&in, p, n) || (partial && !inner_can_partial(&in))) {
		peer->c.bad++;
		return;
	}
	peer->c.received++;
	peer->c.received_bytes += n;
	to = same_as(last, p, in.v6) ? last->to : judge(peer, p, in.v6);
	last->a = to ? source(p, in.v6) : NULL;
	last->v6 = in.v6;
	last->to = to;
	if (to == &net->here)
		coalesce_add(&net->co, p, &in, partial);
	else if (to)
		pass_on(peer, to, p, &in, partial);
}

static void recv_handler(struct iovec *v, size_t n, void *arg)
{
	struct vpnpeer *peer = arg;
	struct vpnnet *net = peer->net;
	struct last last = { 0 };

	for (size_t i = 0; i < n; i++)
		receive(peer, &last, v[i].iov_base, v[i].iov_len);
	net->from = peer;
	coalesce_flush(&net->co);
}

/* The interface takes what the widest path takes; the others answer for
 * themselves. */
static void set_mtu(struct vpnnet *net)
{
	size_t mtu = 0;

	for (struct le *le = net->peerl.head; le; le = le->next) {
		const struct vpnpeer *p = le->data;
		const size_t m = dgram_mtu(p->dgram);

		mtu = m > mtu ? m : mtu;
	}
	if (mtu > net->mtu_max)
		mtu = net->mtu_max;
	if (mtu < MTU_MIN)
		mtu = MTU_MIN;
	if (mtu != net->mtu &&
	    !netlink_up(net->nl, tun_index(net->tun), mtu))
		net->mtu = mtu;
}

static void mtu_handler(size_t mtu, void *arg)
{
	const struct vpnpeer *p = arg;
	(void)mtu;

	set_mtu(p->net);
}

/* --- the network ------------------------------------------------------- */

static void net_destructor(void *arg)
{
	struct vpnnet *n = arg;

	list_unlink(&n->le);
	mem_deref(n->host);
	mem_deref(n->tun);
	mem_deref(n->nl);
	mem_deref(n->tab);
}

static int check_own(struct vpnnet *n, const struct prefix *p, char *why,
		     size_t size)
{
	char where[16] = "";
	int err;

	if (prefix_special(p))
		return complain(why, size, EINVAL, "%H is no address for a"
				" network.", prefix_print, p);
	err = netlink_conflict(n->nl, p, n->tun ? tun_index(n->tun) : 0,
			       where);
	return err == EADDRINUSE ?
		complain(why, size, err, "The network %H is in use here"
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
		return complain(why, size, err, "%s cannot have the address"
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
			return complain(why, size, err, "The network %H"
					" cannot be offered: %m.",
					prefix_print, &offered.v[i], err);
	}
	if (err || !s->nat)
		return err;
	err = hostnet_nat(n->host, &s->pool);
	return err ? complain(why, size, err, err == ENOENT ?
			      "nat = yes needs the program nft." :
			      "nft does not take the rules for NAT.") : 0;
}

static int open_tun(struct vpnnet *n, const struct vpnset *s, char *why,
		    size_t size)
{
	int err = tun_open(&n->tun, n->loop, s->interface, tun_handler, n,
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
	n->co.writeh = write_handler;
	n->seg.puth = put_handler;
	n->seg.toobigh = toobig_handler;
	n->co.arg = n->seg.arg = n;
	n->seg.id = rand_u32();
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

/* --- a peer ------------------------------------------------------------ */

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
	drop_kept(p);
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
			return complain(why, size, 0, "The route to %H is not"
					" taken: %s leads there.",
					prefix_print, dst, where);
		if (err)
			return err;
	}
	err = netlink_route_add(p->net->nl, &r);
	if (err == EAFNOSUPPORT || err == EOPNOTSUPP || err == EACCES)
		return 0;               /* IPv6 is off here */
	if (err)
		return complain(why, size, err, "The route to %H cannot be"
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
			err = complain(why, size, err, "%H belongs to another"
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
		return complain(why, size, EADDRINUSE, "The network would"
				" cover %H, which it is reached by.",
				prefix_print, &to);
	if (!prefixes_cover(routes, &to))
		return 0;
	err = keep_out(p, &to);
	return err ? complain(why, size, err, "The way to %H cannot be kept"
			      " out of the tunnel: %m.", prefix_print, &to,
			      err) : 0;
}

int vpnpeer_join(struct vpnpeer **pp, struct vpnnet *n, struct dgram *d,
		 bool partial, const struct prefixes *addresses,
		 const struct prefixes *routes, char *why, size_t size)
{
	static const struct dgram_handlers h = {
		.recvh = recv_handler, .mtuh = mtu_handler,
		.outerh = outer_handler
	};
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
	dgram_handle(d, &h, p);
	set_mtu(n);
	*pp = p;
	return 0;
}

const struct vpn_counters *vpnpeer_counters(const struct vpnpeer *p)
{
	return &p->c;
}
