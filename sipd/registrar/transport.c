/*
 * transport.c: the registrar's sockets.
 *
 *   listen ──> listener: sipudp, one each ──> messages ──┐
 *                  └──> sipconn (accepted) ──> messages ─┴──> recvh
 *
 * Owns listeners and connections; a flow names one of them and the peer.
 * Called by the transactions and the registrar, who see only flows.
 */
#include <string.h>
#include "sipd/sip/sipconn.h"
#include "sipd/sip/sipudp.h"
#include "sipd/sip/tlsctx.h"
#include "sipd/registrar/listen.h"
#include "sipd/registrar/stun.h"
#include "sipd/registrar/transport.h"

enum {
	LISTENERS_MAX = 256,
	CONNS_MAX     = 16384,
	CONNS_BUCKETS = 1024,
	RESCAN        = 5,              /* s */
	DATAGRAM      = 49152,          /* bytes */
	BACKLOG       = 1024,           /* libre's 5 have others wait a second */
};

struct listener {
	struct transport *tr;
	uint32_t id;
	enum sip_transp tp;
	struct sa laddr;
	struct sipudp *udp;
	struct tcp_sock *ts;
	bool seen;              /* by the scan under way */
};

struct transport {
	struct timers *timers;
	struct transport_conf conf;
	struct listen_addr wantv[LISTEN_MAX];
	unsigned wantc;
	struct listener *lsnv[LISTENERS_MAX];   /* by id; NULL: gone */
	unsigned lsnc;
	struct hash *conns;
	struct tlsctx *tls;
	struct timer rescan;
	struct transport_stats stats;
};

/* ---- flows ---- */

bool flow_cmp(const struct flow *a, const struct flow *b)
{
	return a->lsn == b->lsn && sa_cmp(&a->peer, &b->peer, SA_ALL);
}

static struct listener *listener_of(const struct transport *tr,
				    const struct flow *flow)
{
	return flow->lsn < tr->lsnc ? tr->lsnv[flow->lsn] : NULL;
}

struct conn_entry {
	struct le he;
	struct transport *tr;
	struct flow flow;
	struct sipconn *conn;
};

static bool entry_cmp_handler(struct le *le, void *arg)
{
	const struct conn_entry *e = le->data;

	return flow_cmp(&e->flow, arg);
}

static struct conn_entry *entry_find(const struct transport *tr,
				     const struct flow *flow)
{
	return list_ledata(hash_lookup(tr->conns,
				       sa_hash(&flow->peer, SA_ALL),
				       entry_cmp_handler, (void *)flow));
}

bool transport_alive(const struct transport *tr, const struct flow *flow)
{
	const struct listener *lsn = listener_of(tr, flow);

	return lsn && (lsn->udp || entry_find(tr, flow));
}

const struct sa *transport_laddr(const struct transport *tr,
				 const struct flow *flow,
				 enum sip_transp *tp)
{
	const struct listener *lsn = listener_of(tr, flow);

	if (!lsn)
		return NULL;
	*tp = lsn->tp;
	return &lsn->laddr;
}

bool transport_isladdr(const struct transport *tr, const struct sa *sa)
{
	for (unsigned i = 0; i < tr->lsnc; i++) {
		const struct listener *lsn = tr->lsnv[i];

		if (lsn && sa_cmp(&lsn->laddr, sa, SA_ADDR) &&
		    (!sa_port(sa) || sa_port(sa) == sa_port(&lsn->laddr)))
			return true;
	}
	return false;
}

int transport_send(struct transport *tr, const struct flow *flow,
		   struct mbuf *mb)
{
	struct listener *lsn = listener_of(tr, flow);
	struct conn_entry *e;

	if (!lsn)
		return ENOTCONN;
	++tr->stats.sent;
	if (lsn->udp)
		return sipudp_send(lsn->udp, &flow->peer, mb);
	e = entry_find(tr, flow);
	return e ? sipconn_send(e->conn, mb) : ENOTCONN;
}

struct trans_way transport_way(const struct transport *tr,
			       const struct flow *flow)
{
	const struct listener *lsn = listener_of(tr, flow);

	return (struct trans_way){
		lsn ? lsn->tp : SIP_TRANSP_NONE, flow->peer, flow->lsn
	};
}

int transport_send_way(const struct trans_way *way, struct mbuf *mb,
		       void *arg)
{
	const struct flow flow = { (uint32_t)way->link, way->dst };

	return transport_send(arg, &flow, mb);
}

/* ---- receiving ---- */

static void udp_handler(struct sip_msg *msg, void *arg)
{
	struct listener *lsn = arg;
	struct transport *tr = lsn->tr;
	const struct flow flow = { lsn->id, msg->src };

	tr->conf.recvh(msg, &flow, tr->conf.arg);
}

static void stun_handler(struct sipudp *u, const struct sa *src,
			 struct mbuf *mb, void *arg)
{
	struct listener *lsn = arg;

