/*
 * sipconn.c: SIP on a stream (RFC 3261 section 18.3), framed by its lengths.
 *
 *   connecting --> open --> closed        closed is final; whoever holds a
 *                                         reference then gets ENOTCONN
 * Nothing is decoded before precheck.c has seen all of it. connpool.c and the
 * registrar's transport.c own the connections; messages refer to theirs.
 */
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "sdp/base/outside.h"
#include "sdp/base/recompat.h"
#include "sipd/sip/sipconn.h"
#include "sipd/sip/malformed.h"
#include "sipd/sip/precheck.h"
#include "sipd/sip/response.h"

enum {
	ACCEPT_TIME = 10,       /* s until the first message, TLS included,
	                           and for each to become complete */
	LOST_TIME   = 20,       /* s */
	HOLD_TIME   = 25,       /* s, TCP's keepalive keeps a NAT between us
	                           and a server awake ... */
	KEEPIDLE    = 60,       /* ... and finds dead peers ... */
	KEEPINTVL   = 15,       /* ... who owe us nothing */
	KEEPCNT     = 4,
	QUEUE_MAX   = 32,       /* messages until connected */
	SENDQ_MAX   = 1 << 20,  /* bytes a slow reader may owe us */
};

struct sipconn {
	struct sipconn_conf conf;
	struct tcp_conn *tc;    /* NULL: closed */
	struct tls_conn *sc;
	struct sa peer, local;
	struct outside *outside;        /* if it was made by us */
	char *name;
	struct mbuf *rx;        /* what came and is not a message yet */
	struct mbuf *txv[QUEUE_MAX];
	unsigned txc;
	struct timer idle, pong;
	bool up;
	bool unproven;          /* accepted, and no message came yet */
	bool partial;           /* the timer runs for an unfinished one */
};

static void queue_drop(struct sipconn *c)
{
	while (c->txc)
		mem_deref(c->txv[--c->txc]);
}

static void proven(struct sipconn *c)
{
	if (c->unproven)
		quota_leave(c->conf.quota, &c->peer);
	c->unproven = false;
}

static void sipconn_destructor(void *arg)
{
	struct sipconn *c = arg;

	sipconn_close(c);
	mem_deref(c->outside);
	mem_deref(c->rx);
	mem_deref(c->name);
}

void sipconn_close(struct sipconn *c)
{
	timer_stop(&c->idle);
	timer_stop(&c->pong);
	proven(c);
	queue_drop(c);
	c->sc = mem_deref(c->sc);
	c->tc = mem_deref(c->tc);
}

static void fail(struct sipconn *c, int err)
{
	char why[128] = "";

	if (!c->tc)
		return;
	if (tlsctx_fault(c->conf.tls, why, sizeof why))
		err = EACCES;
	mem_ref(c);
	sipconn_close(c);
	c->conf.closeh(c, err ? err : ECONNRESET, why, c->conf.arg);
	mem_deref(c);
}

void sipconn_abort(struct sipconn *c, int err)
{
	fail(c, err);
}

static void timeout_handler(void *arg)
{
	fail(arg, ETIMEDOUT);
}

static void idle_start(struct sipconn *c, uint64_t seconds)
{
	(void)timer_start(c->conf.timers, &c->idle, seconds * SEC,
			  timeout_handler, c);
}

static void estab_handler(void *arg)
{
	struct sipconn *c = arg;
	int err = 0;

	c->up = true;
	if (!c->unproven)
		idle_start(c, c->conf.idle);
	for (unsigned i = 0; i < c->txc && !err; i++)
		err = tcp_send(c->tc, c->txv[i]);
	queue_drop(c);
	if (err)
		fail(c, err);
}

static void close_handler(int err, void *arg)
{
	fail(arg, err);
}

/* CRLF between messages: two are a ping (answered by one), one is a pong. */
static bool skip_crlf(struct sipconn *c)
{
	static char crlf[] = "\r\n";
	struct mbuf pong = { .buf = (uint8_t *)crlf, .size = 2, .end = 2 };
	const uint8_t *p = mbuf_buf(c->rx);
	size_t n = mbuf_get_left(c->rx);

	if (n < 2 || memcmp(p, "\r\n", 2))
		return false;
	if (!c->unproven)
		idle_start(c, c->conf.idle);
	if (n >= 4 && !memcmp(p, "\r\n\r\n", 4)) {
		c->rx->pos += 4;
		if (tcp_send(c->tc, &pong))
			fail(c, EPIPE);
	}
	else {
		c->rx->pos += 2;
	}
	return true;
}

