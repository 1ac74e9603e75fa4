/*
 * ack.c: ACK for a 2xx (RFC 3261 section 13.2.2.4): composed once, sent
 * again whenever the 2xx comes again, forgotten when it cannot any more.
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
	struct resolve *query;
	struct timer timer;
	struct hop hop;
	char *name, *target;
	struct mbuf *rest;      /* all but the request line and the Via */
	struct mbuf *mb;        /* complete, once the hop is known */
};

static void ack_destructor(void *arg)
{
	struct ack *a = arg;

	list_unlink(&a->le);
	timer_stop(&a->timer);
	if (a->ap)
		*a->ap = NULL;
	mem_deref(a->query);
	mem_deref(a->hop.sock);
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

void ack_again(struct ack *a)
{
	if (!a || !a->mb)
		return;
	a->mb->pos = 0;
	(void)transp_send(a->s->transp, &a->hop, a->mb, NULL);
}

static void complete(struct ack *a)
{
	const char *known = stack_name(a->s, &a->hop.dst);
	char branch[TRANS_BRANCH];
	struct sa laddr, sa;

	a->hop.name = known && !sa_set_str(&sa, a->name, 0) ? known
		: a->name;
	if (transp_local(a->s->transp, &laddr, &a->hop))
		return;
	a->mb = mbuf_alloc(a->rest->end + 256);
	if (!a->mb)
		return;
	trans_branch(branch, "");
	if (mbuf_printf(a->mb, "ACK %s SIP/2.0\r\n", a->target) ||
	    trans_via(a->mb, a->hop.tp, &laddr, branch) ||
	    mbuf_write_mem(a->mb, a->rest->buf, a->rest->end)) {
		a->mb = mem_deref(a->mb);
		return;
	}
	a->rest = mem_deref(a->rest);
	ack_again(a);
}

static void resolve_handler(int err, const struct target *v, size_t n,
			    void *arg)
{
	struct ack *a = arg;
	(void)n;

	a->query = mem_deref(a->query);
	if (err)
		return;         /* the peer will give up, and say BYE */
	a->hop.tp = v[0].tp;
	a->hop.dst = v[0].dst;
	complete(a);
}

static int begin(struct ack *a, const char *next, const struct hop *flow)
{
	struct uri uri;
	struct pl pl;
	int err;

	pl_set_str(&pl, next);
	err = uri_decode(&uri, &pl) ? EINVAL : pl_strdup(&a->name, &uri.host);
	if (err)
		return err;
	if (!flow || (flow->tp != SIP_TRANSP_UDP && !sipconn_open(flow->sock)))
		return resolve(&a->query, a->s->resolver, &uri,
			       resolve_handler, a);
	a->hop.tp = flow->tp;
	a->hop.dst = flow->dst;
	a->hop.sock = mem_ref(flow->sock);
	complete(a);
	return 0;
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
		err = mbuf_printf(a->rest, "Max-Forwards: 70\r\n%H"
				  "CSeq: %u ACK\r\n%sUser-Agent: "
				  UA_SOFTWARE "\r\nContent-Length: 0\r\n\r\n",
				  dialog_print, dlg, cseq, auth ? auth : "");
	if (!err)
		err = timer_start(s->timers, &a->timer, KEEP_TIME * SEC,
				  forget_handler, a);
	if (!err)
		err = begin(a, dlg->next, flow);
	if (err) {
		mem_deref(a);
		return err;
	}
	list_append(&s->pendingl, &a->le, a);
	a->ap = ap;
	if (ap)
		*ap = a;
	return 0;
}
