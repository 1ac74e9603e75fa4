/*
 * turnconn.c: a connection to a TURN server from its opening to its end, and
 * the links of its relayed addresses.
 *
 *   flow --> rlink --[channel | packet]--> UDP in batches, or TCP, TLS
 *   worker_rx <-- local: relayed, src: peer <-- [channel | packet]
 *
 * The table of links owns all of it: the connection itself stands in there
 * too (it is what control sends by), so that a worker that stops leaves
 * nothing behind. Called by turnlink.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/flow/turnconn.h"
#include "tunnels/flow/turnin.h"
#include "tunnels/flow/turnout.h"

#define LINGER (300 * MSEC)

static int say(struct turnconn *c, const uint8_t *buf, size_t len)
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

static void conn_close(struct turnconn *c)
{
	if (c->last_len && !c->ended)
		(void)say(c, c->last, c->last_len);
	c->last_len = 0;
	timer_stop(&c->linger);
	loop_unwatch(&c->lf);
	c->udp = mem_deref(c->udp);
	c->tcp = mem_deref(c->tcp);
}

static void destructor(void *arg)
{
	struct turnconn *c = arg;

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
static void conn_gone(struct turnconn *c)
{
	for (int i = 0; i < 2; i++) {
		if (c->relayed[i])
			worker_link_del(&c->relayed[i]->l);
		c->relayed[i] = NULL;
	}
	conn_close(c);
	worker_link_del(&c->l);
}

static void ended(struct turnconn *c, int err, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	c->err = err;
	str_ncpy(c->why, why, sizeof c->why);
	report_tell(c->reports, &c->down, c->down.h, c->down.arg);
}

static int relay_write(struct link *l, const struct sa *remote,
		       const uint8_t *buf, size_t len, size_t seg,
		       size_t *done)
{
	struct turnconn *c = ((struct rlink *)(void *)l)->c;
	const struct turnchan *ch = turnout_chan(c, remote);

	*done = len;
	if (!ch || c->ended || !seg)
		return ENOTCONN;
	return turnout_write(c, ch, buf, len, seg, done);
}

static const struct link_ops relay_ops = { relay_write };

static int server_write(struct link *l, const struct sa *remote,
			const uint8_t *buf, size_t len, size_t seg,
			size_t *done)
{
	struct turnconn *c = (struct turnconn *)(void *)l;
	(void)remote;
	(void)seg;

	*done = len;
	return c->ended ? ENOTCONN : say(c, buf, len);
}

static const struct link_ops server_ops = { server_write };

static void room(struct turnconn *c)
{
	for (int i = 0; i < 2; i++)
		if (c->relayed[i])
			link_room(&c->relayed[i]->l);
}

static void udp_events(uint32_t events, void *arg)
{
	struct turnconn *c = arg;

	if (events & EPOLLOUT) {
		(void)loop_rewatch(&c->lf, EPOLLIN);
		if (turnout_flush(c) != EAGAIN)
			room(c);
	}
	/* ICMP errors come as errors of read: the server may be back soon */
	if (events & ~(uint32_t)EPOLLOUT)
		(void)udp_batch_read(c->udp, turnin_udp, c);
}

/* -- up and down -------------------------------------------------------- */

static void is_up(struct turnconn *c)
{
	report_tell(c->reports, &c->up, c->up.h, c->up.arg);
}

static void tcp_up(void *arg)
{
	struct turnconn *c = arg;

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

static int open_tcp(struct turnconn *c)
{
	static const struct tcpconn_handlers h = {
		tcp_up, turnin_tcp, tcp_room, tcp_down
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
static int open_udp(struct turnconn *c)
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

void turnconn_start(void *data)
{
	struct turnconn *c = data;
	int err;

	worker_link_add(c->w, &c->l);
	mem_deref(c);           /* the table's from here on */
	err = c->conf.transp == TURNLINK_UDP ? open_udp(c) : open_tcp(c);
	if (err)
		ended(c, err, err == ENOENT ? "the file of tls-ca cannot be"
		      " used" : strerror(err));
}

void turnconn_relayed(struct turnconn *c, const struct sa *relayed)
{
	struct rlink **rp = &c->relayed[sa_af(relayed) == AF_INET6];
	struct rlink *r;

	if (*rp)
		return;
	r = mem_zalloc(sizeof *r, rlink_destructor);
	if (!r)
		return;
	r->c = mem_ref(c);
	link_init(&r->l, &relay_ops, IPPROTO_UDP, relayed, NULL);
	worker_link_add(c->w, &r->l);
	*rp = r;
	mem_deref(r);           /* the table has it */
}

void turnconn_bind(struct turnconn *c, uint16_t channel, const struct sa *peer)
{
	if (turnout_chan(c, peer) || c->chanc == TURNLINK_CHANNELS)
		return;
	c->chanv[c->chanc].number = channel;
	c->chanv[c->chanc++].peer = *peer;
}

void turnconn_last(struct turnconn *c, const uint8_t *buf, size_t len)
{
	free(c->last);
	c->last = malloc(len);
	c->last_len = c->last ? len : 0;
	if (c->last)
		memcpy(c->last, buf, len);
}

static void linger_handler(void *arg)
{
	conn_gone(arg);
}

void turnconn_drop(struct turnconn *c)
{
	if (c->last_len && !c->ended &&
	    !timer_start(loop_timers(worker_loop(c->w)), &c->linger, LINGER,
			 linger_handler, c))
		return;
	conn_gone(c);
}

static int text_dup(const char **dst, const char *src)
{
	char *s = NULL;
	int err = src ? str_dup(&s, src) : 0;

	*dst = s;
	return err;
}

int turnconn_alloc(struct turnconn **cp, struct worker *w,
		   const struct turnlink_conf *conf)
{
	struct turnconn *c = mem_zalloc(sizeof *c, destructor);
	struct sa none;
	int err;

	if (!c)
		return ENOMEM;
	sa_init(&none, AF_UNSPEC);
	link_init(&c->l, &server_ops, IPPROTO_UDP, &none, NULL);
	c->w = w;
	c->reports = worker_reports(w);
	c->conf.transp = conf->transp;
	c->conf.dst = c->server = conf->dst;
	err = outside_alloc(&c->outside, &c->server);
	err |= text_dup(&c->conf.connect, conf->connect);
	err |= text_dup(&c->conf.login, conf->login);
	err |= text_dup(&c->conf.name, conf->name);
	err |= text_dup(&c->conf.ca, conf->ca);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}
