/*
 * fwudpport.c: UDP that is listened on for one tunnel.
 *
 *   packet, from whom (SOCKS: and to whom) -> client -> fwudp
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/flow/loop.h"
#include "tunnels/forward/fwbind.h"
#include "tunnels/forward/fwudpport.h"
#include "tunnels/forward/socks.h"

enum { BUCKETS = 256, TURN_PACKETS = 64 };

struct sock {
	struct fwudpport *port;
	struct loop_fd lf;
	int fd;                         /* the bind's */
};

struct fwudpport {
	struct loop *loop;
	struct fwudps *udps;
	struct fwbind b;
	struct sock sockv[2];
	struct hash *clienth;
	struct fwwire connect;
	bool socks;
	struct sa only;
};

struct client {
	struct le he;
	struct sock *sock;
	struct sa from;
	struct fwudp *flow;
	size_t prefix_len;              /* SOCKS' header, on each packet */
	uint8_t prefix[SOCKS_PACKET_MAX];
};

static void client_destructor(void *arg)
{
	struct client *c = arg;

	hash_unlink(&c->he);
	mem_deref(c->flow);
}

static void fwudpport_destructor(void *arg)
{
	struct fwudpport *p = arg;

	hash_flush(p->clienth);
	mem_deref(p->clienth);
	for (size_t i = 0; i < p->b.n; i++)
		loop_unwatch(&p->sockv[i].lf);
	fwbind_close(&p->b);
}

/* To the client, from where it has asked. */
static void recv_handler(const uint8_t *p, size_t n, void *arg)
{
	struct client *c = arg;
	struct iovec v[2] = {
		{ c->prefix, c->prefix_len }, { (uint8_t *)p, n }
	};
	const struct msghdr msg = {
		.msg_name = &c->from.u, .msg_namelen = c->from.len,
		.msg_iov = v, .msg_iovlen = 2,
	};

	(void)sendmsg(c->sock->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void over_handler(void *arg)
{
	mem_deref(arg);
}

static struct client *client_find(const struct sock *s, const struct sa *from,
				  const uint8_t *prefix, size_t len)
{
	struct le *le = list_head(hash_list(s->port->clienth,
					    sa_hash(from, SA_ALL)));

	for (; le; le = le->next) {
		struct client *c = le->data;

		if (c->sock == s && sa_cmp(&c->from, from, SA_ALL) &&
		    c->prefix_len == len && !memcmp(c->prefix, prefix, len))
			return c;
	}
	return NULL;
}

static struct client *client_add(struct sock *s, const struct sa *from,
				 const uint8_t *prefix, size_t len,
				 const struct fwwire *connect)
{
	static const struct fwudp_handlers h = { recv_handler, over_handler };
	struct client *c = mem_zalloc(sizeof *c, client_destructor);

	if (!c)
		return NULL;
	c->sock = s;
	c->from = *from;
	c->prefix_len = len;
	memcpy(c->prefix, prefix, len);
	hash_append(s->port->clienth, sa_hash(from, SA_ALL), &c->he, c);
	if (fwudp_open(&c->flow, s->port->udps, connect, &h, c))
		return mem_deref(c);
	return c;
}

/* How long the header is, and where it leads. */
static bool read_header(const struct fwudpport *p, struct fwwire *w,
			const struct sa *from, const uint8_t *buf, size_t n,
			size_t *len)
{
	struct socks so = { .proto = SOCKS_5 };

	*len = 0;
	if (!p->socks)
		return true;
	if (!sa_cmp(from, &p->only, SA_ADDR) ||
	    socks_packet(&so, buf, n, len))
		return false;
	str_ncpy(w->host, so.host, sizeof w->host);
	w->port = so.port;
	return true;
}

static void packet(struct sock *s, const struct sa *from, const uint8_t *buf,
		   size_t n)
{
	struct fwwire w = s->port->connect;
	struct client *c;
	size_t len;

	if (!read_header(s->port, &w, from, buf, n, &len))
		return;
	c = client_find(s, from, buf, len);
	if (!c)
		c = client_add(s, from, buf, len, &w);
	if (c)
		fwudp_send(c->flow, buf + len, n - len);
}

static void fd_handler(uint32_t events, void *arg)
{
	struct sock *s = arg;
	uint8_t *buf = fwudps_buf(s->port->udps);

	(void)events;
	for (int i = 0; buf && i < TURN_PACKETS; i++) {
		struct sa from = { .len = sizeof from.u };
		ssize_t n = recvfrom(s->fd, buf, FWUDP_PACKET_MAX,
				     MSG_DONTWAIT, &from.u.sa, &from.len);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n >= 0)
			packet(s, &from, buf, (size_t)n);
	}
}

int fwudpport_alloc(struct fwudpport **pp, struct loop *l, struct fwudps *u,
		    const char *bind, uint16_t port,
		    const struct fwwire *connect, const struct sa *client)
{
	struct fwudpport *p = mem_zalloc(sizeof *p, fwudpport_destructor);
	int err;

	if (!p)
		return ENOMEM;
	p->loop = l;
	p->udps = u;
	p->connect = *connect;
	p->socks = client != NULL;
	if (client)
		p->only = *client;
	err = hash_alloc(&p->clienth, BUCKETS);
	if (!err)
		err = fwbind_open(&p->b, SOCK_DGRAM, bind, port);
	for (size_t i = 0; i < p->b.n; i++)
		p->sockv[i] = (struct sock){ .port = p, .fd = p->b.fdv[i] };
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}

int fwudpport_go(struct fwudpport *p)
{
	int err = 0;

	for (size_t i = 0; i < p->b.n && !err; i++)
		err = loop_watch(p->loop, &p->sockv[i].lf, p->sockv[i].fd,
				 EPOLLIN, fd_handler, &p->sockv[i]);
	return err;
}

const struct sa *fwudpport_addr(const struct fwudpport *p)
{
	return &p->b.addrv[0];
}
