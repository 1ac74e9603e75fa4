/*
 * quic.c: the control thread's handle on a QUIC connection.
 *
 *   control: quic_* --orders--> worker: quicconn.c
 *                  <--reports--
 *
 * The handle may go at any time: the connection says goodbye on its own and
 * frees itself.
 */
#include <errno.h>
#include "tunnels/flow/quicconn.h"
#include "tunnels/flow/quicend.h"

struct quic {
	struct qconn *c;        /* the worker's; ours only to give orders */
	struct worker *w;
	struct quic_handlers h;
	void *arg;
	bool started, closed;
};

static void orders_handler(const struct orders *o, void *arg)
{
	struct qconn *c = arg;

	if (o->path)
		quicconn_path(c, o->proto, &o->local, &o->remote);
	else
		quic_kick(c);
	if (o->close)
		quicend_close(c, o->code, o->text);
	if (o->drop)
		quicconn_drop(c);
}

static void start_handler(void *data)
{
	quicconn_start(data);
}

static void quic_destructor(void *arg)
{
	struct quic *q = arg;

	if (q->started)
		flowctl_drop(&q->c->ctl);
	else
		mem_deref(q->c);
	mem_deref(q->w);
}

static void secured_handler(void *arg)
{
	struct quic *q = arg;

	if (!q->closed && q->h.securedh)
		q->h.securedh(&q->c->f, q->arg);
}

static void ended_handler(void *arg)
{
	struct quic *q = arg;
	const struct flowctl *f = &q->c->ctl;

	if (q->closed)
		return;
	q->closed = true;
	if (q->h.endh)
		q->h.endh(f->why, f->code, f->text, f->got_fp, q->arg);
}

int quic_alloc(struct quic **qp, struct worker *w,
	       const struct quic_conf *conf, const struct quic_handlers *h,
	       void *arg)
{
	struct quic *q;
	int err;

	if (!qp || !w || !conf || !conf->identity || !h)
		return EINVAL;
	q = mem_zalloc(sizeof *q, quic_destructor);
	if (!q)
		return ENOMEM;
	q->w = mem_ref(w);
	q->h = *h;
	q->arg = arg;
	err = quicconn_alloc(&q->c, w, conf, orders_handler);
	if (!err) {
		q->c->ctl.securedh = secured_handler;
		q->c->ctl.endedh = ended_handler;
		q->c->ctl.arg = q;
		err = loop_post(worker_loop(w), start_handler, q->c);
	}
	if (err) {
		mem_deref(q);
		return err;
	}
	q->started = true;
	*qp = q;
	return 0;
}

void quic_path(struct quic *q, int proto, const struct sa *local,
	       const struct sa *remote)
{
	if (q && remote && !q->closed)
		flowctl_path(&q->c->ctl, proto, local, remote);
}

void quic_consent(struct quic *q, uint64_t until)
{
	if (q && !q->closed)
		flowctl_consent(&q->c->ctl, until);
}

void quic_close(struct quic *q, uint64_t code, const char *text)
{
	if (!q || q->closed)
		return;
	q->closed = true;
	flowctl_close(&q->c->ctl, code, text);
}

size_t quic_chain(const struct quic *p, const uint8_t **der)
{
	if (!p || p->closed)
		return 0;
	*der = p->c->ctl.chain;
	return p->c->ctl.chain_len;
}

void quic_stats(const struct quic *q, struct quic_stats *st)
{
	const struct qconn *c;

	if (!q || !st)
		return;
	c = q->c;
	st->rx_bytes = atomic_load(&c->rx_bytes);
	st->tx_bytes = atomic_load(&c->tx_bytes);
	st->rtt = atomic_load(&c->rtt);
	st->lost = atomic_load(&c->lost);
	st->strays = atomic_load(&c->strays);
}
