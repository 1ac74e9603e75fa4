/*
 * mapper.c: sockets, timers and gateways of the port mapping.
 *
 *   default routes --> one gate each: udp_sock <-> [portmap] <-> fetch
 *   224.0.0.1:5350 (announcements) --> all gates
 *   any gate's external address changes --> mappedh(all of them)
 *
 * Called by house.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "modules/path/fetch.h"
#include "modules/path/mapper.h"
#include "modules/path/netif.h"
#include "modules/path/pcp.h"
#include "modules/path/route.h"
#include "sdp/base/recompat.h"

#define HTTP_LIMIT  (5 * SEC)
#define CLOSE_LIMIT SEC

enum { GATES_MAX = PATH_MAPPINGS_MAX };

struct gate {
	struct le le;
	struct mapper *m;
	struct sa gateway, local;
	struct udp_sock *us;
	struct fetch *fetch;
	struct portmap *p;
	struct timer timer;
};

struct mapper {
	struct mapper_conf conf;
	char *interfaces;
	struct list gatel;
	struct rc_fd announce;
	struct path_mapping mapv[GATES_MAX];
	size_t mapc;
	struct timer closing;
	void (*doneh)(void *arg);       /* NULL: not closing */
	void *arg;
};

static void gate_destructor(void *arg)
{
	struct gate *g = arg;

	list_unlink(&g->le);
	timer_stop(&g->timer);
	mem_deref(g->fetch);
	mem_deref(g->us);
	mem_deref(g->p);
}

static void mapper_destructor(void *arg)
{
	struct mapper *m = arg;

	timer_stop(&m->closing);
	list_flush(&m->gatel);
	if (m->announce.fd >= 0) {
		rc_fd_close(&m->announce);
		(void)close(m->announce.fd);
	}
	mem_deref(m->interfaces);
}

/* --- what follows of any change ---------------------------------------- */

static void closed_handler(void *arg)
{
	struct mapper *m = arg;

	m->doneh(m->arg);
}

static void note_mappings(struct mapper *m)
{
	struct path_mapping v[GATES_MAX];
	size_t n = 0;
	struct le *le;

	memset(v, 0, sizeof v);
	LIST_FOREACH(&m->gatel, le) {
		const struct gate *g = le->data;

		if (!sa_isset(portmap_external(g->p), SA_ALL))
			continue;
		sa_cpy(&v[n].base, &g->local);
		sa_cpy(&v[n++].external, portmap_external(g->p));
	}
	/* where they differ in padding, the same is told once more.
	 * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (n == m->mapc && !memcmp(v, m->mapv, sizeof v))
		return;
	memcpy(m->mapv, v, sizeof v);
	m->mapc = n;
	if (!m->doneh)
		m->conf.mappedh(m->mapv, n, m->conf.arg);
}

/* By a timer, for whoever closes may drop us in its handler. */
static void note_closed(struct mapper *m)
{
	struct le *le;

	if (!m->doneh)
		return;
	LIST_FOREACH(&m->gatel, le)
		if (!portmap_released(((struct gate *)le->data)->p))
			return;
	(void)timer_start(m->conf.timers, &m->closing, 0, closed_handler, m);
}

static void gate_timer(void *arg);

static void settle(struct gate *g)
{
	/* room in the heap was made when the gate was */
	(void)timer_start_at(g->m->conf.timers, &g->timer,
			     portmap_next(g->p), gate_timer, g);
	note_mappings(g->m);
	note_closed(g->m);
}

static void gate_timer(void *arg)
{
	struct gate *g = arg;

	portmap_tick(g->p, clock_ns());
	settle(g);
}

static void udp_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct gate *g = arg;

	portmap_recv(g->p, src, mbuf_buf(mb), mbuf_get_left(mb), clock_ns());
	settle(g);
}

static void fetch_handler(unsigned scode, const struct pl *body, void *arg)
{
	struct gate *g = arg;
	struct fetch *f = g->fetch;

	g->fetch = NULL;
	portmap_http(g->p, scode, body, clock_ns());
	mem_deref(f);
	settle(g);
}

