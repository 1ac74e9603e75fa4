/*
 * transp.c: SIP's transport layer (RFC 3261 section 18) for one account.
 *
 *   sock   one local address: a UDP socket, TCP and TLS listeners
 *   pool   the streams, made or accepted
 *
 * Used by stack.c for the client transactions, uastrans.c and ua.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/connpool.h"
#include "sipd/ua/local.h"
#include "sipd/sip/response.h"
#include "sipd/sip/sipudp.h"
#include "sipd/ua/transp.h"

enum {
	PORT_TRIES = 16,
	BACKLOG    = 128,       /* libre's 5 have others wait a second */
};

struct sock {
	struct le le;
	struct transp *t;
	struct sipudp *u;
	struct tcp_sock *ts, *tls;
	struct sa udp, tcp, tlsa;
};

struct transp {
	struct timers *timers;
	struct transp_conf conf;
	char *interfaces;
	struct tlsctx *tlsctx;
	struct list sockl;
	struct connpool *pool;
	struct sipcounts counts;
};

static void sock_destructor(void *arg)
{
	struct sock *s = arg;

	list_unlink(&s->le);
	if (s->u)
		sipudp_close(s->u);
	mem_deref(s->u);
	mem_deref(s->ts);
	mem_deref(s->tls);
}

static void transp_destructor(void *arg)
{
	struct transp *t = arg;

	transp_flush(t);
	mem_deref(t->pool);
	mem_deref(t->tlsctx);
	mem_deref(t->interfaces);
}

/* ---- facts from below ---- */

static void conn_msg_handler(const struct sip_msg *msg, void *arg)
{
	struct transp *t = arg;

	t->conf.msgh(msg, t->conf.arg);
}

static void conn_fail_handler(const struct sipconn *c, int err,
			      const char *why, void *arg)
{
	struct transp *t = arg;

	t->conf.failh(c, sipconn_secure(c) ? SIP_TRANSP_TLS : SIP_TRANSP_TCP,
		      sipconn_peer(c), err, why, t->conf.arg);
}

static void tcp_handler(const struct sa *peer, void *arg)
{
	struct sock *s = arg;

	connpool_accept(s->t->pool, s->ts, peer, false);
}

static void tls_handler(const struct sa *peer, void *arg)
{
	struct sock *s = arg;

	connpool_accept(s->t->pool, s->tls, peer, true);
}

static void udp_msg_handler(struct sip_msg *msg, void *arg)
{
	struct transp *t = arg;

	t->conf.msgh(msg, t->conf.arg);
}

static void udp_news_handler(const struct sa *dst, int err, void *arg)
{
	struct transp *t = arg;

	t->conf.failh(NULL, SIP_TRANSP_UDP, dst, err, "", t->conf.arg);
}

static void udp_stun_handler(struct sipudp *u, const struct sa *src,
			     struct mbuf *mb, void *arg)
{
	struct transp *t = arg;
	(void)u;

	t->conf.stunh(src, mb, t->conf.arg);
}

/* ---- sockets ---- */

/* TLS is the next port. Without a certificate nobody can connect to us. */
static int tls_listen(struct sock *s)
{
	uint16_t port = sa_port(&s->tcp);
	int err;

	s->tlsa = s->tcp;
	if (!tlsctx_has_cert(s->t->tlsctx))
		return 0;
	if (port == 65535)
		return EADDRINUSE;
	sa_set_port(&s->tlsa, (uint16_t)(port + 1));
	err = tcp_listen(&s->tls, &s->tlsa, tls_handler, s);
	return err ? err : tcp_sock_listen(s->tls, BACKLOG);
}

