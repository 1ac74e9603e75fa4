/*
 * dtls.c: the control thread's handle on a DTLS association.
 *
 *   control: dtls_* --orders--> worker: dtlsconn.c
 *                  <--reports--
 *
 * The handle may go at any time: the association says goodbye on its own and
 * frees itself.
 */
#include <errno.h>
#include <unistd.h>
#include "tunnels/flow/dtlsconn.h"
#include "tunnels/flow/dtlsend.h"
#include "tunnels/flow/dtlsrx.h"

struct dtls {
	struct dconn *c;        /* the worker's; ours only to give orders */
	struct worker *w;
	struct dtls_handlers h;
	void *arg;
	bool started, closed;
};

static void orders_handler(const struct orders *o, void *arg)
{
	struct dconn *c = arg;

	if (o->path)
		dtlsconn_path(c, o->proto, &o->local, &o->remote);
	if (o->close)
		dtlsend_close(c);
	if (o->drop)
		dtlsconn_drop(c);
}

static void start_handler(void *data)
{
	struct dconn *c = data;

	dtlsconn_start(c, dtlsrx_open(c->w));
}

static void dtls_destructor(void *arg)
{
	struct dtls *d = arg;

	if (d->started)
		flowctl_drop(&d->c->ctl);
	else
		mem_deref(d->c);
	mem_deref(d->w);
}

static void secured_handler(void *arg)
{
	struct dtls *d = arg;

	if (!d->closed && d->h.securedh)
		d->h.securedh(&d->c->d, d->arg);
}

static void ended_handler(void *arg)
{
	struct dtls *d = arg;
	const struct flowctl *f = &d->c->ctl;

	if (d->closed)
		return;
	d->closed = true;
	if (d->h.endh)
		d->h.endh(f->why, f->code, f->text, f->got_fp, d->arg);
}

int dtls_alloc(struct dtls **dp, struct worker *w,
	       const struct dtls_conf *conf, const struct dtls_handlers *h,
	       void *arg)
{
	struct dtls *d;
	int err;

	if (!dp || !w || !conf || !conf->identity || !h)
		return EINVAL;
	d = mem_zalloc(sizeof *d, dtls_destructor);
	if (!d)
		return ENOMEM;
	d->w = mem_ref(w);
	d->h = *h;
	d->arg = arg;
	err = dtlsconn_alloc(&d->c, w, conf, orders_handler);
	if (!err) {
		d->c->ctl.securedh = secured_handler;
		d->c->ctl.endedh = ended_handler;
		d->c->ctl.arg = d;
		err = loop_post(worker_loop(w), start_handler, d->c);
	}
	if (err) {
		mem_deref(d);
		return err;
	}
	d->started = true;
	*dp = d;
	return 0;
}

void dtls_path(struct dtls *d, int proto, const struct sa *local,
	       const struct sa *remote)
{
	if (d && remote && !d->closed)
		flowctl_path(&d->c->ctl, proto, local, remote);
}

void dtls_consent(struct dtls *d, uint64_t until)
{
	if (d && !d->closed)
		flowctl_consent(&d->c->ctl, until);
}

void dtls_close(struct dtls *d)
{
	if (!d || d->closed)
		return;
	d->closed = true;
	flowctl_close(&d->c->ctl, 0, NULL);
}

size_t dtls_chain(const struct dtls *p, const uint8_t **der)
{
	if (!p || p->closed)
		return 0;
	*der = p->c->ctl.chain;
	return p->c->ctl.chain_len;
}

void dtls_stats(const struct dtls *d, struct dtls_stats *st)
{
	const struct dconn *c;

	if (!d || !st)
		return;
	c = d->c;
	st->rx_bytes = atomic_load(&c->rx_bytes);
	st->tx_bytes = atomic_load(&c->tx_bytes);
	st->rx_packets = atomic_load(&c->rx_packets);
	st->tx_packets = atomic_load(&c->tx_packets);
	st->bad = atomic_load(&c->bad);
	st->keys = atomic_load(&c->rekeys);
	st->mtu = atomic_load(&c->mtu);
}
