/*
 * turnlink.c: a connection to a TURN server on the worker, and the links of
 * its relayed addresses.
 *
 *   flow --> rlink --[channel | packet]--> UDP in batches, or TCP, TLS
 *   worker_rx <-- local: relayed, src: peer <-- [channel | packet]
 *
 * The table of links owns all of it: the connection itself stands in there
 * too (it is what control sends by), so that a worker that stops leaves
 * nothing behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "sdp/base/outside.h"
#include "tunnels/flow/tcpconn.h"
#include "tunnels/flow/turnlink.h"
#include "tunnels/flow/turnwire.h"
#include "tunnels/flow/workerimpl.h"

enum { WHY_MAX = 160, PARTS = UDP_SEGS_MAX / 2 };

#define LINGER (300 * MSEC)

struct conn;

/* From one relayed address. */
struct rlink {
	struct link l;
	struct conn *c;         /* a reference */
};

struct chan {
	uint16_t number;
	struct sa peer;
};

/* The worker's part. */
struct conn {
	struct link l;          /* to the server itself */
	struct worker *w;
	struct outside *outside;        /* the server */
	struct reports *reports;
	struct turnlink_conf conf;
	struct udp *udp;
	struct loop_fd lf;
	struct tcpconn *tcp;
	struct rlink *relayed[2];       /* the table's */
	struct chan chanv[TURNLINK_CHANNELS];
	unsigned chanc, chan_last;
	uint8_t *out;                   /* packets with their headers */
	size_t out_len, out_start, out_seg;
	uint8_t *last;
	size_t last_len;
	struct timer linger;
	bool ended;
	/* to control */
	struct report up, down;
	struct sa server;
	int err;
	char why[WHY_MAX];
};

struct turnlink {
	struct conn *c;         /* the worker's; ours only to post to */
	struct worker *w;
	struct turnlink_handlers h;
	void *arg;
	struct sa local, server;        /* unset until it is up */
};

/* What control has to say, one after the other. */
struct order {
	struct conn *c;
	void (*h)(struct conn *c, const struct order *o);
	struct sa sa;
	uint16_t channel;
	size_t len;
	uint8_t buf[];
};

/* -- on the worker ------------------------------------------------------ */

static int say(struct conn *c, const uint8_t *buf, size_t len)
{
	struct sa any;
	uint8_t *p;

	sa_init(&any, AF_UNSPEC);
	if (c->udp)
		return udp_batch_send1(c->udp, &any, &c->server, buf, len);
	p = c->tcp ? tcpconn_room(c->tcp, len) : NULL;
	if (!p)
		return ENOBUFS;
	memcpy(p, buf, len);
	tcpconn_commit(c->tcp, len);
	return 0;
}

static void conn_close(struct conn *c)
{
	if (c->last_len && !c->ended)
		(void)say(c, c->last, c->last_len);
	c->last_len = 0;
	timer_stop(&c->linger);
	loop_unwatch(&c->lf);
	c->udp = mem_deref(c->udp);
	c->tcp = mem_deref(c->tcp);
}

static void conn_destructor(void *arg)
{
	struct conn *c = arg;

	conn_close(c);
	free(c->out);
	free(c->last);
	mem_deref(c->outside);
	mem_deref((void *)(uintptr_t)c->conf.connect);
	mem_deref((void *)(uintptr_t)c->conf.login);
	mem_deref((void *)(uintptr_t)c->conf.name);
	mem_deref((void *)(uintptr_t)c->conf.ca);
}

static void rlink_destructor(void *arg)
{
	struct rlink *r = arg;

	mem_deref(r->c);
}

/* All its ways are gone; who holds one hears ENOTCONN. */
static void conn_gone(struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		if (c->relayed[i])
			worker_link_del(&c->relayed[i]->l);
		c->relayed[i] = NULL;
	}
	conn_close(c);
	worker_link_del(&c->l);
}

static void ended(struct conn *c, int err, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	c->err = err;
	str_ncpy(c->why, why, sizeof c->why);
	report_tell(c->reports, &c->down, c->down.h, c->down.arg);
}