int sipconn_send(struct sipconn *c, struct mbuf *mb)
{
	if (!c->tc)
		return ENOTCONN;
	if (c->up)
		return tcp_send(c->tc, mb);
	if (c->txc >= QUEUE_MAX)
		return ENOBUFS;
	c->txv[c->txc++] = mem_ref(mb);
	return 0;
}

/* EBUSY: it was told before. */
static int hand_over(struct sipconn *c, struct sip_msg *msg)
{
	const enum quota_verdict v = quota_take(c->conf.quota, &c->peer, 0);
	struct mbuf *mb;
	struct sa dst;

	++c->conf.counts->received;
	c->conf.counts->limited += v != QUOTA_PASS;
	switch (v) {

	case QUOTA_PASS:
		c->conf.msgh(msg, c->conf.arg);
		return 0;
	case QUOTA_REFUSE:
		if (response_busy(&mb, &dst, msg))
			return 0;
		(void)sipconn_send(c, mb);
		mem_deref(mb);
		return 0;
	default:
		return EBUSY;
	}
}

/* EBUSY: it was told before. */
static int malformed(struct sipconn *c, const uint8_t *p, size_t n)
{
	struct mbuf *answer;
	struct sa dst;

	++c->conf.counts->dropped;
	if (quota_take(c->conf.quota, &c->peer, 0) != QUOTA_PASS)
		return EBUSY;
	if (malformed_answer(&answer, &dst, false, p, n))
		return 0;
	(void)sipconn_send(c, answer);
	mem_deref(answer);
	return 0;
}

static int deliver(struct sipconn *c, size_t head, size_t total)
{
	struct sip_msg *msg = NULL;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(total);
	if (!mb)
		return ENOMEM;
	(void)mbuf_write_mem(mb, mbuf_buf(c->rx), total);
	c->rx->pos += total;
	mb->pos = 0;
	err = sip_msg_decode(&msg, mb);
	if (!err && mb->pos != head)
		err = EBADMSG;
	if (!err) {
		msg->sock = mem_ref(c);
		msg->src = c->peer;
		msg->dst = c->local;
		msg->tp = c->conf.tls ? SIP_TRANSP_TLS : SIP_TRANSP_TCP;
		proven(c);
		c->partial = false;
		idle_start(c, c->conf.idle);
		err = hand_over(c, msg);
	}
	else if (!msg) {                        /* others share this way */
		err = malformed(c, mb->buf, mb->end);
	}
	mem_deref(msg);
	mem_deref(mb);
	return err;
}

/* One message or CRLF; ENODATA when there is none. */
static int next(struct sipconn *c)
{
	struct precheck pc;
	int err;

	if (!mbuf_get_left(c->rx))
		return ENODATA;
	if (skip_crlf(c))
		return 0;
	if (mbuf_buf(c->rx)[0] == '\r' && mbuf_get_left(c->rx) == 1)
		return ENODATA;
	err = precheck(&pc, mbuf_buf(c->rx), mbuf_get_left(c->rx));
	if (err)
		return err;
	if (!pc.has_clen)
		return EBADMSG;         /* RFC 3261 section 18.3 */
	if (mbuf_get_left(c->rx) < pc.head + pc.clen)
		return ENODATA;
	return deliver(c, pc.head, pc.head + pc.clen);
}

/* Keep only what is left, at the beginning of the buffer. */
static void squeeze(struct sipconn *c)
{
	size_t left = mbuf_get_left(c->rx);

	if (!left) {
		c->rx = mem_deref(c->rx);
		return;
	}
	memmove(c->rx->buf, mbuf_buf(c->rx), left);
	c->rx->pos = 0;
	c->rx->end = left;
}

/* A trickle of bytes does not keep a connection open, messages do. */
static void partial_check(struct sipconn *c)
{
	const bool was = c->partial;

	c->partial = c->rx != NULL;
	if (c->partial && !was && !c->unproven)
		idle_start(c, ACCEPT_TIME);
	else if (was && !c->partial)            /* it was a ping */
		idle_start(c, c->conf.idle);
}

