/*
 * connpool.c: streams found by the peer's address (RFC 3261 section 18.1.1:
 * connections are reused), made on demand, and accepted up to a limit.
 *
 * transp.c owns the pool; the pool owns the connections, which messages may
 * outlive.
 */
#include <errno.h>
#include <strings.h>
#include "sipd/ua/connpool.h"
#include "sipd/ua/local.h"

enum {
	BUCKETS      = 256,
	CONN_MAX     = 4096,    /* accepted at a time */
	CONNECT_TIME = 8000,    /* ms */
	IDLE_TIME    = 900,     /* s */
};

struct connpool {
	struct connpool_conf conf;
	struct hash *links;     /* by peer */
	unsigned n;
};

/* A place in the pool; sipconn.c does not know that it is in one. */
struct link {
	struct le he;
	struct connpool *p;
	struct sipconn *c;
	bool ours;              /* we have made it */
};

static void link_destructor(void *arg)
{
	struct link *l = arg;

	hash_unlink(&l->he);
	--l->p->n;
	if (l->c)
		sipconn_close(l->c);
	mem_deref(l->c);
}

static void connpool_destructor(void *arg)
{
	struct connpool *p = arg;

	hash_flush(p->links);
	mem_deref(p->links);
}

static void msg_handler(struct sip_msg *msg, void *arg)
{
	struct link *l = arg;

	l->p->conf.msgh(msg, l->p->conf.arg);
}

static void close_handler(struct sipconn *c, int err, const char *why,
			  void *arg)
{
	struct link *l = arg;
	struct connpool *p = l->p;

	mem_deref(l);
	p->conf.failh(c, err, why, p->conf.arg);
}

static struct link *link_new(struct connpool *p, const struct sa *peer)
{
	struct link *l = mem_zalloc(sizeof *l, link_destructor);

	if (!l)
		return NULL;
	l->p = p;
	++p->n;
	hash_append(p->links, sa_hash(peer, SA_ALL), &l->he, l);
	return l;
}

static struct sipconn_conf conn_conf(struct link *l, bool tls)
{
	return (struct sipconn_conf){
		.timers = l->p->conf.timers,
		.tls = tls ? l->p->conf.tls : NULL,
		.quota = l->p->conf.quota,
		.counts = l->p->conf.counts, .idle = IDLE_TIME,
		.msgh = msg_handler, .closeh = close_handler, .arg = l,
	};
}

void connpool_accept(struct connpool *p, struct tcp_sock *ts,
		     const struct sa *peer, bool tls)
{
	struct link *l = NULL;
	struct sipconn_conf cc;

	if (p->n >= CONN_MAX)
		quota_full(p->conf.quota, peer, CONN_MAX);
	else if (quota_take(p->conf.quota, peer, 0) == QUOTA_PASS)
		l = link_new(p, peer);
	if (!l) {
		tcp_reject(ts);
		return;
	}
	cc = conn_conf(l, tls);
	if (sipconn_accept(&l->c, &cc, ts, peer)) {
		tcp_reject(ts);
		mem_deref(l);
	}
}

/* A connection verified for one name is not used for another. An address
 * instead of a name comes from within a dialog, or from the user: it was
 * verified when the connection was made, if it was made by us. ACK and CANCEL
 * (no name) follow their INVITE. */
static bool name_fits(const struct sipconn *c, const char *name)
{
	const char *own = sipconn_name(c);
	struct sa sa;

	if (!sipconn_secure(c) || !name)
		return true;
	return own && (!sa_set_str(&sa, name, 0) || !strcasecmp(own, name));
}

static struct sipconn *find(const struct connpool *p, const struct hop *hop)
{
	struct le *le = list_head(hash_list(p->links,
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

int connpool_get(struct sipconn **cp, struct connpool *p,
		 const struct hop *hop)
{
	struct sipconn_conf cc;
	struct link *l;
	int err;

	*cp = hop->sock;
	if (sipconn_open(*cp))
		return 0;
	*cp = find(p, hop);
	if (*cp)
		return 0;
	l = link_new(p, &hop->dst);
	if (!l)
		return ENOMEM;
	cc = conn_conf(l, hop->tp == SIP_TRANSP_TLS);
	err = sipconn_connect(&l->c, &cc, &hop->dst, hop->name,
			      hop->timeout ? hop->timeout : CONNECT_TIME);
	l->ours = true;
	if (err)
		mem_deref(l);
	else
		*cp = l->c;
	return err;
}

/* What we would connect now has another source: packets of the old one may
 * leave by a way that does not know them. */
static bool misled(const struct link *l)
{
	struct sa src;

	return l->ours && !local_route(&src, sipconn_peer(l->c)) &&
		!sa_cmp(&src, sipconn_local(l->c), SA_ADDR);
}

static bool gone_handler(struct le *le, void *arg)
{
	const struct link *l = le->data;
	(void)arg;

	return sipconn_open(l->c) &&
		(!local_has(sipconn_local(l->c)) || misled(l));
}

/* They are dead, and would not say so. */
void connpool_drop(struct connpool *p)
{
	struct le *le;

	while ((le = hash_apply(p->links, gone_handler, NULL)) != NULL) {
		struct link *l = le->data;

		sipconn_abort(l->c, ENETDOWN);
	}
}

void connpool_flush(struct connpool *p)
{
	if (p)
		hash_flush(p->links);
}

int connpool_alloc(struct connpool **pp, const struct connpool_conf *conf)
{
	struct connpool *p = mem_zalloc(sizeof *p, connpool_destructor);

	if (!p)
		return ENOMEM;
	p->conf = *conf;
	if (hash_alloc(&p->links, BUCKETS)) {
		mem_deref(p);
		return ENOMEM;
	}
	*pp = p;
	return 0;
}
