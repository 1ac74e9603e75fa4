/*
 * fwports.c: what is listened on for one tunnel.
 *
 *   client -> [fwlisten] -----------------> fwconns_add
 *   client -> [fwlisten] -> [socksin] ----> the same, where it says
 */
#include <errno.h>
#include "tunnels/forward/fwlisten.h"
#include "tunnels/forward/fwports.h"
#include "tunnels/forward/socksin.h"

struct fwports {
	struct loop *loop;
	struct fwconns *conns;
	struct list portl;
};

struct fwport {
	struct le le;
	struct fwports *all;
	struct fwlisten *listen;
	struct list clientl;            /* of socksin.h */
	struct fwwire connect;
	bool socks;
};

static void port_destructor(void *arg)
{
	struct fwport *p = arg;

	list_unlink(&p->le);
	mem_deref(p->listen);
	list_flush(&p->clientl);
}

static void fwports_destructor(void *arg)
{
	struct fwports *ps = arg;

	list_flush(&ps->portl);
}

int fwports_alloc(struct fwports **pp, struct loop *l, struct fwconns *conns)
{
	struct fwports *ps = mem_zalloc(sizeof *ps, fwports_destructor);

	if (!ps)
		return ENOMEM;
	ps->loop = l;
	ps->conns = conns;
	*pp = ps;
	return 0;
}

static void socks_handler(int fd, const struct socks *so, const uint8_t *p,
			  size_t n, void *arg)
{
	const struct fwport *port = arg;
	struct fwwire w = port->connect;
	const struct fwconn_ask ask = {
		.w = &w, .host = so->host, .port = so->port, .socks = so,
		.early = p, .early_n = n,
	};

	str_ncpy(w.host, so->host, sizeof w.host);
	w.port = so->port;
	(void)fwconns_add(port->all->conns, fd, &ask);
}

static void accepted_handler(int fd, void *arg)
{
	struct fwport *p = arg;
	const struct fwconn_ask ask = {
		.w = &p->connect, .host = p->connect.host,
		.port = p->connect.port,
	};

	if (p->socks)
		(void)socksin_add(&p->clientl, p->all->loop, fd,
				  socks_handler, p);
	else
		(void)fwconns_add(p->all->conns, fd, &ask);
}

int fwports_add(struct fwports *ps, struct fwport **pp, const char *bind,
		uint16_t port, const struct fwwire *connect, bool socks)
{
	struct fwport *p = mem_zalloc(sizeof *p, port_destructor);
	int err;

	if (!p)
		return ENOMEM;
	p->all = ps;
	p->connect = *connect;
	p->socks = socks;
	list_append(&ps->portl, &p->le, p);
	err = fwlisten_alloc(&p->listen, ps->loop, bind, port,
			     accepted_handler, p);
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}

int fwport_go(struct fwport *p)
{
	return fwlisten_go(p->listen);
}

uint16_t fwport_number(const struct fwport *p)
{
	return fwlisten_port(p->listen);
}