static int sock_open(struct sock *s, const struct sa *laddr, uint16_t port)
{
	const struct sipudp_conf conf = {
		.timers = s->t->timers, .quota = s->t->conf.quota,
		.counts = &s->t->counts, .msgh = udp_msg_handler,
		.newsh = udp_news_handler, .stunh = udp_stun_handler,
		.arg = s->t,
	};
	struct sa addr = *laddr;
	int err;

	sa_set_port(&addr, port);
	err = sipudp_open(&s->u, &conf, &addr);
	if (err)
		return err;
	s->udp = *sipudp_addr(s->u);
	s->tcp = s->udp;
	err = tcp_listen(&s->ts, &s->tcp, tcp_handler, s);
	if (!err)
		err = tcp_sock_listen(s->ts, BACKLOG);
	return err ? err : tls_listen(s);
}

static struct sock *sock_at(const struct transp *t, const struct sa *addr)
{
	for (struct le *le = t->sockl.head; le; le = le->next) {
		struct sock *s = le->data;

		if (sa_cmp(&s->udp, addr, SA_ADDR))
			return s;
	}
	return NULL;
}

static int open_at(struct transp *t, const struct sa *laddr, uint16_t port)
{
	struct sock *s = mem_zalloc(sizeof *s, sock_destructor);
	int err;

	if (!s)
		return ENOMEM;
	s->t = t;
	err = sock_open(s, laddr, port);
	if (err)
		mem_deref(s);
	else
		list_append(&t->sockl, &s->le, s);
	return err;
}

/* The port of the other addresses, if any. */
static uint16_t common_port(const struct transp *t)
{
	const struct sock *first = list_ledata(t->sockl.head);

	return t->conf.port ? t->conf.port : first ? sa_port(&first->udp) : 0;
}

int transp_open(struct transp *t, const struct sa *laddr)
{
	int err;

	if (sock_at(t, laddr))
		return 0;
	err = open_at(t, laddr, common_port(t));
	for (unsigned i = 0; err == EADDRINUSE && !t->conf.port &&
	     i < PORT_TRIES; i++)
		err = open_at(t, laddr, 0);
	return err;
}

static bool listed(const struct sa *v, size_t n, const struct sa *sa)
{
	for (size_t i = 0; i < n; i++)
		if (sa_cmp(&v[i], sa, SA_ADDR))
			return true;
	return false;
}

static int open_all(struct transp *t, const struct sa *v, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (sock_at(t, &v[i]))
			continue;
		err = open_at(t, &v[i], common_port(t));
		/* gone again, or still tentative (IPv6): not ours yet */
		if (err == EADDRNOTAVAIL)
			err = 0;
	}
	return err;
}

int transp_sync(struct transp *t, bool all)
{
	struct sa v[LOCAL_MAX];
	size_t n = local_addrs(v, t->interfaces);
	struct le *le = t->sockl.head;
	bool fresh;
	int err;

	while (le) {
		struct sock *s = le->data;

		le = le->next;
		if (!listed(v, n, &s->udp))
			mem_deref(s);
	}
	connpool_drop(t->pool);
	if (!all)
		return 0;
	fresh = !t->sockl.head;
	err = open_all(t, v, n);
	/* any port will do, if only it is the same everywhere */
	for (unsigned i = 0; err == EADDRINUSE && fresh && !t->conf.port &&
	     i < PORT_TRIES; i++) {
		list_flush(&t->sockl);
		err = open_all(t, v, n);
	}
	for (size_t i = 0; err == EADDRINUSE && !t->conf.port && i < n; i++)
		err = transp_open(t, &v[i]);
	return err;
}

void transp_flush(struct transp *t)
{
	connpool_flush(t->pool);
	list_flush(&t->sockl);
}

/* The socket on the address that leads to dst. */
static struct sock *sock_to(struct transp *t, const struct sa *dst)
{
	struct sa src, v[LOCAL_MAX];
	struct sock *s;
	size_t n;

	if (local_route(&src, dst))
		return NULL;
	s = sock_at(t, &src);
	if (s)
		return s;
	n = local_addrs(v, t->interfaces);
	if (listed(v, n, &src) && !transp_open(t, &src))
		return sock_at(t, &src);
	for (struct le *le = t->sockl.head; le; le = le->next) {
		s = le->data;
		if (sa_af(&s->udp) == sa_af(dst))
			return s;
	}
	return NULL;
}

