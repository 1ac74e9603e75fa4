/*
 * fwports.c: what is listened on for one tunnel.
 *
 *   client -> [fwlisten] -----------------> fwconns_add
 *   client -> [fwlisten] -> [socksin] ----> the same, where it says
 *                              \-> [socksudp] -> [fwudpport]
 *   packet -> [fwudpport] ----------------> fwudp
 */
#include <errno.h>
#include "tunnels/forward/fwlisten.h"
#include "tunnels/forward/fwports.h"
#include "tunnels/forward/fwudpport.h"
#include "tunnels/forward/socksin.h"
#include "tunnels/forward/socksudp.h"

struct fwports {
	struct loop *loop;
	struct fwconns *conns;
	struct fwudps *udps;
	struct list portl;
};

struct fwport {
	struct le le;
	struct fwports *all;
	struct fwlisten *listen;
	struct fwudpport *udp;
	struct list clientl;            /* of socksin.h */
	struct list assocl;             /* of socksudp.h */
	struct fwwire connect;
	bool socks;
};

static void port_destructor(void *arg)
{
	struct fwport *p = arg;

	list_unlink(&p->le);
	mem_deref(p->listen);
	mem_deref(p->udp);
	list_flush(&p->clientl);
	list_flush(&p->assocl);
}

static void fwports_destructor(void *arg)
{
	struct fwports *ps = arg;

	list_flush(&ps->portl);
}

int fwports_alloc(struct fwports **pp, struct loop *l, struct fwconns *conns,
		  struct fwudps *udps)
{
	struct fwports *ps = mem_zalloc(sizeof *ps, fwports_destructor);

	if (!ps)
		return ENOMEM;
	ps->loop = l;
	ps->conns = conns;
	ps->udps = udps;
	*pp = ps;
	return 0;
}

static void socks_handler(int fd, const struct socks *so, const uint8_t *p,
			  size_t n, void *arg)
{
	struct fwport *port = arg;
	struct fwwire w = port->connect;
	const struct fwconn_ask ask = {
		.w = &w, .host = so->host, .port = so->port, .socks = so,
		.early = p, .early_n = n,
	};

	if (so->udp) {
		w.target = FWW_UDP;
		(void)socksudp_add(&port->assocl, port->all->loop,
				   port->all->udps, fd, so, &w);
		return;
	}
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
		uint16_t port, const struct fwwire *connect,
		enum fwwire_target how)
{
	struct fwport *p = mem_zalloc(sizeof *p, port_destructor);
	int err;

	if (!p)
		return ENOMEM;
	p->all = ps;
	p->connect = *connect;
	p->socks = how == FWW_SOCKS;
	list_append(&ps->portl, &p->le, p);
	err = how == FWW_UDP ?
		fwudpport_alloc(&p->udp, ps->loop, ps->udps, bind, port,
				connect, NULL) :
		fwlisten_alloc(&p->listen, ps->loop, bind, port,
			       accepted_handler, p);
	if (err)
		mem_deref(p);
	else
		*pp = p;
	return err;
}

int fwport_go(struct fwport *p)
{
	return p->udp ? fwudpport_go(p->udp) : fwlisten_go(p->listen);
}

uint16_t fwport_number(const struct fwport *p)
{
	return p->udp ? sa_port(fwudpport_addr(p->udp)) :
		fwlisten_port(p->listen);
}