static const struct chan *chan_of(struct conn *c, const struct sa *peer)
{
	for (unsigned i = 0; i < c->chanc; i++) {
		unsigned k = (c->chan_last + i) % c->chanc;

		if (!sa_cmp(&c->chanv[k].peer, peer, SA_ALL))
			continue;
		c->chan_last = k;
		return &c->chanv[k];
	}
	return NULL;
}

static const struct chan *chan_numbered(const struct conn *c, uint16_t number)
{
	for (unsigned i = 0; i < c->chanc; i++)
		if (c->chanv[i].number == number)
			return &c->chanv[i];
	return NULL;
}

/* As much of the datagrams as fits into size, each with its header; how much
 * of them that was is in *used. */
static size_t wrap(uint8_t *out, size_t size, uint16_t channel,
		   const uint8_t *buf, size_t len, size_t seg, bool pad,
		   size_t *used)
{
	size_t n = 0, pos = 0;

	while (pos < len) {
		const size_t part = min(seg, len - pos);
		const size_t fill = pad ? turnwire_padding(part) : 0;

		if (TURNWIRE_HEADER + part + fill > size - n)
			break;
		turnwire_head(out + n, channel, part);
		memcpy(out + n + TURNWIRE_HEADER, buf + pos, part);
		n += TURNWIRE_HEADER + part;
		memset(out + n, 0, fill);
		n += fill;
		pos += part;
	}
	*used = pos;
	return n;
}

static int udp_flush(struct conn *c)
{
	struct udp_to to = { .remote = c->server };
	size_t done;
	int err = 0;

	sa_init(&to.local, AF_UNSPEC);
	if (c->out_start < c->out_len) {
		err = udp_batch_write(c->udp, &to, c->out + c->out_start,
				      c->out_len - c->out_start, c->out_seg,
				      &done);
		c->out_start += done;
	}
	if (err == EAGAIN)
		(void)loop_rewatch(&c->lf, EPOLLIN | EPOLLOUT);
	else
		c->out_start = c->out_len = 0;
	return err;
}

/* A batch with headers may be too much for one write: it goes by halves. */
static int udp_write(struct conn *c, uint16_t channel, const uint8_t *buf,
		     size_t len, size_t seg, size_t *done)
{
	int err = 0;

	*done = 0;
	while (*done < len) {
		const size_t most = min(len - *done, seg * PARTS);
		size_t used;
		int e;

		if (c->out_start < c->out_len)
			return EAGAIN;
		c->out_len = wrap(c->out, UDP_BATCH_MAX, channel, buf + *done,
				  most, seg, false, &used);
		if (!used)
			return EMSGSIZE;
		c->out_seg = seg + TURNWIRE_HEADER;
		*done += used;
		e = udp_flush(c);
		/* what the socket did not take is kept here */
		if (e && e != EAGAIN)
			err = e;
	}
	return err;
}

static int tcp_write(struct conn *c, uint16_t channel, const uint8_t *buf,
		     size_t len, size_t seg, size_t *done)
{
	*done = 0;
	while (*done < len) {
		size_t used;
		uint8_t *p;

		/* what waits here only grows old: no more behind it */
		if (tcpconn_busy(c->tcp))
			return EAGAIN;
		p = tcpconn_room(c->tcp, TCPCONN_OUT / 2);
		if (!p)
			return EAGAIN;
		tcpconn_commit(c->tcp, wrap(p, TCPCONN_OUT / 2, channel,
					    buf + *done, len - *done, seg,
					    true, &used));
		if (!used)
			return EMSGSIZE;
		*done += used;
	}
	return 0;
}

static int relay_write(struct link *l, const struct sa *remote,
		       const uint8_t *buf, size_t len, size_t seg,
		       size_t *done)
{
	struct conn *c = ((struct rlink *)(void *)l)->c;
	const struct chan *ch = chan_of(c, remote);

	*done = len;
	if (!ch || c->ended || !seg)
		return ENOTCONN;
	return c->udp ? udp_write(c, ch->number, buf, len, seg, done)
		: tcp_write(c, ch->number, buf, len, seg, done);
}

static const struct link_ops relay_ops = { relay_write };

