/*
 * guesslink.c: the sockets of a guess.
 *
 *   control: guesslinks --orders, posted--> worker: nest --> holes
 *
 * Each hole is a link, kept by the worker's table; the nest only lists them.
 * The packet that opens the NAT says nothing (a STUN indication) and has a
 * TTL that ends it before the peer's NAT, which could take it for an attack
 * or give its port to somebody else. Connected sockets are told of ICMP, and
 * never of a TTL that has run out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/flow/guesslink.h"
#include "tunnels/flow/workerimpl.h"

enum {
	HOLES_MAX = 256,
	OPENER_TTL = 7,
	PACKET_MAX = 2048,      /* before it is kept: checks, a handshake */
	LOOKS = 8,              /* packets at one look */
};

struct nest {
	struct worker *w;
	struct list holes;
	struct sa local, dst;
	struct report stopped;
	bool told;
};

struct hole {
	struct link l;
	struct le le;           /* of the nest */
	struct nest *nest;      /* NULL: it is gone */
	struct worker *w;
	int fd;
	struct udp *udp;        /* once it is kept; owns fd */
	struct loop_fd lf;
	bool met;
};

struct guesslinks {
	struct nest *nest;      /* the worker's; ours only to post to */
	struct worker *w;
	unsigned count;
};

struct order {
	struct nest *nest;
	void (*h)(struct nest *n, const struct order *o);
	unsigned n;
	struct sa local;
	int fd;                 /* the handler's to close */
};

/* -- on the worker ------------------------------------------------------ */

static void hole_destructor(void *arg)
{
	struct hole *h = arg;

	list_unlink(&h->le);
	loop_unwatch(&h->lf);
	if (h->udp)
		mem_deref(h->udp);
	else if (h->fd >= 0)
		(void)close(h->fd);
}

/* Whoever still holds it hears ENOTCONN, and nothing comes any more. */
static void hole_close(struct hole *h)
{
	list_unlink(&h->le);
	h->nest = NULL;
	loop_unwatch(&h->lf);
	worker_link_del(&h->l);
}

static int plain_write(struct hole *h, const uint8_t *buf, size_t len,
		       size_t seg, size_t *done)
{
	for (*done = 0; *done < len; *done += min(seg, len - *done))
		if (send(h->fd, buf + *done, min(seg, len - *done), 0) < 0 &&
		    (errno == EAGAIN || errno == ENOBUFS))
			return EAGAIN;
	return 0;
}

static int hole_write(struct link *l, const struct sa *remote,
		      const uint8_t *buf, size_t len, size_t seg,
		      size_t *done)
{
	struct hole *h = (struct hole *)(void *)l;
	struct udp_to to = { .remote = *remote };
	int err;

	sa_init(&to.local, AF_UNSPEC);
	err = h->udp ? udp_batch_write(h->udp, &to, buf, len, seg, done)
		: plain_write(h, buf, len, seg, done);
	if (err == EAGAIN)
		(void)loop_rewatch(&h->lf, EPOLLIN | EPOLLOUT);
	return err;
}

static const struct link_ops hole_ops = { hole_write };

static void rx_handler(const struct udp_rx *batch, void *arg)
{
	struct hole *h = arg;
	struct udp_rx rx = *batch;

	rx.proto = IPPROTO_UDP;
	rx.local = h->l.local;
	worker_rx(h->w, &rx);
}

/* What the way answers with when it may not be gone. */
static bool forbidden(int err)
{
	return err == EACCES || err == EPERM || err == EHOSTUNREACH ||
		err == ENETUNREACH;
}

static void note_error(struct hole *h, int err)
{
	struct nest *n = h->nest;

	if (!n || n->told || h->met || !forbidden(err))
		return;
	n->told = true;
	report_tell(worker_reports(n->w), &n->stopped, n->stopped.h,
		    n->stopped.arg);
}

