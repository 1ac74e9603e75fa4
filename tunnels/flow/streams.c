/*
 * streams.c: control's handle on the TCP connections of a worker: what is to
 * be done travels to streamhub.c as orders.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "tunnels/flow/framed.h"
#include "tunnels/flow/streamhub.h"
#include "tunnels/flow/tlsshape.h"

enum { BACKLOG = 32 };

struct streams {
	struct hub *hub;        /* the worker's; ours only to give orders */
	struct worker *w;
	uint16_t port[2], tls[2];       /* IPv4, IPv6 */
};

static void order_handler(void *data)
{
	struct stream_order *o = data;

	o->h(o->hub, o);
	free(o);
}

static struct stream_order *order(struct streams *s,
				  void (*h)(struct hub *,
					    const struct stream_order *),
				  const struct stream_name *name,
				  const void *p, size_t len)
{
	struct stream_order *o = calloc(1, sizeof *o + len);

	if (!o)
		return NULL;
	o->hub = s->hub;
	o->h = h;
	o->name = *name;
	o->len = len;
	if (len)
		memcpy(o->buf, p, len);
	return o;
}

static int post(struct streams *s, struct stream_order *o)
{
	int err = o ? loop_post(worker_loop(s->w), order_handler, o) : ENOMEM;

	if (err)
		free(o);
	return err;
}

static int give(struct streams *s,
		void (*h)(struct hub *, const struct stream_order *),
		const struct stream_name *name, const void *p, size_t len)
{
	return post(s, order(s, h, name, p, len));
}

static const struct stream_name nobody;

static void streams_destructor(void *arg)
{
	struct streams *s = arg;

	if (s->hub) {
		streamhub_quiet(s->hub);
		while (give(s, streamhub_close, &nobody, NULL, 0))
			(void)usleep(1000);     /* memory comes back */
	}
	mem_deref(s->w);
}

/* share: with who leaves from the same port, and with any who listens. */
static int bound(int *fdp, struct sa *sa, int af, uint16_t port, bool share)
{
	const int on = 1;
	int fd, err = 0;

	sa_init(sa, af);
	sa_set_port(sa, port);
	fd = socket(af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (share)
		err = framed_share_port(fd);
	else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on))
		err = errno;
	if (!err && af == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on))
		err = errno;
	if (!err && bind(fd, &sa->u.sa, sa->len))
		err = errno;
	if (err)
		(void)close(fd);
	else
		*fdp = fd;
	return err;
}

static int listen_on(struct sa *sa, int af, uint16_t port)
{
	int fd = -1, err = bound(&fd, sa, af, port, true);

	if (!err && listen(fd, BACKLOG)) {
		err = errno;
		(void)close(fd);
	}
	if (err) {
		errno = err;
		return -1;
	}
	sa->len = sizeof sa->u;
	(void)getsockname(fd, &sa->u.sa, &sa->len);
	return fd;
}

static int listens(struct streams *s, const struct stream_name *name,
		   const struct stream_listen *sl)
{
	int err = give(s, streamhub_listen, name, sl, sizeof *sl);

	if (err) {
		(void)close(sl->fd);
		SSL_CTX_free(sl->tls);
	}
	return err;
}

/* A family that has no port has no TCP. */
static int open_family(struct streams *s, int af)
{
	uint16_t port = worker_port(s->w, af);
	struct stream_name name = nobody;
	struct stream_listen sl = { .tls = NULL };
	int err;

	if (!port)
		return 0;
	sl.fd = listen_on(&name.local, af, port);
	if (sl.fd < 0)
		sl.fd = listen_on(&name.local, af, 0);
	if (sl.fd < 0)
		return 0;
	err = listens(s, &name, &sl);
	if (!err)
		s->port[af == AF_INET6] = sa_port(&name.local);
	return err;
}

/* Another sipd of the same user could listen beside us: each would get some
 * of the other's. */
static int is_free(int af, uint16_t port)
{
	struct sa sa;
	int fd = -1, err = bound(&fd, &sa, af, port, false);

	if (!err)
		(void)close(fd);
	return err;
}

static int open_tls(struct streams *s, int af, uint16_t port)
{
	struct stream_name name = nobody;
	struct stream_listen sl;
	int err;

	if (!s->port[af == AF_INET6])
		return 0;
	err = is_free(af, port);
	if (!err)
		err = tlsshape_server(&sl.tls);
	if (err)
		return err;
	sl.fd = listen_on(&name.local, af, port);
	if (sl.fd < 0) {
		err = errno;
		SSL_CTX_free(sl.tls);
		return err;
	}
	err = listens(s, &name, &sl);
	if (!err)
		s->tls[af == AF_INET6] = sa_port(&name.local);
	return err;
}

int streams_tls(struct streams *s, uint16_t port)
{
	int err = s ? open_tls(s, AF_INET, port) : EAFNOSUPPORT;

	return err ? err : open_tls(s, AF_INET6, port);
}

uint16_t streams_tls_port(const struct streams *s, int af)
{
	return s ? s->tls[af == AF_INET6] : 0;
}

int streams_alloc(struct streams **sp, struct worker *w,
		  streams_lost_h *losth, void *arg)
{
	struct streams *s;
	int err;

	if (!sp || !w || !losth)
		return EINVAL;
	s = mem_zalloc(sizeof *s, streams_destructor);
	if (!s)
		return ENOMEM;
	s->w = mem_ref(w);
	err = streamhub_alloc(&s->hub, w, losth, arg);
	if (!err)
		err = open_family(s, AF_INET);
	if (!err)
		err = open_family(s, AF_INET6);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

uint16_t streams_port(const struct streams *s, int af)
{
	return s ? s->port[af == AF_INET6] : 0;
}

void streams_servers(struct streams *s, const struct sa *sav, size_t sac)
{
	sac = min(sac, (size_t)STREAMS_SERVERS);
	if (s)
		(void)give(s, streamhub_servers, &nobody, sav,
			   sac * sizeof *sav);
}

int streams_send(struct streams *s, bool tls, const struct sa *local,
		 const struct sa *remote, const uint8_t *buf, size_t len)
{
	const struct stream_name name = { *local, *remote };
	struct stream_order *o;

	if (!s)
		return EAFNOSUPPORT;
	o = order(s, streamhub_send, &name, buf, len);
	if (o)
		o->tls = tls;
	return post(s, o);
}
