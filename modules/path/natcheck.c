/*
 * natcheck.c: six sockets and a timer for one classification. Called by
 * sipd/check.c.
 */
#include <errno.h>
#include "modules/path/natcheck.h"
#include "modules/path/natsocks.h"

#define LIMIT (3 * SEC)

struct natcheck {
	struct natsocks *socks;
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
	mem_deref(nc->socks);
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

static void recv_handler(unsigned sock, const struct sa *src,
			 const uint8_t *buf, size_t len, void *arg)
{
	struct natcheck *nc = arg;

	classify_recv(nc->c, sock, src, buf, len, clock_ns());
	/* what follows of it may be that all is over */
	(void)timer_start(nc->timers, &nc->timer, 0, timer_handler, nc);
}

static void send_handler(unsigned sock, const struct sa *dst,
			 const uint8_t *buf, size_t len, void *arg)
{
	struct natcheck *nc = arg;

	natsocks_send(nc->socks, sock, dst, buf, len);
}

int natcheck_alloc(struct natcheck **np, struct timers *timers,
		   const struct sa *serverv, size_t serverc, bool hairpin,
		   void (*doneh)(const struct nat *nat, void *arg),
		   void *arg)
{
	struct natcheck *nc;
	int err;

	if (!np || !timers || !serverc || !doneh)
		return EINVAL;
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
	err = natsocks_alloc(&nc->socks, CLASSIFY_SOCKETS, &serverv[0],
			     recv_handler, nc);
	for (unsigned i = 0; i < CLASSIFY_SOCKETS && !err; i++)
		err = natsocks_local(nc->socks, i, &nc->conf.basev[i]);
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
