/*
 * udp.c: a UDP socket read and written in batches of equal datagrams.
 *
 * A system call per packet costs five times as much as all else a packet
 * needs, so 64 KB cross at a time: cut by the kernel (UDP_SEGMENT, 4.18),
 * joined by it (UDP_GRO, 5.0). Owned by the worker, one per family.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "sdp/base/clock.h"
#include "sdp/base/outside.h"
#include "tunnels/flow/udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
	PREFER_SRC_PUBLIC = 2,          /* RFC 5014; of linux/in6.h, which the
	                                   C library's headers do not bear */
	BUF_SIZE = 8 << 20,             /* asked of the kernel, each way */
	RX_SLOT = 65536,                /* of a joined batch */
	RX_SLOTS = 64,                  /* touched as far as they are filled */
	RX_SLOT_SMALL = 8192,           /* of a single datagram */
	RX_SLOTS_SMALL = 64,
	CONTROL_SIZE = 128,
};

/* Aligned as struct cmsghdr must be. */
union control {
	struct cmsghdr align;
	uint8_t buf[CONTROL_SIZE];
};

struct udp {
	int fd;
	int af;
	uint16_t port;
	bool gso;
	unsigned slots;
	uint8_t *rxbuf;
	struct mmsghdr rx[RX_SLOTS_SMALL];
	struct iovec iov[RX_SLOTS_SMALL];
	struct sa src[RX_SLOTS_SMALL];
	union control ctl[RX_SLOTS_SMALL];
};

static void udp_destructor(void *arg)
{
	struct udp *u = arg;

	if (u->fd >= 0)
		(void)close(u->fd);
	free(u->rxbuf);
}

static int set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof v) ? errno : 0;
}

static void set_buffers(int fd)
{
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUF_SIZE))
		(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, BUF_SIZE);
	if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUF_SIZE))
		(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, BUF_SIZE);
}

/* PROBE: don't-fragment without the kernel's own idea of the path's MTU:
 * that is for QUIC to find out (RFC 8899). */
static int set_options(int fd, int af)
{
	int err;

	if (af == AF_INET6) {
		err = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		(void)set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			      IPV6_PMTUDISC_PROBE);
		/* where the kernel chooses: as netif.c does */
		(void)set_int(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES,
			      PREFER_SRC_PUBLIC);
	}
	else {
		err = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
		(void)set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER,
			      IP_PMTUDISC_PROBE);
	}
	return err;
}

static int port_of(struct udp *u)
{
	struct sa sa;

	sa.len = sizeof sa.u;
	if (getsockname(u->fd, &sa.u.sa, &sa.len))
		return errno;
	u->port = sa_port(&sa);
	return 0;
}

static int bind_any(struct udp *u, uint16_t port)
{
	struct sa sa;

	sa_init(&sa, u->af);
	sa_set_port(&sa, port);
	if (bind(u->fd, &sa.u.sa, sa.len))
		return errno;
	return port_of(u);
}

static int alloc_slots(struct udp *u, bool gro)
{
	const size_t size = gro ? RX_SLOT : RX_SLOT_SMALL;

	u->slots = gro ? RX_SLOTS : RX_SLOTS_SMALL;
	u->rxbuf = malloc(u->slots * (UDP_ROOM + size));
	if (!u->rxbuf)
		return ENOMEM;
	for (unsigned i = 0; i < u->slots; i++) {
		struct msghdr *m = &u->rx[i].msg_hdr;

		u->iov[i].iov_base = u->rxbuf + UDP_ROOM +
				     i * (UDP_ROOM + size);
		u->iov[i].iov_len = size;
		m->msg_iov = &u->iov[i];
		m->msg_iovlen = 1;
		m->msg_name = &u->src[i].u;
		m->msg_control = u->ctl[i].buf;
	}
	return 0;
}

