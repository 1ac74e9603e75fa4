/*
 * streamhub.c: listeners, and connections in and out, on the worker.
 *
 *   send: no connection of that name? --framed_connect--> link
 *   listener --accept, framed_accept--> link
 *   link --downh--> ring of names --report--> control: losth
 *
 * The listeners hold the hub and belong to the worker's table of links: they
 * go with it. Bounds: connections in all, and those that have proven nothing,
 * in all and from one address; and handshakes of TLS a second, whose cost
 * strangers choose.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/flow/framed.h"
#include "tunnels/flow/streamhub.h"
#include "tunnels/flow/tlsshape.h"

enum {
	IN_MAX       = 256,             /* accepted */
	UNPROVEN_MAX = 32,
	UNPROVEN_OF  = 8,               /* from one address */
	OUT_MAX      = 256,
	ACCEPTS      = 16,              /* of one turn */
	SHAKES_MAX   = 100,             /* a second */
	LISTENERS    = 4,               /* two families, with TLS or not */
	LOST_MAX     = 64,              /* names not told yet */
	DISCARD      = 9,
};

#define NO_FD_TIME SEC                  /* not accepted: no descriptor */

struct listener {
	struct link l;          /* all that is sent by it is lost */
	struct hub *hub;        /* a reference */
	struct loop_fd lf;
	struct timer timer;     /* while not listening */
	int fd;
	SSL_CTX *tls;           /* NULL: without */
};

struct hub {
	struct worker *w;
	struct listener *listenv[LISTENERS];    /* the table's */
	unsigned listenc;
	SSL_CTX *client;                /* NULL: not needed yet */
	uint64_t shakes_at;             /* begin of a second, and how many */
	unsigned shakes;
	struct sa serverv[STREAMS_SERVERS];
	size_t serverc;
	unsigned in, out, unprovenc;
	struct sa unprovenv[UNPROVEN_MAX];
	pthread_mutex_t lock;           /* of what follows */
	struct stream_name lostv[LOST_MAX];
	unsigned lostc;
	struct report lost;
	streams_lost_h *losth;          /* control's */
	void *arg;
};

static void hub_destructor(void *arg)
{
	struct hub *hub = arg;

	SSL_CTX_free(hub->client);
	(void)pthread_mutex_destroy(&hub->lock);
}

static void listener_destructor(void *arg)
{
	struct listener *ls = arg;

	timer_stop(&ls->timer);
	loop_unwatch(&ls->lf);
	(void)close(ls->fd);
	SSL_CTX_free(ls->tls);
	mem_deref(ls->hub);
}

/* On control. losth does not free the streams. */
static void lost_handler(void *arg)
{
	struct hub *hub = arg;
	struct stream_name v[LOST_MAX];
	unsigned n;

	(void)pthread_mutex_lock(&hub->lock);
	n = hub->lostc;
	memcpy(v, hub->lostv, n * sizeof v[0]);
	hub->lostc = 0;
	(void)pthread_mutex_unlock(&hub->lock);
	for (unsigned i = 0; i < n; i++)
		hub->losth(&v[i].local, &v[i].remote, hub->arg);
}

/* NULL, or a connection: not a listener. */
static struct link *find(const struct hub *hub, const struct stream_name *name)
{
	struct link *l = worker_link_find(hub->w, IPPROTO_TCP, &name->local,
					  &name->remote);

	return l && sa_isset(&l->remote, SA_ADDR) ? l : NULL;
}

/* Unless another of the same name has come up meanwhile. */
static void tell_lost(struct hub *hub, const struct sa *local,
		      const struct sa *remote)
{
	const struct stream_name name = { *local, *remote };

	if (find(hub, &name))
		return;
	(void)pthread_mutex_lock(&hub->lock);
	if (hub->lostc < LOST_MAX)
		hub->lostv[hub->lostc++] = name;
	(void)pthread_mutex_unlock(&hub->lock);
	report_tell(worker_reports(hub->w), &hub->lost, lost_handler, hub);
}

static void out_down(const struct sa *local, const struct sa *remote,
		     bool proven, void *arg)
{
	struct hub *hub = arg;
	(void)proven;

	hub->out--;
	tell_lost(hub, local, remote);
}

static void proven_handler(const struct sa *remote, void *arg)
{
	struct hub *hub = arg;

	for (unsigned i = 0; i < hub->unprovenc; i++) {
		if (!sa_cmp(&hub->unprovenv[i], remote, SA_ALL))
			continue;
		hub->unprovenv[i] = hub->unprovenv[--hub->unprovenc];
		return;
	}
}

static void in_down(const struct sa *local, const struct sa *remote,
		    bool proven, void *arg)
{
	struct hub *hub = arg;

	hub->in--;
	if (proven)
		tell_lost(hub, local, remote);
	else
		proven_handler(remote, arg);
}

static bool too_many(const struct hub *hub, const struct sa *src)
{
	unsigned same = 0;

	for (unsigned i = 0; i < hub->unprovenc; i++)
		same += sa_cmp(&hub->unprovenv[i], src, SA_ADDR);
	return hub->in >= IN_MAX || hub->unprovenc >= UNPROVEN_MAX ||
	       same >= UNPROVEN_OF;
}

static bool too_fast(struct hub *hub)
{
	const uint64_t now = clock_ns();

	if (now >= hub->shakes_at + SEC) {
		hub->shakes_at = now;
		hub->shakes = 0;
	}
	return hub->shakes++ >= SHAKES_MAX;
}

