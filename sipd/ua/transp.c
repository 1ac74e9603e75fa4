/*
 * transp.c: SIP's transport layer (RFC 3261 section 18) for one account.
 *
 *   sock   one local address: a UDP socket, TCP and TLS listeners
 *   link   a stream, made or accepted, found by the peer's address
 *
 * Used by the transactions (uactrans.c, uastrans.c) and ua.c.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "sipd/ua/local.h"
#include "sipd/ua/sipconn.h"
#include "sipd/ua/sipudp.h"
#include "sipd/ua/transp.h"

enum {
	CONN_BUCKETS = 256,
	CONN_MAX     = 4096,    /* accepted at a time */
	CONNECT_TIME = 8000,    /* ms */
	PORT_TRIES   = 16,
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
	struct hash *conns;     /* links[], by peer */
	unsigned connc;
};

/* A place in the table; sipconn.c does not know that it is in one. */
struct link {
	struct le he;
	struct transp *t;
	struct sipconn *c;
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

static void link_destructor(void *arg)
{
	struct link *l = arg;

	hash_unlink(&l->he);
	--l->t->connc;
	if (l->c)
		sipconn_close(l->c);
	mem_deref(l->c);
}

static void transp_destructor(void *arg)
{
	struct transp *t = arg;

	transp_flush(t);
	mem_deref(t->conns);
	mem_deref(t->tlsctx);
	mem_deref(t->interfaces);
}

/* ---- streams ---- */

static void conn_msg_handler(struct sip_msg *msg, void *arg)
{
	struct link *l = arg;

	l->t->conf.msgh(msg, l->t->conf.arg);
}

static void conn_close_handler(struct sipconn *c, int err, const char *why,
			       void *arg)
{
	struct link *l = arg;
	struct transp *t = l->t;

	mem_deref(l);
	t->conf.failh(c, sipconn_secure(c) ? SIP_TRANSP_TLS : SIP_TRANSP_TCP,
		      sipconn_peer(c), err, why, t->conf.arg);
}

static struct link *link_new(struct transp *t, const struct sa *peer)
{
	struct link *l = mem_zalloc(sizeof *l, link_destructor);

	if (!l)
		return NULL;
	l->t = t;
	++t->connc;
	hash_append(t->conns, sa_hash(peer, SA_ALL), &l->he, l);
	return l;
}

static struct sipconn_conf sipconn_conf(struct link *l, bool tls)
{
	return (struct sipconn_conf){
		.timers = l->t->timers, .tls = tls ? l->t->tlsctx : NULL,
		.msgh = conn_msg_handler, .closeh = conn_close_handler,
		.arg = l,
	};
}

static void accept_on(struct sock *s, struct tcp_sock *ts,
		      const struct sa *peer, bool tls)
{
	struct link *l = NULL;
	struct sipconn_conf cc;

	if (s->t->connc < CONN_MAX)
		l = link_new(s->t, peer);
	if (!l) {
		tcp_reject(ts);
		return;
	}
	cc = sipconn_conf(l, tls);
	if (sipconn_accept(&l->c, &cc, ts, peer)) {
		tcp_reject(ts);
		mem_deref(l);
	}
}

static void tcp_handler(const struct sa *peer, void *arg)
{
	struct sock *s = arg;

	accept_on(s, s->ts, peer, false);
}

static void tls_handler(const struct sa *peer, void *arg)
{
	struct sock *s = arg;

	accept_on(s, s->tls, peer, true);
}

/* A connection verified for one name is not used for another. An address
 * instead of a name comes from within a dialog: any connection to it will
 * do, it was verified when it was made, or the peer made it. */
static bool name_fits(const struct sipconn *c, const char *name)
{
	struct sa sa;

	if (!sipconn_secure(c) || !name || !sa_set_str(&sa, name, 0))
		return true;
	return sipconn_name(c) && !strcasecmp(sipconn_name(c), name);
}

static struct sipconn *conn_find(const struct transp *t, const struct hop *hop)
{
	struct le *le = list_head(hash_list(t->conns,
					    sa_hash(&hop->dst, SA_ALL)));

