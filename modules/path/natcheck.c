/*
 * natcheck.c: six UDP sockets and a timer for one classification. Called by
 * sipd/check.c.
 */
#include <errno.h>
#include "modules/path/natcheck.h"
#include "modules/path/netif.h"

#define LIMIT (3 * SEC)

struct natsock {
	struct natcheck *nc;
	struct udp_sock *us;
};

struct natcheck {
	struct natsock sockv[CLASSIFY_SOCKETS];
	struct classify_conf conf;
	struct classify *c;
	struct timers *timers;
	struct timer timer;
	uint64_t end;
	void (*doneh)(const struct nat *nat, void *arg);
	void *arg;
};

static void natcheck_destructor(void *arg)
{
	struct natcheck *nc = arg;

	timer_stop(&nc->timer);
	for (int i = 0; i < CLASSIFY_SOCKETS; i++)
		mem_deref(nc->sockv[i].us);
	mem_deref(nc->c);
}

static void timer_handler(void *arg)
{
	struct natcheck *nc = arg;
	uint64_t now = clock_ns();
	struct nat nat;

	classify_tick(nc->c, now);
	if (classify_next(nc->c) != UINT64_MAX && now < nc->end) {
		(void)timer_start_at(nc->timers, &nc->timer,
				     min(classify_next(nc->c), nc->end),
				     timer_handler, nc);
		return;
	}
	classify_result(&nat, nc->c);
	nc->doneh(&nat, nc->arg);
}

static void udp_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct natsock *s = arg;
	struct natcheck *nc = s->nc;

	classify_recv(nc->c, (unsigned)(s - nc->sockv), src, mbuf_buf(mb),
		      mbuf_get_left(mb), clock_ns());
	/* what follows of it may be that all is over */
	(void)timer_start(nc->timers, &nc->timer, 0, timer_handler, nc);
}

static void send_handler(unsigned sock, const struct sa *dst,
			 const uint8_t *buf, size_t len, void *arg)
{
	struct natcheck *nc = arg;
	struct mbuf mb = { .buf = (uint8_t *)buf, .size = len, .end = len };

	(void)udp_send(nc->sockv[sock].us, dst, &mb);
}

static int open_sockets(struct natcheck *nc, const struct sa *local)
{
	for (int i = 0; i < CLASSIFY_SOCKETS; i++) {
		struct natsock *s = &nc->sockv[i];
		int err;

		s->nc = nc;
		err = udp_listen(&s->us, local, udp_handler, s);
		if (!err)
			err = udp_local_get(s->us, &nc->conf.basev[i]);
		if (err)
			return err;
	}
	return 0;
}

int natcheck_alloc(struct natcheck **np, struct timers *timers,
		   const struct sa *serverv, size_t serverc, bool hairpin,
		   void (*doneh)(const struct nat *nat, void *arg),
		   void *arg)
{
	struct natcheck *nc;
	struct sa local;
	int err;

	if (!np || !timers || !serverc || !doneh)
		return EINVAL;
	err = netif_source(&local, &serverv[0]);
	if (err)
		return err;
	nc = mem_zalloc(sizeof *nc, natcheck_destructor);
	if (!nc)
		return ENOMEM;
	nc->timers = timers;
	nc->doneh = doneh;
	nc->arg = arg;
	nc->end = clock_ns() + LIMIT;
	nc->conf.serverc = min(serverc, (size_t)CLASSIFY_SERVERS);
	for (size_t i = 0; i < nc->conf.serverc; i++)
		nc->conf.serverv[i] = serverv[i];
	nc->conf.hairpin = hairpin;
	nc->conf.sendh = send_handler;
	nc->conf.arg = nc;
	err = open_sockets(nc, &local);
	if (!err)
		err = classify_alloc(&nc->c, &nc->conf, clock_ns());
	if (!err)
		err = timer_start(timers, &nc->timer, 0, timer_handler, nc);
	if (err)
		mem_deref(nc);
	else
		*np = nc;
	return err;
}

const struct sa *natcheck_base(const struct natcheck *nc)
{
	return &nc->conf.basev[0];
}