	stun_answer(sipudp_sock(u), src, mb, lsn->tr->conf.quota);
}

static void entry_destructor(void *arg)
{
	struct conn_entry *e = arg;

	hash_unlink(&e->he);
	--e->tr->stats.connections;
	if (e->conn)
		sipconn_close(e->conn);
	mem_deref(e->conn);
}

static void conn_msg_handler(struct sip_msg *msg, void *arg)
{
	struct conn_entry *e = arg;
	struct transport *tr = e->tr;

	tr->conf.recvh(msg, &e->flow, tr->conf.arg);
}

static void conn_close_handler(struct sipconn *c, int err, const char *why,
			       void *arg)
{
	struct conn_entry *e = arg;
	struct transport *tr = e->tr;
	const struct flow flow = e->flow;
	(void)c;
	(void)err;
	(void)why;

	mem_deref(e);
	tr->conf.closeh(&flow, tr->conf.arg);
}

static int entry_alloc(struct listener *lsn, const struct sa *peer)
{
	struct transport *tr = lsn->tr;
	struct sipconn_conf conf = {
		.timers = tr->timers,
		.tls = lsn->tp == SIP_TRANSP_TLS ? tr->tls : NULL,
		.quota = tr->conf.quota, .counts = &tr->stats.in,
		.idle = tr->conf.idle,
		.msgh = conn_msg_handler, .closeh = conn_close_handler,
	};
	struct conn_entry *e;
	int err;

	if (tr->stats.connections >= CONNS_MAX) {
		quota_full(tr->conf.quota, peer, CONNS_MAX);
		return ENOSPC;
	}
	if (quota_take(tr->conf.quota, peer, 0) != QUOTA_PASS) {
		++tr->stats.in.limited;
		return EBUSY;
	}
	e = mem_zalloc(sizeof *e, entry_destructor);
	if (!e)
		return ENOMEM;
	e->tr = tr;
	++tr->stats.connections;
	e->flow.lsn = lsn->id;
	e->flow.peer = *peer;
	conf.arg = e;
	err = sipconn_accept(&e->conn, &conf, lsn->ts, peer);
	if (err) {
		mem_deref(e);
		return err;
	}
	hash_append(tr->conns, sa_hash(peer, SA_ALL), &e->he, e);
	return 0;
}

static void tcp_handler(const struct sa *peer, void *arg)
{
	struct listener *lsn = arg;

	if (entry_alloc(lsn, peer))
		tcp_reject(lsn->ts);
}

/* ---- listeners ---- */

static void listener_destructor(void *arg)
{
	struct listener *lsn = arg;

	if (lsn->udp)
		sipudp_close(lsn->udp);
	mem_deref(lsn->udp);
	mem_deref(lsn->ts);
}

static int listener_open(struct listener *lsn)
{
	const struct transport *tr = lsn->tr;
	const struct sipudp_conf conf = {
		.timers = tr->timers, .quota = tr->conf.quota,
		.counts = &lsn->tr->stats.in, .longest = DATAGRAM,
		.msgh = udp_handler,
		.stunh = tr->conf.stun ? stun_handler : NULL, .arg = lsn,
	};
	int err;

	if (lsn->tp != SIP_TRANSP_UDP) {
		err = tcp_listen(&lsn->ts, &lsn->laddr, tcp_handler, lsn);
		if (!err)
			err = tcp_sock_listen(lsn->ts, BACKLOG);
		return err ? err : tcp_local_get(lsn->ts, &lsn->laddr);
	}
	err = sipudp_open(&lsn->udp, &conf, &lsn->laddr);
	if (!err)
		lsn->laddr = *sipudp_addr(lsn->udp);
	return err;
}

/* The slot of that address, one that is gone before a new one. */
static unsigned slot_find(const struct transport *tr, enum sip_transp tp,
			  const struct sa *sa)
{
	unsigned slot = tr->lsnc;

	for (unsigned i = 0; i < tr->lsnc; i++) {
		const struct listener *lsn = tr->lsnv[i];

		if (!lsn)
			slot = i;
		else if (lsn->tp == tp && sa_port(sa) &&
			 sa_cmp(&lsn->laddr, sa, SA_ALL))
			return i;
	}
	return slot;
}

static int listener_handler(enum sip_transp tp, const struct sa *sa,
			    void *arg)
{
	struct transport *tr = arg;
	const unsigned slot = slot_find(tr, tp, sa);
	struct listener *lsn;
	int err;

	if (slot < tr->lsnc && tr->lsnv[slot]) {
		tr->lsnv[slot]->seen = true;
		return 0;
	}
	if (slot >= LISTENERS_MAX)
		return ENOSPC;
	lsn = mem_zalloc(sizeof *lsn, listener_destructor);
	if (!lsn)
		return ENOMEM;
	lsn->tr = tr;
	lsn->id = slot;
	lsn->tp = tp;
	lsn->laddr = *sa;
	lsn->seen = true;
	err = listener_open(lsn);
	if (err) {
		mem_deref(lsn);
		return err;
	}
	tr->lsnv[slot] = lsn;
	tr->lsnc = MAX(tr->lsnc, slot + 1);
	return 0;
}