static void take(struct listener *ls, int fd, const struct sa *src)
{
	struct hub *hub = ls->hub;
	struct framed_conf conf = {
		.w = hub->w, .remote = *src, .provenh = proven_handler,
		.downh = in_down, .arg = hub, .tls = ls->tls,
	};
	struct stream_name name;
	struct link *l;

	sa_init(&conf.local, AF_UNSPEC);
	conf.local.len = sizeof conf.local.u;
	if (too_many(hub, src) || (ls->tls && too_fast(hub)) ||
	    getsockname(fd, &conf.local.u.sa, &conf.local.len)) {
		(void)close(fd);
		return;
	}
	name = (struct stream_name){ conf.local, *src };
	l = find(hub, &name);
	if (l && framed_give_way(l))
		hub->out--;
	if (framed_accept(&conf, fd))
		return;
	hub->in++;
	hub->unprovenv[hub->unprovenc++] = *src;
}

static void resume_handler(void *arg)
{
	struct listener *ls = arg;

	(void)loop_rewatch(&ls->lf, EPOLLIN);
}

/* There may be none left: not to be asked again at once. */
static void no_fd(struct listener *ls, int err)
{
	if (err != EMFILE && err != ENFILE && err != ENOBUFS && err != ENOMEM)
		return;
	(void)loop_rewatch(&ls->lf, 0);
	(void)timer_start(loop_timers(worker_loop(ls->hub->w)), &ls->timer,
			  NO_FD_TIME, resume_handler, ls);
}

static void accept_handler(uint32_t events, void *arg)
{
	struct listener *ls = arg;
	(void)events;

	for (int i = 0; i < ACCEPTS; i++) {
		struct sa src;
		int fd;

		sa_init(&src, AF_UNSPEC);
		src.len = sizeof src.u;
		fd = accept4(ls->fd, &src.u.sa, &src.len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			no_fd(ls, errno);
			return;
		}
		take(ls, fd, &src);
	}
}

static bool is_server(const struct hub *hub, const struct sa *sa)
{
	for (size_t i = 0; i < hub->serverc; i++)
		if (sa_cmp(&hub->serverv[i], sa, SA_ALL))
			return true;
	return false;
}

static void connect_to(struct hub *hub, const struct stream_order *o)
{
	const bool server = is_server(hub, &o->name.remote);
	struct framed_conf conf = {
		.w = hub->w,
		.framing = server ? FRAMING_STUN : FRAMING_RFC4571,
		.local = o->name.local, .remote = o->name.remote,
		.again = !server && sa_port(&o->name.local) != DISCARD,
		.downh = out_down, .arg = hub,
	};

	if (o->tls && !hub->client)
		(void)tlsshape_client(&hub->client);
	if (o->tls)
		conf.tls = hub->client;
	if (hub->out < OUT_MAX && (!o->tls || conf.tls) &&
	    !framed_connect(&conf, o->buf, o->len))
		hub->out++;
	else
		tell_lost(hub, &conf.local, &conf.remote);
}

void streamhub_send(struct hub *hub, const struct stream_order *o)
{
	struct link *l = find(hub, &o->name);
	size_t done;

	if (l)
		(void)link_write(l, &o->name.remote, o->buf, o->len, o->len,
				 &done);
	else
		connect_to(hub, o);
}

void streamhub_servers(struct hub *hub, const struct stream_order *o)
{
	memcpy(hub->serverv, o->buf, o->len);
	hub->serverc = o->len / sizeof hub->serverv[0];
}

static int listener_write(struct link *l, const struct sa *remote,
			  const uint8_t *buf, size_t len, size_t seg,
			  size_t *done)
{
	(void)l, (void)remote, (void)buf, (void)len, (void)seg, (void)done;
	return ENOTCONN;
}

void streamhub_listen(struct hub *hub, const struct stream_order *o)
{
	static const struct link_ops ops = { listener_write };
	struct listener *ls = mem_zalloc(sizeof *ls, listener_destructor);
	struct stream_listen sl;

	memcpy(&sl, o->buf, sizeof sl);
	if (!ls) {
		(void)close(sl.fd);
		SSL_CTX_free(sl.tls);
		return;
	}
	ls->fd = sl.fd;
	ls->tls = sl.tls;
	ls->hub = mem_ref(hub);
	link_init(&ls->l, &ops, IPPROTO_TCP, &o->name.local, NULL);
	if (hub->listenc < LISTENERS &&
	    !loop_watch(worker_loop(hub->w), &ls->lf, ls->fd, EPOLLIN,
			accept_handler, ls)) {
		worker_link_add(hub->w, &ls->l);
		hub->listenv[hub->listenc++] = ls;
	}
	mem_deref(ls);
}

/* Connections end when they are not used any more. */
void streamhub_close(struct hub *hub, const struct stream_order *o)
{
	(void)o;
	for (unsigned i = 0; i < hub->listenc; i++)
		worker_link_del(&hub->listenv[i]->l);
	mem_deref(hub);
}

int streamhub_alloc(struct hub **hp, struct worker *w, streams_lost_h *losth,
		    void *arg)
{
	struct hub *hub = mem_zalloc(sizeof *hub, hub_destructor);

	if (!hub)
		return ENOMEM;
	(void)pthread_mutex_init(&hub->lock, NULL);
	hub->w = w;
	hub->losth = losth;
	hub->arg = arg;
	*hp = hub;
	return 0;
}

void streamhub_quiet(struct hub *hub)
{
	report_cancel(worker_reports(hub->w), &hub->lost);
}