static void announce_handler(int flags, void *arg)
{
	struct mapper *m = arg;
	uint8_t buf[PCP_MSG_MAX];
	struct le *le, *next;
	struct sa src;
	ssize_t n;
	(void)flags;

	sa_init(&src, AF_UNSPEC);
	src.len = sizeof src.u;
	n = recvfrom(m->announce.fd, buf, sizeof buf, MSG_DONTWAIT,
		     &src.u.sa, &src.len);
	for (le = m->gatel.head; n > 0 && le; le = next) {
		struct gate *g = le->data;

		next = le->next;
		portmap_recv(g->p, &src, buf, (size_t)n, clock_ns());
		settle(g);
	}
}

/* --- what a gateway is sent -------------------------------------------- */

static void send_udp(const struct sa *dst, const uint8_t *buf, size_t len,
		     void *arg)
{
	const struct gate *g = arg;
	struct mbuf mb = { .buf = (uint8_t *)buf, .size = len, .end = len };

	(void)udp_send(g->us, dst, &mb);
}

static int send_http(const struct sa *dst, const char *req, size_t len,
		     void *arg)
{
	struct gate *g = arg;

	return fetch_alloc(&g->fetch, g->m->conf.timers, HTTP_LIMIT, dst,
			   req, len, fetch_handler, g);
}

/* --- gateways ---------------------------------------------------------- */

static int gate_open(struct gate *g)
{
	const struct portmap_conf pc = {
		.gateway = g->gateway, .local = g->local,
		.nonce = g->m->conf.nonce,
		.udph = send_udp, .httph = send_http, .arg = g,
	};
	struct sa local = g->local;
	int err;

	sa_set_port(&local, 0);
	err = udp_listen(&g->us, &local, udp_handler, g);
	if (!err && sa_af(&local) == AF_INET)
		err = udp_setsockopt(g->us, IPPROTO_IP, IP_MULTICAST_IF,
				     &local.u.in.sin_addr,
				     sizeof local.u.in.sin_addr);
	if (!err)
		err = portmap_alloc(&g->p, &pc);
	if (!err)
		err = timer_start(g->m->conf.timers, &g->timer, 0,
				  gate_timer, g);
	return err;
}

static int gate_add(struct mapper *m, const struct sa *gateway,
		    const struct sa *local)
{
	struct gate *g = mem_zalloc(sizeof *g, gate_destructor);
	int err;

	if (!g)
		return ENOMEM;
	g->m = m;
	g->gateway = *gateway;
	g->local = *local;
	err = gate_open(g);
	if (err)
		mem_deref(g);
	else
		list_append(&m->gatel, &g->le, g);
	return err;
}

struct look {
	struct netif netv[NETIF_MAX];
	struct route routev[ROUTES_MAX];
	size_t netc, routec;
	struct list gonel;              /* gates whose route is not seen yet */
};

/* Our address by which the outside is reached through that gateway, if the
 * peer may be told it. By IPv6 the kernel would take a link-local one. */
static bool local_of(struct sa *local, const struct look *lk,
		     const struct route *r, const struct mapper *m)
{
	bool v4 = sa_af(&r->gateway) == AF_INET;
	struct sa want;

	if (v4 && netif_source(&want, &r->gateway))
		return false;
	for (size_t i = 0; i < lk->netc; i++) {
		const struct netif *n = &lk->netv[i];

		if (n->index != r->index ||
		    sa_af(&n->addr) != sa_af(&r->gateway) ||
		    (v4 && !sa_cmp(&n->addr, &want, SA_ADDR)))
			continue;
		*local = n->addr;
		sa_set_port(local, v4 ? m->conf.port4 : m->conf.port6);
		return sa_port(local) != 0;
	}
	return false;
}