/* One of a wildcard's addresses may be tentative still, or going. */
static int wild_handler(enum sip_transp tp, const struct sa *sa, void *arg)
{
	const int err = listener_handler(tp, sa, arg);

	return err == EADDRNOTAVAIL ? 0 : err;
}

static int want_open(struct transport *tr, const struct listen_addr *la)
{
	return listen_apply(la, sa_is_any(&la->sa) ? wild_handler :
			    listener_handler, tr);
}

/* Wildcards again; addresses that went take their socket with them. Given
 * addresses stay: they may come back. */
static void rescan_handler(void *arg)
{
	struct transport *tr = arg;
	bool wild = false;

	for (unsigned i = 0; i < tr->lsnc; i++)
		if (tr->lsnv[i])
			tr->lsnv[i]->seen = false;
	for (unsigned i = 0; i < tr->wantc; i++) {
		if (sa_port(&tr->wantv[i].sa))
			(void)want_open(tr, &tr->wantv[i]);
		wild = wild || sa_is_any(&tr->wantv[i].sa);
	}
	if (!wild)
		return;
	for (unsigned i = 0; i < tr->lsnc; i++)
		if (tr->lsnv[i] && !tr->lsnv[i]->seen)
			tr->lsnv[i] = mem_deref(tr->lsnv[i]);
	(void)timer_start(tr->timers, &tr->rescan, RESCAN * SEC,
			  rescan_handler, tr);
}

/* ---- the whole ---- */

static void transport_destructor(void *arg)
{
	struct transport *tr = arg;

	timer_stop(&tr->rescan);
	hash_flush(tr->conns);
	mem_deref(tr->conns);
	for (unsigned i = 0; i < tr->lsnc; i++)
		mem_deref(tr->lsnv[i]);
	mem_deref(tr->tls);
}

static int tls_open(struct transport *tr, char *why, size_t why_size)
{
	const char *cert = tr->conf.tls_cert;
	int err;

	if (!cert || !*cert) {
		re_snprintf(why, why_size, "listen has tls: but no"
			    " certificate is given (tls-cert)");
		return EINVAL;
	}
	err = tlsctx_alloc(&tr->tls, NULL, cert);
	if (err == EINVAL)
		re_snprintf(why, why_size, "%s: cannot be read as a PEM file"
			    " with a certificate and its key", cert);
	return err;
}

static int open_all(struct transport *tr, char *why, size_t why_size)
{
	int err = 0;

	for (unsigned i = 0; i < tr->wantc && !err; i++) {
		const struct listen_addr *la = &tr->wantv[i];

		if (la->tp == SIP_TRANSP_TLS && !tr->tls)
			err = tls_open(tr, why, why_size);
		if (err)
			return err;
		err = want_open(tr, la);
		if (err)
			re_snprintf(why, why_size, "cannot listen on %s %J:"
				    " %m", sip_transp_name(la->tp), &la->sa,
				    err);
	}
	return err;
}

int transport_alloc(struct transport **tp, struct timers *timers,
		    const struct transport_conf *conf, char *why,
		    size_t why_size)
{
	struct transport *tr;
	int err;

	tr = mem_zalloc(sizeof *tr, transport_destructor);
	if (!tr)
		return ENOMEM;
	tr->timers = timers;
	tr->conf = *conf;
	err = hash_alloc(&tr->conns, CONNS_BUCKETS);
	if (!err)
		err = listen_decode(tr->wantv, &tr->wantc, conf->listen, why,
				    why_size);
	if (!err)
		err = open_all(tr, why, why_size);
	if (!err)
		err = timer_start(timers, &tr->rescan, RESCAN * SEC,
				  rescan_handler, tr);
	if (err) {
		mem_deref(tr);
		return err;
	}
	tr->conf.listen = tr->conf.tls_cert = NULL;     /* the caller's */
	*tp = tr;
	return 0;
}

const struct transport_stats *transport_stats(const struct transport *tr)
{
	return &tr->stats;
}

int transport_print(struct re_printf *pf, const struct transport *tr)
{
	int err = re_hprintf(pf, "[");
	bool more = false;

	for (unsigned i = 0; i < tr->lsnc; i++) {
		const struct listener *lsn = tr->lsnv[i];

		if (!lsn)
			continue;
		err |= re_hprintf(pf, "%s\"%s:%J\"", more ? "," : "",
				  lsn->tp == SIP_TRANSP_UDP ? "udp" :
				  lsn->tp == SIP_TRANSP_TCP ? "tcp" : "tls",
				  &lsn->laddr);
		more = true;
	}
	return err | re_hprintf(pf, "]");
}