	for (; le; le = le->next) {
		struct link *l = le->data;

		if (sipconn_secure(l->c) == (hop->tp == SIP_TRANSP_TLS) &&
		    sa_cmp(sipconn_peer(l->c), &hop->dst, SA_ALL) &&
		    name_fits(l->c, hop->name))
			return l->c;
	}
	return NULL;
}

static int conn_get(struct sipconn **cp, struct transp *t,
		    const struct hop *hop)
{
	struct sipconn_conf cc;
	struct link *l;
	int err;

	*cp = hop->sock;
	if (sipconn_open(*cp))
		return 0;
	*cp = conn_find(t, hop);
	if (*cp)
		return 0;
	l = link_new(t, &hop->dst);
	if (!l)
		return ENOMEM;
	cc = sipconn_conf(l, hop->tp == SIP_TRANSP_TLS);
	err = sipconn_connect(&l->c, &cc, &hop->dst, hop->name,
			      hop->timeout ? hop->timeout : CONNECT_TIME);
	if (err)
		mem_deref(l);
	else
		*cp = l->c;
	return err;
}

/* ---- UDP ---- */

static void udp_msg_handler(const struct sip_msg *msg, void *arg)
{
	struct transp *t = arg;

	t->conf.msgh(msg, t->conf.arg);
}

static void udp_news_handler(const struct sa *dst, int err, void *arg)
{
	struct transp *t = arg;

	t->conf.failh(NULL, SIP_TRANSP_UDP, dst, err, "", t->conf.arg);
}

static void udp_stun_handler(const struct sa *src, const struct mbuf *mb,
			     void *arg)
{
	struct transp *t = arg;

	t->conf.stunh(src, mb, t->conf.arg);
}

/* ---- sockets ---- */

/* TLS is the next port. Without a certificate nobody can connect to us. */
static int tls_listen(struct sock *s)
{
	uint16_t port = sa_port(&s->tcp);

	s->tlsa = s->tcp;
	if (!tlsctx_has_cert(s->t->tlsctx))
		return 0;
	if (port == 65535)
		return EADDRINUSE;
	sa_set_port(&s->tlsa, (uint16_t)(port + 1));
	return tcp_listen(&s->tls, &s->tlsa, tls_handler, s);
}

static int sock_open(struct sock *s, const struct sa *laddr, uint16_t port)
{
	const struct sipudp_conf conf = {
		.timers = s->t->timers, .msgh = udp_msg_handler,
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

static bool gone_handler(struct le *le, void *arg)
{
	const struct link *l = le->data;
	(void)arg;

	return sipconn_open(l->c) && !local_has(sipconn_local(l->c));
}

/* Connections from an address that is gone are dead, and would not say so. */
static void conns_drop(struct transp *t)
{
	struct le *le;

	while ((le = hash_apply(t->conns, gone_handler, NULL)) != NULL) {
		struct link *l = le->data;

		sipconn_abort(l->c, ENETDOWN);
	}
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
	conns_drop(t);
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
	hash_flush(t->conns);
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
	int err = conn_get(&c, t, hop);

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

int transp_first(const struct transp *t, struct sa *laddr)
{
	const struct sock *s = list_ledata(t->sockl.head);

	if (!s)
		return ENOENT;
	*laddr = s->udp;
	return 0;
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

	if (hop->tp == SIP_TRANSP_UDP) {
		s = hop->sock ? sock_of(t, hop->sock) : NULL;
		if (!s)
			s = sock_to(t, &hop->dst);
		if (sockp)
			*sockp = s ? s->u : NULL;
		return s ? sipudp_send(s->u, &hop->dst, mb) : EHOSTUNREACH;
	}
	if (hop->tp != SIP_TRANSP_TCP && hop->tp != SIP_TRANSP_TLS)
		return EPROTONOSUPPORT;
	err = conn_get(&c, t, hop);
	if (err)
		return err;
	if (sockp)
		*sockp = c;
	return sipconn_send(c, mb);
}

int transp_ping(struct transp *t, const struct hop *hop, bool expect)
{
	static char crlf[] = "\r\n\r\n";
	struct mbuf mb = { .buf = (uint8_t *)crlf, .size = 4, .end = 4 };

	if (hop->tp == SIP_TRANSP_UDP)
		return transp_send(t, hop, &mb, NULL);
	return sipconn_open(hop->sock) ? sipconn_ping(hop->sock, expect)
		: ENOTCONN;
}

bool transp_reliable(enum sip_transp tp)
{
	return tp == SIP_TRANSP_TCP || tp == SIP_TRANSP_TLS;
}

int transp_alloc(struct transp **tp, struct timers *timers,
		 const struct transp_conf *conf)
{
	struct transp *t;
	int err;

	t = mem_zalloc(sizeof *t, transp_destructor);
	if (!t)
		return ENOMEM;
	t->timers = timers;
	t->conf = *conf;
	err = hash_alloc(&t->conns, CONN_BUCKETS);
	if (!err && conf->interfaces)
		err = str_dup(&t->interfaces, conf->interfaces);
	if (!err)
		err = tlsctx_alloc(&t->tlsctx, conf->ca, conf->cert);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}