static struct gate *find(const struct list *l, const struct sa *gateway,
			 const struct sa *local)
{
	struct le *le;

	LIST_FOREACH(l, le) {
		struct gate *g = le->data;

		if (sa_cmp(&g->gateway, gateway, SA_ADDR) &&
		    sa_cmp(&g->local, local, SA_ALL))
			return g;
	}
	return NULL;
}

/* A gateway that stays keeps its mapping. */
static void take_route(struct mapper *m, struct look *lk,
		       const struct route *r)
{
	struct gate *g;
	struct sa local;

	if (list_count(&m->gatel) == GATES_MAX ||
	    !local_of(&local, lk, r, m) ||
	    find(&m->gatel, &r->gateway, &local))
		return;
	g = find(&lk->gonel, &r->gateway, &local);
	if (!g) {
		(void)gate_add(m, &r->gateway, &local);
		return;
	}
	list_unlink(&g->le);
	list_append(&m->gatel, &g->le, g);
}

void mapper_changed(struct mapper *m)
{
	struct look *lk;
	struct le *le;

	if (!m || m->doneh)
		return;
	lk = mem_zalloc(sizeof *lk, NULL);
	if (!lk)
		return;
	if (netif_list(lk->netv, &lk->netc, m->interfaces) ||
	    route_defaults(lk->routev, &lk->routec))
		goto out;
	while ((le = list_head(&m->gatel))) {
		list_unlink(le);
		list_append(&lk->gonel, le, le->data);
	}
	for (size_t i = 0; i < lk->routec; i++)
		take_route(m, lk, &lk->routev[i]);
	list_flush(&lk->gonel);
	note_mappings(m);
 out:
	mem_deref(lk);
}

/* Without it a gateway that begins anew is noticed a minute later. */
static void announce_open(struct mapper *m)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;
	struct sa sa;

	if (fd < 0)
		return;
	m->announce.fd = fd;
	(void)sa_set_str(&sa, "224.0.0.1", PCP_ANNOUNCE_PORT);
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
	    !bind(fd, &sa.u.sa, sa.len) &&
	    !rc_fd_listen(&m->announce, FD_READ, announce_handler, m))
		return;
	(void)close(fd);
	m->announce.fd = -1;
}

int mapper_alloc(struct mapper **mp, const struct mapper_conf *conf)
{
	struct mapper *m;
	int err = 0;

	if (!mp || !conf || !conf->timers || !conf->mappedh)
		return EINVAL;
	m = mem_zalloc(sizeof *m, mapper_destructor);
	if (!m)
		return ENOMEM;
	m->conf = *conf;
	m->announce.fd = -1;
	if (conf->interfaces)
		err = str_dup(&m->interfaces, conf->interfaces);
	/* room in the heap for mapper_close */
	if (!err)
		err = timer_start_at(conf->timers, &m->closing, UINT64_MAX,
				     closed_handler, m);
	if (err) {
		mem_deref(m);
		return err;
	}
	announce_open(m);
	mapper_changed(m);
	*mp = m;
	return 0;
}

void mapper_close(struct mapper *m, void (*doneh)(void *arg), void *arg)
{
	struct le *le;

	if (!m) {
		doneh(arg);
		return;
	}
	m->doneh = doneh;
	m->arg = arg;
	(void)timer_start(m->conf.timers, &m->closing, CLOSE_LIMIT,
			  closed_handler, m);
	LIST_FOREACH(&m->gatel, le) {
		struct gate *g = le->data;

		portmap_release(g->p, clock_ns());
		(void)timer_start_at(m->conf.timers, &g->timer,
				     portmap_next(g->p), gate_timer, g);
	}
	note_closed(m);
}

void mapper_apply(const struct mapper *m,
		  void (*h)(const struct sa *gateway, const struct portmap *p,
			    void *arg), void *arg)
{
	struct le *le;

	if (!m)
		return;
	LIST_FOREACH(&m->gatel, le) {
		const struct gate *g = le->data;

		h(&g->gateway, g->p, arg);
	}
}
