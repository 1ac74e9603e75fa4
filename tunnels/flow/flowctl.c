/*
 * flowctl.c: orders for a connection on its worker, and its reports.
 *
 * Orders are kept where they replace each other and the worker is told to
 * look, once. The handle may go at any time: reports that are under way are
 * cancelled then.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/flow/flowctl.h"

#define CONSENT_TIME (30 * SEC)         /* RFC 7675, 5.1 */

void flowctl_init(struct flowctl *f, struct loop *l, struct reports *r,
		  orders_h *h, void *harg)
{
	(void)pthread_mutex_init(&f->lock, NULL);
	f->loop = l;
	f->reports = r;
	f->h = h;
	f->harg = harg;
}

void flowctl_release(struct flowctl *f)
{
	f->chain = mem_deref(f->chain);
	(void)pthread_mutex_destroy(&f->lock);
}

/* On the worker: what control wants by now. */
static void run_orders(void *data)
{
	struct flowctl *f = data;
	struct orders o;

	(void)pthread_mutex_lock(&f->lock);
	o = f->orders;
	f->posted = f->orders.path = false;
	(void)pthread_mutex_unlock(&f->lock);
	f->h(&o, f->harg);
}

/* With the lock held, which is given back. */
static void give_orders(struct flowctl *f)
{
	const bool post = !f->posted;

	f->posted = true;
	(void)pthread_mutex_unlock(&f->lock);
	while (post && loop_post(f->loop, run_orders, f))
		(void)usleep(1000);     /* memory comes back */
}

static struct orders *orders(struct flowctl *f)
{
	(void)pthread_mutex_lock(&f->lock);
	return &f->orders;
}

static void set_close(struct orders *o, uint64_t code, const char *text)
{
	o->close = true;
	o->code = code;
	str_ncpy(o->text, text, sizeof o->text);
}

void flowctl_path(struct flowctl *f, int proto, const struct sa *local,
		  const struct sa *remote)
{
	struct orders *o;

	flowctl_consent(f, clock_ns() + CONSENT_TIME);
	o = orders(f);
	o->path = true;
	o->proto = proto;
	if (local)
		sa_cpy(&o->local, local);
	else
		sa_init(&o->local, sa_af(remote));
	sa_cpy(&o->remote, remote);
	give_orders(f);
}

void flowctl_consent(struct flowctl *f, uint64_t until)
{
	atomic_store(&f->consent, until);
	if (atomic_exchange(&f->stalled, false)) {
		(void)orders(f);
		give_orders(f);
	}
}

static void cancel_reports(struct flowctl *f)
{
	report_cancel(f->reports, &f->secured);
	report_cancel(f->reports, &f->ended);
}

void flowctl_close(struct flowctl *f, uint64_t code, const char *text)
{
	cancel_reports(f);
	set_close(orders(f), code, text ? text : "");
	give_orders(f);
}

/* On the worker. */
static void run_drop(void *data)
{
	struct flowctl *f = data;
	struct orders o;

	memset(&o, 0, sizeof o);
	o.drop = true;
	f->h(&o, f->harg);
}

/* Not joined with what was ordered before: whoever uses the flow on the
 * worker may have been told to go in between, and must be gone first. */
void flowctl_drop(struct flowctl *f)
{
	struct orders *o;

	cancel_reports(f);
	o = orders(f);
	if (!o->close)
		set_close(o, 0, "");
	give_orders(f);
	while (loop_post(f->loop, run_drop, f))
		(void)usleep(1000);     /* memory comes back */
}

bool flowctl_allowed(struct flowctl *f, uint64_t now)
{
	if (now < atomic_load_explicit(&f->consent, memory_order_relaxed))
		return true;
	atomic_store(&f->stalled, true);
	/* renewed in between: flowctl_consent may have missed `stalled` */
	return now < atomic_load(&f->consent);
}

void flowctl_secured(struct flowctl *f)
{
	report_tell(f->reports, &f->secured, f->securedh, f->arg);
}

int flowctl_cert(struct flowctl *f, const uint8_t *der, size_t n)
{
	uint8_t *p;

	if (n > FLOWCTL_CHAIN_MAX - f->chain_len)
		return EOVERFLOW;
	p = f->chain ? mem_realloc(f->chain, f->chain_len + n)
		     : mem_alloc(n, NULL);
	if (!p)
		return ENOMEM;
	memcpy(p + f->chain_len, der, n);
	f->chain = p;
	f->chain_len += n;
	return 0;
}

void flowctl_ended(struct flowctl *f, enum flow_end why, uint64_t code,
		   const char *text)
{
	f->why = why;
	f->code = code;
	str_ncpy(f->text, text, sizeof f->text);
	report_tell(f->reports, &f->ended, f->endedh, f->arg);
}