static int server_write(struct link *l, const struct sa *remote,
			const uint8_t *buf, size_t len, size_t seg,
			size_t *done)
{
	struct conn *c = (struct conn *)(void *)l;
	(void)remote;
	(void)seg;

	*done = len;
	return c->ended ? ENOTCONN : say(c, buf, len);
}

static const struct link_ops server_ops = { server_write };

static void room(struct conn *c)
{
	for (int i = 0; i < 2; i++)
		if (c->relayed[i])
			link_room(&c->relayed[i]->l);
}

/* -- what comes in ------------------------------------------------------ */

/* Datagrams of one peer, moved together. */
struct run {
	struct conn *c;
	struct udp_rx rx;
	const struct chan *ch;
	size_t last;            /* size of the latest */
};

static const struct sa *relayed_for(const struct conn *c,
				    const struct sa *peer)
{
	const struct rlink *r = c->relayed[sa_af(peer) == AF_INET6];

	return r ? &r->l.local : NULL;
}

static void deliver(struct conn *c, struct udp_rx *rx, const struct sa *local,
		    const struct sa *src)
{
	rx->proto = IPPROTO_UDP;
	rx->local = *local;
	rx->src = *src;
	worker_rx(c->w, rx);
	worker_rx_end(c->w);    /* what follows may move over it */
}

static void run_flush(struct run *run)
{
	const struct sa *local;

	if (!run->ch)
		return;
	local = relayed_for(run->c, &run->ch->peer);
	if (local)
		deliver(run->c, &run->rx, local, &run->ch->peer);
	run->ch = NULL;
}

static void run_add(struct run *run, const struct turnwire *m, uint64_t now)
{
	const struct chan *ch = chan_numbered(run->c, m->channel);

	if (!ch || !m->len)
		return;
	if (run->ch != ch || run->last < run->rx.seg ||
	    m->len > run->rx.seg) {
		run_flush(run);
		run->ch = ch;
		run->rx.buf = m->p;
		run->rx.len = 0;
		run->rx.seg = m->len;
		run->rx.now = now;
	}
	memmove((uint8_t *)(uintptr_t)run->rx.buf + run->rx.len, m->p,
		m->len);
	run->rx.len += m->len;
	run->last = m->len;
}

static void stun_rx(struct conn *c, const struct turnwire *m, uint64_t now)
{
	struct udp_rx rx = {
		.buf = m->p, .len = m->len, .seg = m->len, .now = now,
	};
	struct sa peer;

	if (turnwire_data(m->p, m->len, &peer, &rx.buf, &rx.len)) {
		const struct sa *local = relayed_for(c, &peer);

		rx.seg = rx.len;
		if (local && rx.len)
			deliver(c, &rx, local, &peer);
	}
	else {
		deliver(c, &rx, &c->l.local, &c->server);
	}
}

/* All whole messages of a buffer; how much of it they were. */
static size_t messages_rx(struct run *run, const uint8_t *p, size_t n,
			  bool stream, uint64_t now, int *errp)
{
	struct turnwire m;
	size_t used = 0;

	while (used < n && !(*errp = turnwire_next(&m, p + used, n - used,
						   stream))) {
		if (m.channel) {
			run_add(run, &m, now);
		}
		else {
			run_flush(run);
			stun_rx(run->c, &m, now);
		}
		used += m.size;
	}
	return used;
}

static void udp_rx_handler(const struct udp_rx *rx, void *arg)
{
	struct run run = { .c = arg };

	for (size_t pos = 0; pos < rx->len; pos += rx->seg) {
		int err;

		/* what follows the message in its datagram is of no meaning */
		(void)messages_rx(&run, rx->buf + pos,
				  min(rx->seg, rx->len - pos), false, rx->now,
				  &err);
	}
	run_flush(&run);
}

static void udp_events(uint32_t events, void *arg)
{
	struct conn *c = arg;

	if (events & EPOLLOUT) {
		(void)loop_rewatch(&c->lf, EPOLLIN);
		if (udp_flush(c) != EAGAIN)
			room(c);
	}
	/* ICMP errors come as errors of read: the server may be back soon */
	if (events & ~(uint32_t)EPOLLOUT)
		(void)udp_batch_read(c->udp, udp_rx_handler, c);
}

