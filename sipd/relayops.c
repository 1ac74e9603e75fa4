/*
 * relayops.c: a path's link to a relay is the worker's turnlink: who is
 * asked, by what transport, through which proxy.
 */
#include <string.h>
#include "sipd/relayimpl.h"
#include "tunnels/flow/turnlink.h"

struct relay_link {
	struct turnlink *t;
	struct relay_link_handlers h;
	void *arg;
};

static void link_destructor(void *arg)
{
	struct relay_link *l = arg;

	mem_deref(l->t);
}

static void up_handler(const struct sa *local, const struct sa *server,
		       void *arg)
{
	struct relay_link *l = arg;

	l->h.uph(local, server, l->arg);
}

static void down_handler(int err, const char *why, void *arg)
{
	struct relay_link *l = arg;
	(void)err;

	l->h.downh(why, l->arg);
}

static enum turnlink_transp transp_of(enum relay_transp transp)
{
	static const enum turnlink_transp map[] = {
		[RELAY_UDP] = TURNLINK_UDP, [RELAY_TCP] = TURNLINK_TCP,
		[RELAY_TLS] = TURNLINK_TLS,
	};

	return map[transp];
}

static int open_link(struct relay_link **lp, const struct relay *r,
		     size_t way, const struct sa *elsewhere,
		     const struct relay_link_handlers *h, void *harg,
		     void *arg)
{
	static const struct turnlink_handlers th = {
		up_handler, down_handler
	};
	const struct relay_entry *e = (const struct relay_entry *)(const void *)r;
	const struct relay_place *pl = &e->placev[way];
	struct turnlink_conf conf = {
		.transp = transp_of(r->wayv[way].transp),
		.dst = r->wayv[way].addr,
		.name = pl->host,
		.ca = e->ca,
	};
	struct worker *const *wp = arg;
	struct relay_link *l;
	char connect[300];
	int err;

	if (e->proxied && conf.transp != TURNLINK_UDP) {
		if (elsewhere)
			(void)re_snprintf(connect, sizeof connect, "%J",
					  elsewhere);
		else
			(void)re_snprintf(connect, sizeof connect,
					  strchr(pl->host, ':') ? "[%s]:%u"
					  : "%s:%u", pl->host, pl->port);
		conf.connect = connect;
		conf.login = e->login;
	}
	else if (elsewhere) {
		conf.dst = *elsewhere;
	}
	l = mem_zalloc(sizeof *l, link_destructor);
	if (!l)
		return ENOMEM;
	l->h = *h;
	l->arg = harg;
	err = turnlink_open(&l->t, *wp, &conf, &th, l);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static void send_link(struct relay_link *l, const uint8_t *buf, size_t len)
{
	(void)turnlink_send(l->t, buf, len);
}

static void relayed_link(struct relay_link *l, const struct sa *relayed)
{
	(void)turnlink_relayed(l->t, relayed);
}

static void bind_link(struct relay_link *l, uint16_t channel,
		      const struct sa *peer)
{
	(void)turnlink_bind(l->t, channel, peer);
}

static void last_link(struct relay_link *l, const uint8_t *buf, size_t len)
{
	(void)turnlink_last(l->t, buf, len);
}

void relays_ops(struct relay_ops *ops, struct worker **wp)
{
	*ops = (struct relay_ops){
		open_link, send_link, relayed_link, bind_link, last_link, wp
	};
}
