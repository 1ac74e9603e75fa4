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

enum { BACKLOG = 32 };

struct streams {
	struct hub *hub;        /* the worker's; ours only to give orders */
	struct worker *w;
	uint16_t port[2];       /* IPv4, IPv6 */
};

static void order_handler(void *data)
{
	struct stream_order *o = data;

	o->h(o->hub, o);
	free(o);
}

static int give(struct streams *s,
		void (*h)(struct hub *, const struct stream_order *),
		const struct stream_name *name, const void *p, size_t len)
{
	struct stream_order *o = malloc(sizeof *o + len);
	int err;

	if (!o)
		return ENOMEM;
	o->hub = s->hub;
	o->h = h;
	o->name = *name;
	o->len = len;
	if (len)
		memcpy(o->buf, p, len);
	err = loop_post(worker_loop(s->w), order_handler, o);
	if (err)
		free(o);
	return err;
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

static int listen_on(struct sa *sa, int af, uint16_t port)
{
	const int on = 1;
	int fd, err;

	sa_init(sa, af);
	sa_set_port(sa, port);
	fd = socket(af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	err = framed_share_port(fd);
	if (!err && af == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on))
		err = errno;
	if (err || bind(fd, &sa->u.sa, sa->len) || listen(fd, BACKLOG)) {
		(void)close(fd);
		return -1;
	}
	sa->len = sizeof sa->u;
	(void)getsockname(fd, &sa->u.sa, &sa->len);
	return fd;
}

/* A family that has no port has no TCP. */
static int open_family(struct streams *s, int af)
{
	uint16_t port = worker_port(s->w, af);
	struct stream_name name = nobody;
	int fd, err;

	if (!port)
		return 0;
	fd = listen_on(&name.local, af, port);
	if (fd < 0)
		fd = listen_on(&name.local, af, 0);
	if (fd < 0)
		return 0;
	err = give(s, streamhub_listen, &name, &fd, sizeof fd);
	if (err)
		(void)close(fd);
	else
		s->port[af == AF_INET6] = sa_port(&name.local);
	return err;
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

int streams_send(struct streams *s, const struct sa *local,
		 const struct sa *remote, const uint8_t *buf, size_t len)
{
	const struct stream_name name = { *local, *remote };

	return s ? give(s, streamhub_send, &name, buf, len) : EAFNOSUPPORT;
}