static void recv_handler(struct mbuf *mb, void *arg)
{
	struct sipconn *c = arg;
	size_t pos;
	int err = 0;

	mem_ref(c);
	timer_stop(&c->pong);           /* any sign of life will do */
	if (!c->rx)
		c->rx = mbuf_alloc(mbuf_get_left(mb));
	if (!c->rx) {
		err = ENOMEM;
		goto out;
	}
	pos = c->rx->pos;
	c->rx->pos = c->rx->end;
	err = mbuf_write_mem(c->rx, mbuf_buf(mb), mbuf_get_left(mb));
	c->rx->pos = pos;
	while (!err && c->tc)           /* a handler may close us */
		err = next(c);
	if (c->tc && (err == EBADMSG || err == EMSGSIZE) && c->rx)
		(void)malformed(c, mbuf_buf(c->rx), mbuf_get_left(c->rx));
	if (c->tc) {
		squeeze(c);
		partial_check(c);
	}
 out:
	if (err && err != ENODATA)
		fail(c, err);
	mem_deref(c);
}

static struct sipconn *sipconn_new(const struct sipconn_conf *conf,
				   const struct sa *peer)
{
	struct sipconn *c = mem_zalloc(sizeof *c, sipconn_destructor);

	if (!c)
		return NULL;
	c->conf = *conf;
	c->peer = *peer;
	return c;
}

/* RFC 5482: what is sent and not acknowledged tells of a dead peer long before
 * TCP would. A request after another must not wait 40 ms for TCP's answer. */
static void tune(struct tcp_conn *tc, int keepidle)
{
	const struct {
		int level, name, val;
	} optv[] = {
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, LOST_TIME * 1000 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, keepidle },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPINTVL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPCNT },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(optv); i++)
		(void)setsockopt((int)tcp_conn_fd(tc), optv[i].level,
				 optv[i].name, &optv[i].val,
				 sizeof optv[i].val);
}

static int begin(struct sipconn *c)
{
	int err = tcp_conn_local_get(c->tc, &c->local);

	/* CRLF, 95 s at the least if nothing else is known (RFC 5626 section
	 * 4.4.1), comes too late for some NATs */
	tune(c->tc, c->unproven ? KEEPIDLE : HOLD_TIME);
	tcp_conn_txqsz_set(c->tc, SENDQ_MAX);
	if (!err && c->conf.tls)
		err = tlsctx_start(&c->sc, c->conf.tls, c->tc, c->name);
	return err;
}

int sipconn_connect(struct sipconn **cp, const struct sipconn_conf *conf,
		    const struct sa *peer, const char *name, uint32_t timeout)
{
	struct sipconn *c = sipconn_new(conf, peer);
	int err;

	if (!c)
		return ENOMEM;
	err = conf->tls ? name ? str_dup(&c->name, name) : EACCES : 0;
	if (!err)
		err = tcp_connect(&c->tc, peer, estab_handler, recv_handler,
				  close_handler, c);
	if (!err)
		err = outside_alloc(&c->outside, peer);
	if (!err)
		err = begin(c);
	if (!err)
		err = timer_start(conf->timers, &c->idle, timeout * MSEC,
				  timeout_handler, c);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

int sipconn_accept(struct sipconn **cp, const struct sipconn_conf *conf,
		   struct tcp_sock *ts, const struct sa *peer)
{
	struct sipconn *c = sipconn_new(conf, peer);
	int err;

	if (!c)
		return ENOMEM;
	c->unproven = quota_enter(conf->quota, peer);
	if (!c->unproven) {
		mem_deref(c);
		return EBUSY;
	}
	err = tcp_accept(&c->tc, ts, estab_handler, recv_handler,
			 close_handler, c);
	if (!err)
		err = begin(c);
	if (err) {
		mem_deref(c);
		return err;
	}
	idle_start(c, ACCEPT_TIME);
	*cp = c;
	return 0;
}

int sipconn_ping(struct sipconn *c, unsigned wait)
{
	static char crlf[] = "\r\n\r\n";
	struct mbuf mb = { .buf = (uint8_t *)crlf, .size = 4, .end = 4 };
	int err;

	if (!c->tc || !c->up)
		return ENOTCONN;
	err = tcp_send(c->tc, &mb);
	if (err || !wait || (c->pong.heap &&
			     c->pong.when <= clock_ns() + wait * SEC))
		return err;
	return timer_start(c->conf.timers, &c->pong, wait * SEC,
			   timeout_handler, c);
}

bool sipconn_open(const struct sipconn *c)
{
	return c && c->tc;
}

bool sipconn_secure(const struct sipconn *c)
{
	return c->conf.tls != NULL;
}

const struct sa *sipconn_peer(const struct sipconn *c)
{
	return &c->peer;
}

const struct sa *sipconn_local(const struct sipconn *c)
{
	return &c->local;
}

const char *sipconn_name(const struct sipconn *c)
{
	return c->name;
}