/* -1: the system's */
static int set_ttl(const struct hole *h, int af, int ttl)
{
	int level = IPPROTO_IP, name = IP_TTL;

	if (af == AF_INET6) {
		level = IPPROTO_IPV6;
		name = IPV6_UNICAST_HOPS;
	}
	return setsockopt(h->fd, level, name, &ttl, sizeof ttl) ? errno : 0;
}

/* From now on packets have to arrive. */
static void hole_met(struct hole *h)
{
	if (!h->met)
		(void)set_ttl(h, sa_af(&h->l.local), -1);
	h->met = true;
}

static void plain_read(struct hole *h)
{
	uint8_t buf[UDP_ROOM + PACKET_MAX];
	struct udp_rx rx = { .buf = buf + UDP_ROOM };

	for (int i = 0; i < LOOKS && !h->udp; i++) {
		ssize_t n = recv(h->fd, buf + UDP_ROOM, PACKET_MAX, 0);

		if (n < 0)
			note_error(h, errno);
		if (n <= 0)
			break;
		hole_met(h);
		rx.len = rx.seg = (size_t)n;
		rx.src = h->l.remote;
		rx.now = clock_ns();
		rx_handler(&rx, h);
		worker_rx_end(h->w);
	}
}

static void fd_handler(uint32_t events, void *arg)
{
	struct hole *h = arg;

	mem_ref(h);
	if (events & EPOLLOUT) {
		(void)loop_rewatch(&h->lf, EPOLLIN);
		link_room(&h->l);
	}
	if (h->udp) {
		(void)udp_batch_read(h->udp, rx_handler, h);
		worker_rx_end(h->w);
	}
	else
		plain_read(h);
	mem_deref(h);
}

/* Any port of local's address; *fdp is the caller's whatever comes of it. */
static int bind_any(int *fdp, struct sa *local)
{
	*fdp = socket(sa_af(local), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		      0);
	if (*fdp < 0)
		return errno;
	sa_set_port(local, 0);
	if (bind(*fdp, &local->u.sa, local->len))
		return errno;
	local->len = sizeof local->u;
	return getsockname(*fdp, &local->u.sa, &local->len) ? errno : 0;
}

static int hole_socket(struct hole *h, const struct nest *n)
{
	static const uint8_t opener[20] = {
		0x00, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42
	};
	struct sa local = n->local;
	int err = bind_any(&h->fd, &local);

	if (err)
		return err;
	if (set_ttl(h, sa_af(&local), OPENER_TTL) ||
	    connect(h->fd, &n->dst.u.sa, n->dst.len))
		return errno;
	link_init(&h->l, &hole_ops, IPPROTO_UDP, &local, &n->dst);
	(void)send(h->fd, opener, sizeof opener, 0);
	return loop_watch(worker_loop(n->w), &h->lf, h->fd, EPOLLIN,
			  fd_handler, h);
}

static struct hole *hole_alloc(struct nest *n, int fd)
{
	struct hole *h = mem_zalloc(sizeof *h, hole_destructor);

	if (!h)
		return NULL;
	h->fd = fd;
	h->w = n->w;
	h->nest = n;
	return h;
}

static void hole_open(struct nest *n)
{
	struct hole *h = hole_alloc(n, -1);

	if (!h)
		return;
	if (!hole_socket(h, n)) {
		list_append(&n->holes, &h->le, h);
		worker_link_add(n->w, &h->l);
	}
	mem_deref(h);
}

static void do_more(struct nest *n, const struct order *o)
{
	for (unsigned i = 0; i < o->n; i++)
		hole_open(n);
}

static void hole_keep(struct hole *h)
{
	struct udp *u;

	hole_met(h);
	if (h->udp || udp_batch_adopt(&u, sa_af(&h->l.local), h->fd))
		return;
	loop_unwatch(&h->lf);
	h->udp = u;
	(void)loop_watch(worker_loop(h->w), &h->lf, h->fd, EPOLLIN,
			 fd_handler, h);
}

