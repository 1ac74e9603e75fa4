/*
 * turnlink.c: control's end of a connection to a TURN server: orders go to
 * the worker, one after the other, and reports come back.
 *
 *   turnlink_* --order--> worker: turnconn.c --up, down--> handlers
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/flow/turnconn.h"

struct turnlink {
	struct turnconn *c;     /* the worker's; ours only to post to */
	struct worker *w;
	struct turnlink_handlers h;
	void *arg;
	struct sa local, server;        /* unset until it is up */
};

/* What control has to say, one after the other. */
struct order {
	struct turnconn *c;
	void (*h)(struct turnconn *c, const struct order *o);
	struct sa sa;
	uint16_t channel;
	size_t len;
	uint8_t buf[];
};

/* -- on the worker ------------------------------------------------------ */

static void do_relayed(struct turnconn *c, const struct order *o)
{
	turnconn_relayed(c, &o->sa);
}

static void do_bind(struct turnconn *c, const struct order *o)
{
	turnconn_bind(c, o->channel, &o->sa);
}

static void do_last(struct turnconn *c, const struct order *o)
{
	turnconn_last(c, o->buf, o->len);
}

static void do_drop(struct turnconn *c, const struct order *o)
{
	(void)o;
	turnconn_drop(c);
}

static void order_handler(void *data)
{
	struct order *o = data;

	o->h(o->c, o);
	free(o);
}

/* -- on control --------------------------------------------------------- */

static struct order *order_new(const struct turnlink *t,
			       void (*h)(struct turnconn *,
					 const struct order *),
			       size_t len)
{
	struct order *o = calloc(1, sizeof *o + len);

	if (!o)
		return NULL;
	o->c = t->c;
	o->h = h;
	o->len = len;
	return o;
}

static int order_post(const struct turnlink *t, struct order *o)
{
	int err = o ? loop_post(worker_loop(t->w), order_handler, o)
		: ENOMEM;

	if (err)
		free(o);
	return err;
}

static void up_handler(void *arg)
{
	struct turnlink *t = arg;

	t->local = t->c->l.local;
	t->server = t->c->server;
	t->h.uph(&t->local, &t->server, t->arg);
}

static void down_handler(void *arg)
{
	struct turnlink *t = arg;
	char why[TURNCONN_WHY_MAX];

	str_ncpy(why, t->c->why, sizeof why);
	t->h.downh(t->c->err, why, t->arg);
}

static void turnlink_destructor(void *arg)
{
	struct turnlink *t = arg;

	if (t->c) {
		report_cancel(worker_reports(t->w), &t->c->up);
		report_cancel(worker_reports(t->w), &t->c->down);
		while (order_post(t, order_new(t, do_drop, 0)))
			(void)usleep(1000);     /* memory comes back */
	}
	mem_deref(t->w);
}

int turnlink_open(struct turnlink **tp, struct worker *w,
		  const struct turnlink_conf *conf,
		  const struct turnlink_handlers *h, void *arg)
{
	struct turnlink *t;
	struct turnconn *c;
	int err;

	if (!tp || !w || !conf || !h)
		return EINVAL;
	t = mem_zalloc(sizeof *t, turnlink_destructor);
	if (!t)
		return ENOMEM;
	t->w = mem_ref(w);
	t->h = *h;
	t->arg = arg;
	err = turnconn_alloc(&c, w, conf);
	if (!err) {
		c->up.h = up_handler;
		c->down.h = down_handler;
		c->up.arg = c->down.arg = t;
		err = loop_post(worker_loop(w), turnconn_start, c);
		if (err)
			mem_deref(c);
		else
			t->c = c;
	}
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

int turnlink_send(struct turnlink *t, const uint8_t *buf, size_t len)
{
	if (!t || !sa_isset(&t->local, SA_PORT))
		return ENOTCONN;
	return worker_send(t->w, IPPROTO_UDP, &t->local, &t->server, buf,
			   len);
}

int turnlink_relayed(struct turnlink *t, const struct sa *relayed)
{
	struct order *o = order_new(t, do_relayed, 0);

	if (o)
		o->sa = *relayed;
	return order_post(t, o);
}

int turnlink_bind(struct turnlink *t, uint16_t channel,
		  const struct sa *peer)
{
	struct order *o = order_new(t, do_bind, 0);

	if (o) {
		o->sa = *peer;
		o->channel = channel;
	}
	return order_post(t, o);
}

int turnlink_last(struct turnlink *t, const uint8_t *buf, size_t len)
{
	struct order *o = order_new(t, do_last, len);

	if (o)
		memcpy(o->buf, buf, len);
	return order_post(t, o);
}