static size_t tcp_read(uint8_t *p, size_t n, void *arg)
{
	struct conn *c = arg;
	struct run run = { .c = c };
	size_t used;
	int err = 0;

	used = messages_rx(&run, p, n, true, clock_ns(), &err);
	run_flush(&run);
	/* SIZE_MAX: it is no TURN; the connection ends */
	return err == EBADMSG ? SIZE_MAX : used;
}

/* -- up and down -------------------------------------------------------- */

static void is_up(struct conn *c)
{
	report_tell(c->reports, &c->up, c->up.h, c->up.arg);
}

static void tcp_up(void *arg)
{
	struct conn *c = arg;

	tcpconn_local(c->tcp, &c->l.local);
	is_up(c);
}

static void tcp_room(void *arg)
{
	room(arg);
}

static void tcp_down(int err, const char *why, void *arg)
{
	ended(arg, err, why);
}

static int open_tcp(struct conn *c)
{
	static const struct tcpconn_handlers h = {
		tcp_up, tcp_read, tcp_room, tcp_down
	};
	const struct tcpconn_conf conf = {
		.dst = c->conf.dst,
		.connect = c->conf.connect,
		.login = c->conf.login,
		.tls = c->conf.transp == TURNLINK_TLS ? c->conf.name : NULL,
		.ca = c->conf.ca,
	};

	return tcpconn_open(&c->tcp, worker_loop(c->w), &conf, &h, c);
}

/* Connected: from nobody else a packet comes. */
static int open_udp(struct conn *c)
{
	struct sa *local = &c->l.local;
	int err = udp_batch_open(&c->udp, sa_af(&c->server), 0, 0);

	if (err)
		return err;
	c->out = malloc(UDP_BATCH_MAX);
	if (!c->out)
		return ENOMEM;
	if (connect(udp_batch_fd(c->udp), &c->server.u.sa, c->server.len))
		return errno;
	local->len = sizeof local->u;
	if (getsockname(udp_batch_fd(c->udp), &local->u.sa, &local->len))
		return errno;
	err = loop_watch(worker_loop(c->w), &c->lf, udp_batch_fd(c->udp),
			 EPOLLIN, udp_events, c);
	if (!err)
		is_up(c);
	return err;
}

static void start_handler(void *data)
{
	struct conn *c = data;
	int err;

	worker_link_add(c->w, &c->l);
	mem_deref(c);           /* the table's from here on */
	err = c->conf.transp == TURNLINK_UDP ? open_udp(c) : open_tcp(c);
	if (err)
		ended(c, err, err == ENOENT ? "the file of tls-ca cannot be"
		      " used" : strerror(err));
}

/* -- orders ------------------------------------------------------------- */

static void do_relayed(struct conn *c, const struct order *o)
{
	struct rlink **rp = &c->relayed[sa_af(&o->sa) == AF_INET6];
	struct rlink *r;

	if (*rp)
		return;
	r = mem_zalloc(sizeof *r, rlink_destructor);
	if (!r)
		return;
	r->c = mem_ref(c);
	link_init(&r->l, &relay_ops, IPPROTO_UDP, &o->sa, NULL);
	worker_link_add(c->w, &r->l);
	*rp = r;
	mem_deref(r);           /* the table has it */
}

static void do_bind(struct conn *c, const struct order *o)
{
	if (chan_of(c, &o->sa) || c->chanc == TURNLINK_CHANNELS)
		return;
	c->chanv[c->chanc].number = o->channel;
	c->chanv[c->chanc++].peer = o->sa;
}

static void do_last(struct conn *c, const struct order *o)
{
	free(c->last);
	c->last = malloc(o->len);
	c->last_len = c->last ? o->len : 0;
	if (c->last)
		memcpy(c->last, o->buf, o->len);
}

static void linger_handler(void *arg)
{
	conn_gone(arg);
}

static void do_drop(struct conn *c, const struct order *o)
{
	(void)o;
	if (c->last_len && !c->ended &&
	    !timer_start(loop_timers(worker_loop(c->w)), &c->linger, LINGER,
			 linger_handler, c))
		return;
	conn_gone(c);
}

static void order_handler(void *data)
{
	struct order *o = data;

	o->h(o->c, o);
	free(o);
}

/* -- on control --------------------------------------------------------- */