static void do_one(struct nest *n, const struct order *o)
{
	struct hole *h = hole_alloc(n, o->fd);

	if (!h) {
		(void)close(o->fd);
		return;
	}
	link_init(&h->l, &hole_ops, IPPROTO_UDP, &o->local, NULL);
	h->met = true;
	hole_keep(h);
	if (h->udp) {
		list_append(&n->holes, &h->le, h);
		worker_link_add(n->w, &h->l);
	}
	mem_deref(h);
}

static void do_keep(struct nest *n, const struct order *o)
{
	struct le *le, *next;

	for (le = n->holes.head; le; le = next) {
		struct hole *h = le->data;

		next = le->next;
		if (sa_cmp(&h->l.local, &o->local, SA_ALL))
			hole_keep(h);
		else
			hole_close(h);
	}
}

static void do_close(struct nest *n, const struct order *o)
{
	(void)o;
	while (!list_isempty(&n->holes))
		hole_close(list_head(&n->holes)->data);
	mem_deref(n);
}

static void order_handler(void *data)
{
	struct order *o = data;

	o->h(o->nest, o);
	free(o);
}

/* -- on the control thread ---------------------------------------------- */

static int post(struct guesslinks *g,
		void (*h)(struct nest *n, const struct order *o), unsigned n,
		const struct sa *local, int fd)
{
	struct order *o = malloc(sizeof *o);
	int err;

	if (!o)
		return ENOMEM;
	*o = (struct order){ .nest = g->nest, .h = h, .n = n, .fd = fd };
	if (local)
		o->local = *local;
	err = loop_post(worker_loop(g->w), order_handler, o);
	if (err)
		free(o);
	return err;
}

static void guesslinks_destructor(void *arg)
{
	struct guesslinks *g = arg;

	if (!g->nest)
		return;
	report_cancel(worker_reports(g->w), &g->nest->stopped);
	while (post(g, do_close, 0, NULL, -1))
		(void)usleep(1000);     /* memory comes back */
}

static int nest_alloc(struct guesslinks **gp, struct worker *w)
{
	struct guesslinks *g = mem_zalloc(sizeof *g, guesslinks_destructor);
	struct nest *n = mem_zalloc(sizeof *n, NULL);

	if (!g || !n) {
		mem_deref(g);
		mem_deref(n);
		return ENOMEM;
	}
	n->w = g->w = w;
	g->nest = n;
	*gp = g;
	return 0;
}

int guesslinks_alloc(struct guesslinks **gp, struct worker *w,
		     const struct sa *local, const struct sa *dst,
		     void (*stoph)(void *arg), void *arg)
{
	struct nest *n;
	int err;

	if (!gp || !w || sa_af(local) != sa_af(dst))
		return EINVAL;
	err = nest_alloc(gp, w);
	if (err)
		return err;
	n = (*gp)->nest;
	n->local = *local;
	n->dst = *dst;
	n->stopped.h = stoph;
	n->stopped.arg = arg;
	return 0;
}

int guesslinks_more(struct guesslinks *g, unsigned n)
{
	int err;

	if (g->count + n > HOLES_MAX)
		return E2BIG;
	err = post(g, do_more, n, NULL, -1);
	if (!err)
		g->count += n;
	return err;
}

int guesslinks_keep(struct guesslinks *g, const struct sa *local)
{
	return post(g, do_keep, 0, local, -1);
}

int guesslinks_one(struct guesslinks **gp, struct worker *w, struct sa *local)
{
	struct guesslinks *g = NULL;
	int fd = -1, err;

	if (!gp || !w || !local)
		return EINVAL;
	err = nest_alloc(&g, w);
	if (!err)
		err = bind_any(&fd, local);
	if (!err)
		err = post(g, do_one, 0, local, fd);
	if (!err) {
		*gp = g;
		return 0;
	}
	if (fd >= 0)
		(void)close(fd);
	mem_deref(g);
	return err;
}
