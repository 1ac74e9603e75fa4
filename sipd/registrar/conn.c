/*
 * conn.c: messages out of a byte stream (RFC 3261 section 18.3), pings
 * answered (RFC 5626 section 4.4.1).
 *
 * Owns the socket, its TLS and what has come of an unfinished message. The
 * head is looked at before libre decodes it; `need` remembers how long the
 * whole message is. transport.c accepts and keeps these.
 */
#include <errno.h>
#include <string.h>
#include <netinet/tcp.h>
#include "sdp/base/recompat.h"
#include "sipd/ua/malformed.h"
#include "sipd/ua/precheck.h"
#include "sipd/registrar/conn.h"

enum {
	FIRST_TIMEOUT = 10,     /* s from accept to the first message, TLS
	                           included, and for an unfinished one to
	                           become complete */
	KEEPIDLE      = 60,     /* s, TCP keepalive finds dead clients */
	KEEPINTVL     = 15,
	KEEPCNT       = 4,
};

struct conn {
	struct conn_conf conf;
	struct tcp_conn *tc;
	struct tls_conn *sc;
	struct mbuf *mb;        /* unread bytes from pos to end; NULL: none */
	size_t need;            /* bytes of the message at pos; 0: unknown */
	size_t head;            /* of them, up to the body */
	bool partial;           /* the timer runs for an unfinished one */
	bool entered;           /* the quota counts it: no message yet */
	struct timer timer;
	struct sa laddr;
	struct sa peer;
};

static void leave(struct conn *c)
{
	if (c->entered)
		quota_leave(c->conf.quota, &c->peer);
	c->entered = false;
}

static void conn_destructor(void *arg)
{
	struct conn *c = arg;

	leave(c);
	timer_stop(&c->timer);
	mem_deref(c->sc);
	mem_deref(c->tc);
	mem_deref(c->mb);
}

static void conn_close(struct conn *c)
{
	if (!c->tc)
		return;
	timer_stop(&c->timer);
	c->sc = mem_deref(c->sc);
	c->tc = mem_deref(c->tc);
	c->conf.closeh(c, c->conf.arg);
}

static void timeout_handler(void *arg)
{
	conn_close(arg);
}

static void close_handler(int err, void *arg)
{
	(void)err;
	conn_close(arg);
}

int conn_send(struct conn *c, struct mbuf *mb)
{
	return c->tc ? tcp_send(c->tc, mb) : ENOTCONN;
}

/* CRLF CRLF is a ping, answered by CRLF; a single CRLF between messages means
 * nothing. False if more must come to tell. */
static bool take_crlf(struct conn *c)
{
	static uint8_t crlf[] = "\r\n";
	struct mbuf pong = { crlf, 2, 0, 2 };
	const uint8_t *p = mbuf_buf(c->mb);
	const size_t n = mbuf_get_left(c->mb);

	if (n >= 4 && !memcmp(p, "\r\n\r\n", 4)) {
		c->mb->pos += 4;
		(void)conn_send(c, &pong);
		return true;
	}
	if (n < 4 && !memcmp(p, "\r\n\r\n", n))
		return false;
	c->mb->pos += p[0] == '\r' && p[1] == '\n' ? 2 : 1;
	return true;
}

/* EBUSY: it was told before. */
static int malformed(struct conn *c, const uint8_t *p, size_t n)
{
	struct mbuf *answer;
	struct sa dst;

	if (quota_take(c->conf.quota, &c->peer, 0) != QUOTA_PASS)
		return EBUSY;
	if (malformed_answer(&answer, &dst, false, p, n))
		return 0;
	(void)conn_send(c, answer);
	mem_deref(answer);
	return 0;
}

/* Find how long the message at pos is, once its head is complete. */
static int measure(struct conn *c)
{
	struct precheck pc;
	int err = precheck(&pc, mbuf_buf(c->mb), mbuf_get_left(c->mb));

	if (err)
		return err == ENODATA ? 0 : err;
	if (!pc.has_clen)
		return EBADMSG;         /* RFC 3261 section 18.3 */
	c->head = pc.head;
	c->need = pc.head + pc.clen;
	return 0;
}

static int hand_over(struct conn *c, struct sip_msg *msg)
{
	enum quota_verdict v;

	c->partial = false;
	msg->src = c->peer;
	msg->dst = c->laddr;
	msg->tp = c->conf.tls ? SIP_TRANSP_TLS : SIP_TRANSP_TCP;
	leave(c);
	v = quota_take(c->conf.quota, &c->peer, 0);
	if (v != QUOTA_DROP)
		c->conf.recvh(c, msg, v, c->conf.arg);
	return v == QUOTA_DROP ? EBUSY : 0;
}