/* Nobody can connect to us by TLS without a certificate of ours: then the
 * connection itself is the address, which servers know to reuse. */
static int conn_addr(struct transp *t, struct sa *laddr,
		     const struct hop *hop)
{
	struct sipconn *c;
	int err = connpool_get(&c, t->pool, hop);

	if (!err)
		*laddr = *sipconn_local(c);
	return err;
}

int transp_local(struct transp *t, struct sa *laddr, const struct hop *hop)
{
	struct sock *s;

	if (hop->tp == SIP_TRANSP_TLS && !tlsctx_has_cert(t->tlsctx))
		return conn_addr(t, laddr, hop);
	s = sock_to(t, &hop->dst);
	if (!s)
		return EHOSTUNREACH;
	*laddr = hop->tp == SIP_TRANSP_UDP ? s->udp :
		hop->tp == SIP_TRANSP_TCP ? s->tcp : s->tlsa;
	return 0;
}

/* In the order of now: sockets are in that of when they were opened, and the
 * loopback's stays when all others have gone and come. */
int transp_first(const struct transp *t, struct sa *laddr)
{
	struct sa v[LOCAL_MAX];
	const size_t n = local_addrs(v, t->interfaces);

	for (size_t i = 0; i < n; i++) {
		const struct sock *s = sock_at(t, &v[i]);

		if (!s)
			continue;
		*laddr = s->udp;
		return 0;
	}
	return ENOENT;
}

static struct sock *sock_of(const struct transp *t, const void *u)
{
	for (struct le *le = t->sockl.head; le; le = le->next) {
		struct sock *s = le->data;

		if (s->u == u)
			return s;
	}
	return NULL;
}

int transp_send(struct transp *t, const struct hop *hop, struct mbuf *mb,
		const void **sockp)
{
	struct sipconn *c;
	struct sock *s;
	int err;

	if (!response_is(mb))           /* whom we ask may answer */
		quota_exempt(t->conf.quota, &hop->dst);
	if (hop->tp == SIP_TRANSP_UDP) {
		s = hop->sock ? sock_of(t, hop->sock) : NULL;
		if (!s)
			s = sock_to(t, &hop->dst);
		if (sockp)
			*sockp = NULL;
		return s ? sipudp_send(s->u, &hop->dst, mb) : EHOSTUNREACH;
	}
	if (hop->tp != SIP_TRANSP_TCP && hop->tp != SIP_TRANSP_TLS)
		return EPROTONOSUPPORT;
	err = connpool_get(&c, t->pool, hop);
	if (err)
		return err;
	if (sockp)
		*sockp = c;
	return sipconn_send(c, mb);
}

int transp_ping(struct transp *t, const struct hop *hop, unsigned wait)
{
	static char crlf[] = "\r\n\r\n";
	struct mbuf mb = { .buf = (uint8_t *)crlf, .size = 4, .end = 4 };

	if (hop->tp == SIP_TRANSP_UDP)
		return transp_send(t, hop, &mb, NULL);
	return sipconn_open(hop->sock) ? sipconn_ping(hop->sock, wait)
		: ENOTCONN;
}

int transp_alloc(struct transp **tp, struct timers *timers,
		 const struct transp_conf *conf)
{
	struct connpool_conf cc = {
		.timers = timers, .quota = conf->quota,
		.msgh = conn_msg_handler,
		.failh = conn_fail_handler,
	};
	struct transp *t;
	int err;

	t = mem_zalloc(sizeof *t, transp_destructor);
	if (!t)
		return ENOMEM;
	t->timers = timers;
	t->conf = *conf;
	err = tlsctx_alloc(&t->tlsctx, conf->ca, conf->cert);
	if (!err && conf->interfaces)
		err = str_dup(&t->interfaces, conf->interfaces);
	cc.tls = t->tlsctx;
	cc.counts = &t->counts;
	cc.arg = t;
	if (!err)
		err = connpool_alloc(&t->pool, &cc);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}
