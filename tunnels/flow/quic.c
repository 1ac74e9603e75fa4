/*
 * quic.c: the control thread's handle on a QUIC connection.
 *
 *   control: quic_* --orders--> worker: quicconn.c
 *                  <--reports--
 *
 * Orders are kept where they replace each other and the worker is told to
 * look, once. The handle may go at any time: reports that are under way are
 * cancelled, the connection says goodbye on its own and frees itself.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/flow/quicconn.h"
#include "tunnels/flow/quicend.h"

#define CONSENT_TIME (30 * SEC)         /* RFC 7675, 5.1 */

struct quic {
	struct qconn *c;        /* the worker's; ours only to give orders */
	struct worker *w;
	struct quic_handlers h;
	void *arg;
	bool started, closed;
};

/* On the worker: do what control wants by now. */
static void run_orders(void *data)
{
	struct qconn *c = data;
	struct orders o;

	(void)pthread_mutex_lock(&c->orders.lock);
	o = c->orders;
	c->orders.posted = c->orders.path = false;
	(void)pthread_mutex_unlock(&c->orders.lock);

	if (o.path)
		quicconn_path(c, &o.local, &o.remote);
	else
		quic_kick(c);
	if (o.close)
		quicend_close(c, o.code, o.text);
	if (o.drop)
		quicconn_drop(c);
}

static void start_handler(void *data)
{
	quicconn_start(data);
}

/* With the orders' lock held, which is given back. */
static void give_orders(struct qconn *c)
{
	const bool post = !c->orders.posted;

	c->orders.posted = true;
	(void)pthread_mutex_unlock(&c->orders.lock);
	while (post && loop_post(c->f.loop, run_orders, c))
		(void)usleep(1000);     /* memory comes back */
}

static struct orders *orders(struct qconn *c)
{
	(void)pthread_mutex_lock(&c->orders.lock);
	return &c->orders;
}

static void set_close(struct orders *o, uint64_t code, const char *text)
{
	o->close = true;
	o->code = code;
	str_ncpy(o->text, text, sizeof o->text);
}

static void quic_destructor(void *arg)
{
	struct quic *q = arg;
	struct orders *o;

	if (q->started) {
		report_cancel(worker_reports(q->w), &q->c->secured);
		report_cancel(worker_reports(q->w), &q->c->ended);
		o = orders(q->c);
		if (!o->close)
			set_close(o, 0, "");
		o->drop = true;
		give_orders(q->c);
	}
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
	const struct qconn *c = q->c;

	if (q->closed)
		return;
	q->closed = true;
	if (q->h.endh)
		q->h.endh(c->why, c->code, c->text, c->got_fp, q->arg);
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
	err = quicconn_alloc(&q->c, w, conf);
	if (!err) {
		q->c->securedh = secured_handler;
		q->c->endedh = ended_handler;
		q->c->arg = q;
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

/* A pair is selected because its check was answered: that is consent. */
void quic_path(struct quic *q, const struct sa *local,
	       const struct sa *remote)
{
	struct orders *o;

	if (!q || !remote || q->closed)
		return;
	quic_consent(q, clock_ns() + CONSENT_TIME);
	o = orders(q->c);
	o->path = true;
	if (local)
		sa_cpy(&o->local, local);
	else
		sa_init(&o->local, sa_af(remote));
	sa_cpy(&o->remote, remote);
	give_orders(q->c);
}

void quic_consent(struct quic *q, uint64_t until)
{
	if (!q || q->closed)
		return;
	atomic_store(&q->c->consent, until);
	if (atomic_exchange(&q->c->stalled, false)) {
		(void)orders(q->c);
		give_orders(q->c);
	}
}

void quic_close(struct quic *q, uint64_t code, const char *text)
{
	struct orders *o;

	if (!q || q->closed)
		return;
	q->closed = true;
	report_cancel(worker_reports(q->w), &q->c->secured);
	report_cancel(worker_reports(q->w), &q->c->ended);
	o = orders(q->c);
	set_close(o, code, text ? text : "");
	give_orders(q->c);
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