/* As a message of its own, so that it can outlive us. */
static int deliver(struct conn *c)
{
	struct mbuf *mb = mbuf_alloc(c->need);
	struct sip_msg *msg = NULL;
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_write_mem(mb, mbuf_buf(c->mb), c->need);
	mb->pos = 0;
	c->mb->pos += c->need;
	c->need = 0;
	if (!err && sip_msg_decode(&msg, mb))
		err = malformed(c, mb->buf, mb->end);   /* others share it */
	else if (!err)
		err = mb->pos == c->head ? hand_over(c, msg) : EBADMSG;
	mem_deref(msg);
	mem_deref(mb);
	return err;
}

/* Take what is complete; 0 also when more must come. */
static int take_messages(struct conn *c)
{
	int err = 0;

	while (!err && c->tc && mbuf_get_left(c->mb)) {
		const uint8_t first = *mbuf_buf(c->mb);

		if (!c->need && (first == '\r' || first == '\n')) {
			if (!take_crlf(c))
				break;
			continue;
		}
		if (!c->need)
			err = measure(c);
		if (err || !c->need || c->need > mbuf_get_left(c->mb))
			break;
		err = deliver(c);
	}
	return err;
}

static int append(struct conn *c, const struct mbuf *mb)
{
	const size_t left = mbuf_get_left(c->mb);
	int err;

	if (!c->mb)
		c->mb = mbuf_alloc(mbuf_get_left(mb));
	if (!c->mb)
		return ENOMEM;
	memmove(c->mb->buf, mbuf_buf(c->mb), left);
	c->mb->pos = c->mb->end = left;
	err = mbuf_write_mem(c->mb, mbuf_buf(mb), mbuf_get_left(mb));
	c->mb->pos = 0;
	return err;
}

/* A trickle of bytes does not keep a connection open, messages do. */
static int timer_renew(struct conn *c)
{
	const bool was = c->partial;

	c->partial = mbuf_get_left(c->mb) > 0;
	if (!c->partial)
		c->mb = mem_deref(c->mb);
	if (c->partial && was)
		return 0;
	return timer_start(c->conf.timers, &c->timer,
			   (c->partial ? FIRST_TIMEOUT : c->conf.idle) * SEC,
			   timeout_handler, c);
}

static void recv_handler(struct mbuf *mb, void *arg)
{
	struct conn *c = mem_ref(arg);
	int err = append(c, mb);

	if (!err)
		err = take_messages(c);
	if (c->tc && (err == EBADMSG || err == EMSGSIZE))
		(void)malformed(c, mbuf_buf(c->mb), mbuf_get_left(c->mb));
	if (!err && c->tc)
		err = timer_renew(c);
	if (err)
		conn_close(c);
	mem_deref(c);
}

static void estab_handler(void *arg)
{
	(void)arg;
}

static void keepalive_set(struct tcp_conn *tc)
{
	static const struct {
		int level, name, val;
	} optv[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPIDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPINTVL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPCNT },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(optv); i++)
		(void)setsockopt(tcp_conn_fd(tc), optv[i].level, optv[i].name,
				 &optv[i].val, sizeof optv[i].val);
}

int conn_accept(struct conn **cp, struct tcp_sock *ts, const struct sa *peer,
		const struct conn_conf *conf)
{
	struct conn *c = mem_zalloc(sizeof *c, conn_destructor);
	int err;

	if (!c)
		return ENOMEM;
	c->conf = *conf;
	c->peer = *peer;
	c->entered = quota_enter(conf->quota, peer);
	err = !c->entered ? EBUSY :
		tcp_accept(&c->tc, ts, estab_handler, recv_handler,
			   close_handler, c);
	if (!err)
		err = tcp_conn_local_get(c->tc, &c->laddr);
	if (!err && conf->tls)
		err = tls_start_tcp(&c->sc, conf->tls, c->tc, 0);
	if (!err)
		err = timer_start(conf->timers, &c->timer,
				  FIRST_TIMEOUT * SEC, timeout_handler, c);
	if (err) {
		mem_deref(c);
		return err;
	}
	keepalive_set(c->tc);
	*cp = c;
	return 0;
}
