/*
 * natlife.c: sockets and a timer for one search for a mapping's lifetime.
 * Called by sipd/checklife.c.
 */
#include <errno.h>
#include "modules/path/natlife.h"
#include "modules/path/natsocks.h"

struct natlife {
	struct natsocks *socks;
	struct lifetime *l;
	struct timers *timers;
	struct timer timer;
	unsigned told;          /* alive, seconds */
	natlife_h *h;
	void *arg;
};

static void natlife_destructor(void *arg)
{
	struct natlife *nl = arg;

	timer_stop(&nl->timer);
	mem_deref(nl->socks);
	mem_deref(nl->l);
}

static void timer_handler(void *arg)
{
	struct natlife *nl = arg;
	const struct lifetime_result *r = lifetime_result(nl->l);

	lifetime_tick(nl->l, clock_ns());
	if (lifetime_next(nl->l) != UINT64_MAX)
		(void)timer_start_at(nl->timers, &nl->timer,
				     lifetime_next(nl->l), timer_handler, nl);
	if (r->state == LIFETIME_RUNNING && r->alive == nl->told)
		return;
	nl->told = r->alive;
	nl->h(r, nl->arg);
}

static void recv_handler(unsigned sock, const struct sa *src,
			 const uint8_t *buf, size_t len, void *arg)
{
	struct natlife *nl = arg;

	lifetime_recv(nl->l, sock, src, buf, len, clock_ns());
	(void)timer_start(nl->timers, &nl->timer, 0, timer_handler, nl);
}

static void send_handler(unsigned sock, const struct sa *dst,
			 const uint8_t *buf, size_t len, void *arg)
{
	struct natlife *nl = arg;

	natsocks_send(nl->socks, sock, dst, buf, len);
}

int natlife_alloc(struct natlife **np, struct timers *timers,
		  const struct sa *server, natlife_h *h, void *arg)
{
	struct lifetime_conf conf = { .sendh = send_handler };
	struct natlife *nl;
	int err;

	if (!np || !timers || !server || !h)
		return EINVAL;
	nl = mem_zalloc(sizeof *nl, natlife_destructor);
	if (!nl)
		return ENOMEM;
	nl->timers = timers;
	nl->h = h;
	nl->arg = arg;
	conf.server = *server;
	conf.arg = nl;
	err = natsocks_alloc(&nl->socks, LIFETIME_SOCKETS, server,
			     recv_handler, nl);
	if (!err)
		err = lifetime_alloc(&nl->l, &conf, clock_ns());
	if (!err)
		err = timer_start(timers, &nl->timer, 0, timer_handler, nl);
	if (err)
		mem_deref(nl);
	else
		*np = nl;
	return err;
}