static struct order *order_new(const struct turnlink *t,
			       void (*h)(struct conn *, const struct order *),
			       size_t len)
{
	struct order *o = calloc(1, sizeof *o + len);

	if (!o)
		return NULL;
	o->c = t->c;
	o->h = h;
	o->len = len;
	return o;
}

static int order_post(const struct turnlink *t, struct order *o)
{
	int err = o ? loop_post(worker_loop(t->w), order_handler, o)
		: ENOMEM;

	if (err)
		free(o);
	return err;
}

static void up_handler(void *arg)
{
	struct turnlink *t = arg;

	t->local = t->c->l.local;
	t->server = t->c->server;
	t->h.uph(&t->local, &t->server, t->arg);
}

static void down_handler(void *arg)
{
	struct turnlink *t = arg;
	char why[WHY_MAX];

	str_ncpy(why, t->c->why, sizeof why);
	t->h.downh(t->c->err, why, t->arg);
}

static void turnlink_destructor(void *arg)
{
	struct turnlink *t = arg;

	if (t->c) {
		report_cancel(worker_reports(t->w), &t->c->up);
		report_cancel(worker_reports(t->w), &t->c->down);
		while (order_post(t, order_new(t, do_drop, 0)))
			(void)usleep(1000);     /* memory comes back */
	}
	mem_deref(t->w);
}

static int text_dup(const char **dst, const char *src)
{
	char *s = NULL;
	int err = src ? str_dup(&s, src) : 0;

	*dst = s;
	return err;
}

static int conn_alloc(struct conn **cp, struct turnlink *t,
		      const struct turnlink_conf *conf)
{
	struct conn *c = mem_zalloc(sizeof *c, conn_destructor);
	struct sa none;
	int err;

	if (!c)
		return ENOMEM;
	sa_init(&none, AF_UNSPEC);
	link_init(&c->l, &server_ops, IPPROTO_UDP, &none, NULL);
	c->w = t->w;
	c->reports = worker_reports(t->w);
	c->conf.transp = conf->transp;
	c->conf.dst = c->server = conf->dst;
	err = outside_alloc(&c->outside, &c->server);
	err |= text_dup(&c->conf.connect, conf->connect);
	err |= text_dup(&c->conf.login, conf->login);
	err |= text_dup(&c->conf.name, conf->name);
	err |= text_dup(&c->conf.ca, conf->ca);
	c->up.h = up_handler;
	c->down.h = down_handler;
	c->up.arg = c->down.arg = t;
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

int turnlink_open(struct turnlink **tp, struct worker *w,
		  const struct turnlink_conf *conf,
		  const struct turnlink_handlers *h, void *arg)
{
	struct turnlink *t;
	struct conn *c;
	int err;

	if (!tp || !w || !conf || !h)
		return EINVAL;
	t = mem_zalloc(sizeof *t, turnlink_destructor);
	if (!t)
		return ENOMEM;
	t->w = mem_ref(w);
	t->h = *h;
	t->arg = arg;
	err = conn_alloc(&c, t, conf);
	if (!err) {
		err = loop_post(worker_loop(w), start_handler, c);
		if (err)
			mem_deref(c);
		else
			t->c = c;
	}
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

int turnlink_send(struct turnlink *t, const uint8_t *buf, size_t len)
{
	if (!t || !sa_isset(&t->local, SA_PORT))
		return ENOTCONN;
	return worker_send(t->w, IPPROTO_UDP, &t->local, &t->server, buf,
			   len);
}

int turnlink_relayed(struct turnlink *t, const struct sa *relayed)
{
	struct order *o = order_new(t, do_relayed, 0);

	if (o)
		o->sa = *relayed;
	return order_post(t, o);
}

int turnlink_bind(struct turnlink *t, uint16_t channel,
		  const struct sa *peer)
{
	struct order *o = order_new(t, do_bind, 0);

	if (o) {
		o->sa = *peer;
		o->channel = channel;
	}
	return order_post(t, o);
}

int turnlink_last(struct turnlink *t, const uint8_t *buf, size_t len)
{
	struct order *o = order_new(t, do_last, len);

	if (o)
		memcpy(o->buf, buf, len);
	return order_post(t, o);
}