static int udp_dress(struct udp *u, unsigned flags)
{
	bool gro;

	set_buffers(u->fd);
	u->gso = !(flags & UDP_NO_GSO) &&
		 !set_int(u->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
	gro = !(flags & UDP_NO_GRO) &&
	      !set_int(u->fd, IPPROTO_UDP, UDP_GRO, 1);
	return alloc_slots(u, gro);
}

static int udp_setup(struct udp *u, uint16_t port, unsigned flags)
{
	int err;

	u->fd = socket(u->af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return errno;
	err = set_options(u->fd, u->af);
	/* one that is adopted has an address of its family already */
	if (!err && u->af == AF_INET6)
		err = set_int(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!err)
		err = bind_any(u, port);
	return err ? err : udp_dress(u, flags);
}

static int udp_alloc(struct udp **up, int af)
{
	struct udp *u;

	if (af != AF_INET && af != AF_INET6)
		return EINVAL;
	u = mem_zalloc(sizeof *u, udp_destructor);
	if (!u)
		return ENOMEM;
	u->fd = -1;
	u->af = af;
	*up = u;
	return 0;
}

int udp_batch_open(struct udp **up, int af, uint16_t port, unsigned flags)
{
	struct udp *u;
	int err = up ? udp_alloc(&u, af) : EINVAL;

	if (err)
		return err;
	err = udp_setup(u, port, flags);
	if (err)
		mem_deref(u);
	else
		*up = u;
	return err;
}

int udp_batch_adopt(struct udp **up, int af, int fd)
{
	struct udp *u;
	int err = up ? udp_alloc(&u, af) : EINVAL;

	if (err)
		return err;
	u->fd = fd;
	err = set_options(fd, af);
	if (!err)
		err = udp_dress(u, 0);
	if (!err)
		err = port_of(u);
	if (err) {
		u->fd = -1;
		mem_deref(u);
	}
	else
		*up = u;
	return err;
}

int udp_batch_fd(const struct udp *u)
{
	return u ? u->fd : -1;
}

size_t udp_batch_queued(const struct udp *u)
{
	int n;

	return !u || ioctl(u->fd, SIOCOUTQ, &n) || n < 0 ? 0 : (size_t)n;
}

uint16_t udp_batch_port(const struct udp *u)
{
	return u ? u->port : 0;
}

static void local_in(struct sa *sa, const struct cmsghdr *c, uint16_t port)
{
	struct in_pktinfo pi;

	memcpy(&pi, CMSG_DATA(c), sizeof pi);
	sa_set_in(sa, ntohl(pi.ipi_spec_dst.s_addr), port);
}

static void local_in6(struct sa *sa, const struct cmsghdr *c, uint16_t port)
{
	struct in6_pktinfo pi;

	memcpy(&pi, CMSG_DATA(c), sizeof pi);
	sa_set_in6(sa, pi.ipi6_addr.s6_addr, port);
	if (IN6_IS_ADDR_LINKLOCAL(&pi.ipi6_addr))
		sa->u.in6.sin6_scope_id = pi.ipi6_ifindex;
}

static void read_control(const struct udp *u, struct udp_rx *rx,
			 struct msghdr *m)
{
	struct cmsghdr *c;
	int seg;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			local_in(&rx->local, c, u->port);
		else if (c->cmsg_level == IPPROTO_IPV6 &&
			 c->cmsg_type == IPV6_PKTINFO)
			local_in6(&rx->local, c, u->port);
		else if (c->cmsg_level == IPPROTO_UDP &&
			 c->cmsg_type == UDP_GRO) {
			memcpy(&seg, CMSG_DATA(c), sizeof seg);
			if (seg > 0 && (size_t)seg < rx->len)
				rx->seg = (size_t)seg;
		}
	}
}

static void read_one(const struct udp *u, unsigned i, uint64_t now,
		     udp_rx_h *h, void *arg)
{
	struct msghdr *m = (struct msghdr *)&u->rx[i].msg_hdr;
	struct udp_rx rx = {
		.buf = u->iov[i].iov_base,
		.len = u->rx[i].msg_len,
		.seg = u->rx[i].msg_len,
		.proto = IPPROTO_UDP,
		.now = now,
	};

	if (!rx.len || m->msg_flags & MSG_TRUNC)
		return;
	sa_cpy(&rx.src, &u->src[i]);
	rx.src.len = m->msg_namelen;
	sa_init(&rx.local, u->af);
	read_control(u, &rx, m);
	h(&rx, arg);
}

int udp_batch_read(struct udp *u, udp_rx_h *h, void *arg)
{
	uint64_t now;
	int n;

	for (unsigned i = 0; i < u->slots; i++) {
		u->rx[i].msg_hdr.msg_namelen = sizeof u->src[i].u;
		u->rx[i].msg_hdr.msg_controllen = CONTROL_SIZE;
	}
	n = recvmmsg(u->fd, u->rx, u->slots, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno;
	now = clock_ns();
	for (unsigned i = 0; i < (unsigned)n; i++)
		read_one(u, i, now, h, arg);
	return 0;
}

static void *put_control(struct msghdr *m, int level, int type, size_t size)
{
	struct cmsghdr *c;

	c = (struct cmsghdr *)(void *)((uint8_t *)m->msg_control +
				       m->msg_controllen);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	m->msg_controllen += CMSG_SPACE(size);
	return CMSG_DATA(c);
}

/* index: by this interface; 0: as the routing table says. For IPv6 it is no
 * more than a wish to the kernel as long as the address is named as well. */
static void put_source(struct msghdr *m, const struct sa *local,
		       unsigned index)
{
	struct in6_pktinfo pi6 = { .ipi6_ifindex = index };
	struct in_pktinfo pi = { .ipi_ifindex = (int)index };

	if (sa_af(local) == AF_INET6) {
		if (!index)
			pi6.ipi6_addr = local->u.in6.sin6_addr;
		if (sa_is_linklocal(local))
			pi6.ipi6_ifindex = local->u.in6.sin6_scope_id;
		memcpy(put_control(m, IPPROTO_IPV6, IPV6_PKTINFO, sizeof pi6),
		       &pi6, sizeof pi6);
	}
	else {
		pi.ipi_spec_dst = local->u.in.sin_addr;
		memcpy(put_control(m, IPPROTO_IP, IP_PKTINFO, sizeof pi),
		       &pi, sizeof pi);
	}
}

/* Addresses of a message; *remote is a copy, for a link-local address lives
 * on the interface of ours. */
static void put_addresses(struct msghdr *m, struct sa *remote,
			  const struct sa *local, unsigned index)
{
	m->msg_name = &remote->u;
	m->msg_namelen = sa_af(remote) == AF_INET6
		? sizeof remote->u.in6 : sizeof remote->u.in;
	if (!sa_isset(local, SA_ADDR) || sa_af(local) != sa_af(remote) ||
	    sa_is_any(local))
		return;
	if (sa_af(remote) == AF_INET6 && !remote->u.in6.sin6_scope_id &&
	    sa_is_linklocal(remote))
		remote->u.in6.sin6_scope_id = local->u.in6.sin6_scope_id;
	put_source(m, local, index);
}

static int send_joined(const struct udp *u, const struct udp_to *to,
		       const uint8_t *buf, size_t len, size_t seg)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	union control ctl = { .buf = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = ctl.buf };
	struct sa remote = to->remote;
	const uint16_t size = (uint16_t)seg;

	put_addresses(&m, &remote, &to->local, 0);
	memcpy(put_control(&m, IPPROTO_UDP, UDP_SEGMENT, sizeof size), &size,
	       sizeof size);
	return sendmsg(u->fd, &m, MSG_DONTWAIT) < 0 ? errno : 0;
}

/* One by one, in one system call as long as none fails. */
static int send_singly(const struct udp *u, const struct udp_to *to,
		       const uint8_t *buf, size_t len, size_t seg,
		       size_t *done)
{
	struct mmsghdr mm[UDP_SEGS_MAX];
	struct iovec iov[UDP_SEGS_MAX];
	union control ctl = { .buf = { 0 } };
	struct msghdr m = { .msg_iovlen = 1, .msg_control = ctl.buf };
	struct sa remote = to->remote;
	unsigned n = 0, i = 0;
	int err = 0;

	put_addresses(&m, &remote, &to->local, 0);
	if (!m.msg_controllen)
		m.msg_control = NULL;
	for (size_t pos = *done; pos < len && n < UDP_SEGS_MAX; pos += seg) {
		iov[n].iov_base = (void *)(uintptr_t)(buf + pos);
		iov[n].iov_len = len - pos < seg ? len - pos : seg;
		mm[n].msg_hdr = m;
		mm[n].msg_hdr.msg_iov = &iov[n];
		++n;
	}
	while (i < n) {
		int sent = sendmmsg(u->fd, mm + i, n - i, MSG_DONTWAIT);

		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return EAGAIN;
		if (sent < 0) {
			err = errno;
			sent = 1;       /* lost */
		}
		for (int k = 0; k < sent; k++)
			*done += iov[i++].iov_len;
	}
	return err;
}

/* What the kernel says when it cannot cut here: a device without checksum
 * offload, IPsec on the way, an old kernel. */
static bool cannot_cut(int err)
{
	return err == EIO || err == EINVAL || err == EOPNOTSUPP;
}

int udp_batch_write(struct udp *u, struct udp_to *to, const uint8_t *buf,
		    size_t len, size_t seg, size_t *done)
{
	int err = 0;

	*done = 0;
	if (!seg || len > UDP_BATCH_MAX)
		return EINVAL;
	if (u->gso && !to->no_gso && len > seg) {
		err = send_joined(u, to, buf, len, seg);
		if (err == EAGAIN || err == EWOULDBLOCK)
			return EAGAIN;
		if (!cannot_cut(err) && err != EMSGSIZE) {
			*done = len;
			return err;
		}
		if (err != EMSGSIZE)
			to->no_gso = true;
		err = 0;
	}
	while (*done < len && err != EAGAIN) {
		int e = send_singly(u, to, buf, len, seg, done);

		if (e)
			err = e;
	}
	return err;
}

int udp_batch_send1(const struct udp *u, const struct sa *local,
		    const struct sa *remote, const uint8_t *buf, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	union control ctl = { .buf = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = ctl.buf };
	struct sa to = *remote;

	put_addresses(&m, &to, local, outside_index(local));
	if (!m.msg_controllen)
		m.msg_control = NULL;
	return sendmsg(u->fd, &m, MSG_DONTWAIT) < 0 ? errno : 0;
}
