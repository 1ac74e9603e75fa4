/*
 * callcore.c: the table of calls, their birth and their end.
 *
 * A call that its owner lets go before it is over stays alive, referring to
 * itself, until CANCEL or BYE are answered. Found by a hash of the Call-ID
 * and our tag, whatever their number.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/callcore.h"
#include "sipd/ua/callpast.h"

void kept_drop(struct kept *k)
{
	k->mb = mem_deref(k->mb);
	k->ctype = mem_deref(k->ctype);
}

int kept_set(struct kept *k, const struct call_body *b)
{
	kept_drop(k);
	if (!b || !b->ctype)
		return 0;
	k->mb = mbuf_alloc(b->n ? b->n : 1);
	if (!k->mb || mbuf_write_mem(k->mb, (const uint8_t *)b->p, b->n) ||
	    str_dup(&k->ctype, b->ctype)) {
		kept_drop(k);
		return ENOMEM;
	}
	return 0;
}

struct call_body kept_body(const struct kept *k)
{
	struct call_body b = { .ctype = k->ctype };

	if (k->mb) {
		b.p = (const char *)k->mb->buf;
		b.n = k->mb->end;
	}
	return b;
}

static uint32_t call_key(const struct pl *callid, const struct pl *ltag)
{
	return hash_joaat_pl(callid) ^ hash_joaat_pl(ltag);
}

static void bury_handler(void *arg)
{
	struct call *c = arg;

	c->calls->buryh(c);
}

static void unlist(struct call *c)
{
	if (!c->he.list)
		return;
	--c->calls->n;
	hash_unlink(&c->he);
	callpast_keep(c);
}

static void call_destructor(void *arg)
{
	struct call *c = arg;

	if (c->state != CALL_OVER && !c->calls->closing && !c->self) {
		/* let go by its owner: say so to the peer, later and not
		 * from within a destructor */
		memset(&c->h, 0, sizeof c->h);
		if (!timer_start(c->calls->s->timers, &c->timer, 0,
				 bury_handler, c)) {
			c->self = true;
			mem_ref(c);
			return;
		}
	}
	unlist(c);
	timer_stop(&c->timer);
	timer_stop(&c->se.timer);
	strans_detach(c->st);
	strans_detach(c->st2xx);
	mem_deref(c->offer);
	mem_deref(c->misc);
	mem_deref(c->ack);
	mem_deref(c->dlg);
	mem_deref(c->flow.sock);
	mem_deref(c->msg);
	kept_drop(&c->held);
	kept_drop(&c->sdp);
	mem_deref(c->peer);
	mem_deref(c->headers);
	mem_deref(c->moved);
	mem_deref(c->calls);
}

int call_new(struct call **cp, struct calls *calls, struct dialog *dlg)
{
	struct call *c = mem_zalloc(sizeof *c, call_destructor);
	struct pl callid, ltag;

	if (!c)
		return ENOMEM;
	c->calls = mem_ref(calls);
	c->dlg = mem_ref(dlg);
	c->flow.tp = SIP_TRANSP_NONE;
	++calls->n;
	pl_set_str(&callid, dlg->callid);
	pl_set_str(&ltag, dlg->ltag);
	hash_append(calls->ht, call_key(&callid, &ltag), &c->he, c);
	*cp = c;
	return 0;
}

struct call *call_find(const struct calls *calls, const struct sip_msg *msg,
		       bool half)
{
	const struct pl *ltag = msg->req ? &msg->to.tag : &msg->from.tag;
	struct le *le;

	le = list_head(hash_list(calls->ht, call_key(&msg->callid, ltag)));
	for (; le; le = le->next) {
		struct call *c = le->data;

		if (half ? dialog_match_half(c->dlg, msg)
			 : dialog_match(c->dlg, msg))
			return c;
	}
	return NULL;
}

void call_hold(struct call *c, const struct sip_msg *msg)
{
	struct sip_msg *old = c->msg;

	memset(&c->body, 0, sizeof c->body);
	c->msg = mem_ref((void *)msg);
	mem_deref(old);
	if (msg)
		c->body = siptext_body(msg, c->ctype, sizeof c->ctype);
}

static void quiet(struct call *c)
{
	c->state = CALL_OVER;
	timer_stop(&c->timer);
	timer_stop(&c->se.timer);
	c->offer = mem_deref(c->offer);
	c->misc = mem_deref(c->misc);
}

void call_buried(struct call *c)
{
	quiet(c);
	unlist(c);
	memset(&c->h, 0, sizeof c->h);
	if (c->self) {
		c->self = false;
		mem_deref(c);
	}
}

void call_over(struct call *c, const struct call_end *end)
{
	void (*endh)(const struct call_end *, void *) = c->h.endh;
	void *arg = c->arg;
	struct call_end e = *end;

	if (c->state == CALL_OVER)
		return;
	mem_ref(c);
	call_buried(c);
	if (endh)
		endh(&e, arg);
	mem_deref(c);
}

void call_over_err(struct call *c, int err, const char *why)
{
	struct call_end end = { .err = err };

	str_ncpy(end.text, why, sizeof end.text);
	call_over(c, &end);
}

void call_learn(struct call *c, const struct sip_msg *msg)
{
	if (sip_msg_hdr(msg, SIP_HDR_ALLOW))
		c->update_ok = sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW,
						     "UPDATE");
	c->timer_peer = sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED,
					      "timer");
	c->rel_must = sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel");
	c->rel_peer = c->rel_must ||
		sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "100rel");
}

/* A peer without proxies in between is best reached by the way it came: by
 * its connection, whose Contact names another port, or, if it sits behind a
 * NAT (its Via says another address), by its source address. */
void call_flow(struct call *c, const struct sip_msg *msg)
{
	bool nat = msg->req && !sa_cmp(&msg->via.addr, &msg->src, SA_ADDR);

	if (sip_msg_hdr(msg, SIP_HDR_RECORD_ROUTE) ||
	    (msg->req && sip_msg_hdr_count(msg, SIP_HDR_VIA) != 1) ||
	    (msg->tp == SIP_TRANSP_UDP && !nat))
		return;
	c->flow.tp = msg->tp;
	c->flow.dst = msg->src;
	mem_deref(c->flow.sock);
	c->flow.sock = mem_ref(msg->sock);
}

const struct hop *call_hop(const struct call *c)
{
	return c->flow.tp == SIP_TRANSP_NONE || c->dlg->route ? NULL
		: &c->flow;
}
