/*
 * ack.c: ACK for a 2xx (RFC 3261 section 13.2.2.4): composed for each way
 * that it takes, sent again whenever the 2xx comes again, forgotten when it
 * cannot any more.
 *
 *   flow --fails--> target --fails--> next target ...
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/ack.h"
#include "sipd/sip/sipconn.h"

enum { KEEP_TIME = 32 };        /* s; 64 * T1 */

struct ack {
	struct le le;
	struct ack **ap;
	struct stack *s;
	struct stack_ear ear;   /* hears whether its way has failed */
	struct resolve *query;
	struct timer timer;
	struct target targetv[RESOLVE_MAX];
	size_t targetc, at;     /* none: by the flow, or not resolved yet */
	struct hop hop;
	struct trans_way way;   /* that it went by */
	char *next, *name, *target;
	struct mbuf *rest;      /* all but the request line and the Via */
	struct mbuf *mb;        /* complete, once the hop is known */
};

static void ack_destructor(void *arg)
{
	struct ack *a = arg;

	list_unlink(&a->le);
	list_unlink(&a->ear.le);
	timer_stop(&a->timer);
	if (a->ap)
		*a->ap = NULL;
	mem_deref(a->query);
	mem_deref(a->hop.sock);
	mem_deref(a->next);
	mem_deref(a->name);
	mem_deref(a->target);
	mem_deref(a->rest);
	mem_deref(a->mb);
	mem_deref(a->s);
}

static void forget_handler(void *arg)
{
	mem_deref(arg);
}

static int transmit(struct ack *a)
{
	const void *sock;
	int err;

	a->mb->pos = 0;
	err = transp_send(a->s->transp, &a->hop, a->mb, &sock);
	if (!err)
		a->way = (struct trans_way){
			a->hop.tp, a->hop.dst, (uintptr_t)sock
		};
	return err;
}

static int write_ack(struct ack *a, struct mbuf *mb)
{
	char branch[TRANS_BRANCH];
	struct sa laddr;
	int err = transp_local(a->s->transp, &laddr, &a->hop);

	if (err)
		return err;
	trans_branch(branch, "");
	err = mbuf_printf(mb, "ACK %s SIP/2.0\r\n", a->target);
	err |= trans_via(mb, a->hop.tp, &laddr, branch);
	err |= mbuf_write_mem(mb, a->rest->buf, a->rest->end);
	return err;
}

static int complete(struct ack *a)
{
	const char *known = stack_name(a->s, &a->hop.dst);
	struct mbuf *mb = mbuf_alloc(a->rest->end + 256);
	struct sa sa;
	int err;

	if (!mb)
		return ENOMEM;
	a->hop.name = known && !sa_set_str(&sa, a->name, 0) ? known
		: a->name;
	err = write_ack(a, mb);
	if (err) {
		mem_deref(mb);
		return err;
	}
	mem_deref(a->mb);
	a->mb = mb;
	return transmit(a);
}

/* The target at hand or the next that takes it (RFC 3263 section 4.3). If
 * none does the peer will give up, and say BYE. */
static void try_targets(struct ack *a)
{
	for (; a->at < a->targetc; a->at++) {
		a->hop.tp = a->targetv[a->at].tp;
		a->hop.dst = a->targetv[a->at].dst;
		if (!complete(a))
			return;
	}
}

static void resolve_handler(int err, const struct target *v, size_t n,
			    void *arg)
{
	struct ack *a = arg;

	a->query = mem_deref(a->query);
	if (err)
		return;
	a->at = 0;
	a->targetc = min(n, (size_t)RESOLVE_MAX);
	memcpy(a->targetv, v, a->targetc * sizeof *v);
	try_targets(a);
}

static int ask(struct ack *a)
{
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, a->next);
	return uri_decode(&uri, &pl) ? EINVAL
		: resolve(&a->query, a->s->resolver, &uri, resolve_handler, a);
}

static int next_way(struct ack *a)
{
	a->hop.sock = mem_deref(a->hop.sock);
	if (!a->targetc)
		return ask(a);
	a->at += a->at < a->targetc;
	try_targets(a);
	return 0;
}

/* Nobody answers an ACK: that its way has failed is all that is heard of it.
 * It may have arrived before; twice does no harm. */
static void fail_handler(const struct trans_way *way, void *arg)
{
	struct ack *a = arg;

	if (a->mb && !a->query && trans_way_cmp(&a->way, way))
		(void)next_way(a);
}

void ack_again(struct ack *a)
{
	if (a && a->mb && !a->query && transmit(a))
		(void)next_way(a);
}

static int begin(struct ack *a, const struct hop *flow)
{
	struct uri uri;
	struct pl pl;
	int err;

	pl_set_str(&pl, a->next);
	err = uri_decode(&uri, &pl) ? EINVAL : pl_strdup(&a->name, &uri.host);
	if (err)
		return err;
	if (!flow || (flow->tp != SIP_TRANSP_UDP && !sipconn_open(flow->sock)))
		return ask(a);
	a->hop.tp = flow->tp;
	a->hop.dst = flow->dst;
	a->hop.sock = mem_ref(flow->sock);
	return complete(a) ? next_way(a) : 0;
}

int ack_send(struct ack **ap, struct stack *s, struct dialog *dlg,
	     uint32_t cseq, const char *auth, const struct hop *flow)
{
	struct ack *a = mem_zalloc(sizeof *a, ack_destructor);
	int err;

	if (!a)
		return ENOMEM;
	a->s = mem_ref(s);
	a->rest = mbuf_alloc(512);
	err = a->rest ? str_dup(&a->target, dlg->target) : ENOMEM;
	if (!err)
		err = str_dup(&a->next, dlg->next);
	if (!err)
		err = mbuf_printf(a->rest, "Max-Forwards: 70\r\n%H"
				  "CSeq: %u ACK\r\n%sUser-Agent: "
				  UA_SOFTWARE "\r\nContent-Length: 0\r\n\r\n",
				  dialog_print, dlg, cseq, auth ? auth : "");
	if (!err)
		err = timer_start(s->timers, &a->timer, KEEP_TIME * SEC,
				  forget_handler, a);
	if (!err)
		err = begin(a, flow);
	if (err) {
		mem_deref(a);
		return err;
	}
	a->ear.h = fail_handler;
	a->ear.arg = a;
	list_append(&s->earl, &a->ear.le, &a->ear);
	list_append(&s->pendingl, &a->le, a);
	a->ap = ap;
	if (ap)
		*ap = a;
	return 0;
}
