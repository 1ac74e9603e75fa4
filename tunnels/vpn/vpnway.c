/*
 * vpnway.c: from the TUN to a peer, from a peer to the TUN or another peer.
 *
 *   tun --> whose? --> room? -------------> segment --> dgram
 *                        \-> fq --> (room)--^
 *   tun <-- coalesce <-- whose? <-- from the right one? <-- dgram
 *
 * The table says for each inner address who owns it: a peer, or &net->here
 * for what is ours or behind us. A packet from a peer must be from an address
 * of that peer, and to one that is here; nothing else gets in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/vpn/vpnimpl.h"
#include "tunnels/vpn/vpnouter.h"
#include "tunnels/vpn/vpnway.h"

enum {
	MTU_MIN = 1280,         /* IPv6 is off on anything below */
	HELD_MAX = 4 << 20,     /* bytes that wait for all peers */
};

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

/* As it is, its checksum left out. */
static void send_whole(struct vpnnet *net, struct vpnpeer *to,
		       const uint8_t *p, size_t n)
{
	net->to = to;
	(void)put_handler(p, n, net);
}

/* Those that have waited, as long as there is room. */
static void room_handler(void *arg)
{
	struct vpnpeer *to = arg;
	struct vpnnet *net = to->net;
	const uint64_t now = clock_ns();
	uint8_t *p = net->buf + SEGMENT_ROOM;
	struct fqinfo info;
	size_t n;

	while (to->holds && !dgram_full(to->dgram)) {
		n = fq_get(to->fq, &info, p, now, &to->c.dropped);
		to->holds = n > 0;
		if (n && info.whole)
			send_whole(net, to, p, n);
		else if (n)
			send_to(net, to, NULL, &info.vh, p, n);
	}
}

/* false: there is room, send it. Its queue keeps the order. */
static bool hold(struct vpnpeer *to, const struct virtio_net_hdr *vh,
		 bool whole, const uint8_t *p, size_t n)
{
	const struct fqinfo info = { .vh = *vh, .whole = whole };

	if (!to->holds && !dgram_full(to->dgram))
		return false;
	if (!to->fq && fq_alloc(&to->fq, to->net->pool)) {
		to->c.dropped++;
		return true;
	}
	to->c.dropped += fq_put(to->fq, &info, p, n, clock_ns());
	to->holds = true;
	return true;
}

static const uint8_t *source(const uint8_t *p, bool v6)
{
	return p + (v6 ? 8 : 12);
}

static const uint8_t *destination(const uint8_t *p, bool v6)
{
	return p + (v6 ? 24 : 16);
}

void vpnway_from_tun(const struct virtio_net_hdr *vh, uint8_t *p, size_t n,
		     void *arg)
{
	struct vpnnet *net = arg;
	const bool v6 = n && p[0] >> 4 == 6;
	void *owner;

	if (n < (v6 ? 40u : 20u) || (!v6 && p[0] >> 4 != 4))
		return;
	owner = prefixtab_find(net->tab, v6, destination(p, v6));
	if (!owner || owner == &net->here ||
	    vpnouter_looped(owner, v6, destination(p, v6)))
		return;
	if (!hold(owner, vh, false, p, n))
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
	partial = p[0] & INNER_PARTIAL;
	if (hold(to, &vh, partial, p, in->len))
		return;
	if (partial)
		send_whole(net, to, p, in->len);
	else
		send_to(net, to, from, &vh, p, in->len);
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

void vpnway_mtu(struct vpnnet *net)
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

	vpnway_mtu(p->net);
}

int vpnway_init(struct vpnnet *net)
{
	net->co.writeh = write_handler;
	net->seg.puth = put_handler;
	net->seg.toobigh = toobig_handler;
	net->co.arg = net->seg.arg = net;
	net->seg.id = rand_u32();
	net->buf = malloc(SEGMENT_ROOM + INNER_MAX + 1);
	return net->buf ? fqpool_alloc(&net->pool, HELD_MAX) : ENOMEM;
}

void vpnway_open(struct vpnpeer *p)
{
	static const struct dgram_handlers h = {
		.recvh = recv_handler, .writeh = room_handler,
		.mtuh = mtu_handler, .outerh = vpnouter_moved
	};

	dgram_handle(p->dgram, &h, p);
}
