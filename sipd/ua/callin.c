/*
 * callin.c: the callee's side of INVITE (RFC 3261 section 13.3), and the
 * peer's requests within a call.
 *
 *   request --> which call? --> in order? --> the method's row in the table
 * Each is answered exactly once, here or by the owner of the call.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/callans.h"
#include "sipd/ua/callin.h"
#include "sipd/ua/callreq.h"
#include "sipd/ua/setimer.h"

enum { RETRY_AFTER_MAX = 10 };

static void answer(struct calls *calls, const struct sip_msg *msg,
		   uint16_t scode, const char *phrase)
{
	(void)uastrans_answer(calls->s->uastrans, msg, scode, phrase, NULL);
}

/* ---- a new call ---- */

static void cancel_handler(const struct sip_msg *cancel, void *arg)
{
	struct call *c = arg;
	struct strans *st = c->st;
	struct call_end end = { 0 };

	strans_detach(st);
	(void)strans_reply(st, false, 487, "Request Terminated", NULL);
	if (c->state != CALL_INCOMING)
		return;                 /* a re-INVITE: the call goes on */
	siptext_end(&end, cancel);
	end.by_peer = true;
	end.scode = 487;
	call_over(c, &end);
}

/* The peer is gone, or its network is: RFC 3261 section 13.3.1.4, RFC 3262
 * section 3. */
static void loss_handler(void *arg)
{
	struct call *c = arg;
	struct call_end end = { .err = ETIMEDOUT };
	void (*endh)(const struct call_end *, void *) = c->h.endh;

	str_ncpy(end.text, c->state == CALL_INCOMING
		 ? "a reliable response was not acknowledged"
		 : "our answer was not acknowledged", sizeof end.text);
	mem_ref(c);
	memset(&c->h, 0, sizeof c->h);
	if (endh)
		endh(&end, c->arg);
	if (c->state == CALL_INCOMING) {
		struct strans *st = c->st;

		strans_detach(st);
		(void)strans_reply(st, false, 504, "Server Time-out", NULL);
		call_buried(c);
	}
	else if (c->state != CALL_OVER && !c->misc) {
		if (!c->self)
			mem_ref(c);
		c->self = true;
		callreq_bye(c);
	}
	mem_deref(c);
}

static const struct strans_handlers invite_handlers = {
	cancel_handler, loss_handler
};

static int peer_uri(char **peer, const struct sip_msg *msg)
{
	const struct uri *u = &msg->from.uri;
	char buf[256];
	struct pl pl = { buf, 0 };
	int n;

	n = re_snprintf(buf, sizeof buf, u->af == AF_INET6 ? "%r:%r%s[%r]"
			: "%r:%r%s%r", &u->scheme, &u->user,
			pl_isset(&u->user) ? "@" : "", &u->host);
	if (n < 0)
		return EMSGSIZE;
	if (u->port && re_snprintf(buf + n, sizeof buf - (size_t)n, ":%u",
				   u->port) < 0)
		return EMSGSIZE;
	pl.l = strlen(buf);
	*peer = mem_zalloc(pl.l + 1, NULL);
	if (!*peer)
		return ENOMEM;
	siptext_clean(*peer, pl.l + 1, &pl);
	return 0;
}

static int new_call(struct call **cp, struct calls *calls,
		    const struct sip_msg *msg)
{
	struct dialog *dlg;
	struct call *c = NULL;
	int err;

	err = dialog_accept(&dlg, msg);
	if (err)
		return err;
	err = call_new(&c, calls, dlg);
	mem_deref(dlg);
	if (err)
		return err;
	c->state = CALL_INCOMING;
	err = peer_uri(&c->peer, msg);
	if (!err)
		err = uastrans_alloc(&c->st, calls->s->uastrans, msg,
				     &invite_handlers, c);
	if (err) {
		c->state = CALL_OVER;
		mem_deref(c);
		return err;
	}
	*cp = c;
	return 0;
}

static bool sdp_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	static const char *const rangev[] = {
		"application/sdp", "application/*", "*/*"
	};
	struct pl type = hdr->val;
	const char *end = pl_strchr(&type, ';');
	(void)msg;
	(void)arg;

	if (end)
		type.l = (size_t)(end - type.p);
	while (type.l && (type.p[type.l - 1] == ' ' ||
			  type.p[type.l - 1] == '\t'))
		--type.l;
	for (size_t i = 0; i < sizeof rangev / sizeof rangev[0]; i++)
		if (!pl_strcasecmp(&type, rangev[i]))
			return true;
	return false;
}

/* RFC 4475 section 3.3.15: may the answer have a description? */
static bool takes_sdp(const struct sip_msg *msg)
{
	return !sip_msg_hdr(msg, SIP_HDR_ACCEPT) ||
		sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT, sdp_handler,
				  NULL);
}

static void invite_out(struct calls *calls, const struct sip_msg *msg)
{
	struct call *c;
	int err;

	if (!takes_sdp(msg)) {
		(void)uastrans_answer(calls->s->uastrans, msg, 406,
				      "Not Acceptable", "Warning: 399 dialtone"
				      " \"only SDP can be answered\"\r\n"
				      "Content-Length: 0\r\n\r\n");
		return;
	}

	if (calls->closing || !calls->callh) {
		answer(calls, msg, 480, "Temporarily Unavailable");
		return;
	}
	err = new_call(&c, calls, msg);
	if (err) {
		answer(calls, msg, err == EBADMSG ? 400 : 500,
		       err == EBADMSG ? "Missing Contact"
		       : "Server Internal Error");
		return;
	}
	call_learn(c, msg);
	call_flow(c, msg);
	if (setimer_check(c, msg)) {
		struct strans *st = c->st;

		strans_detach(st);
		(void)strans_reply(st, false, 422,
				     "Session Interval Too Small",
				     "Min-SE: %u\r\nContent-Length: 0\r\n\r\n",
				     calls->min_se);
		call_buried(c);
	}
	else {
		call_hold(c, msg);
		calls->callh(c, calls->arg);
		if (!c->taken && c->state == CALL_INCOMING)
			(void)callans_reject(c, 480, "Temporarily Unavailable",
					     0, NULL);
	}
	mem_deref(c);
}

static void options(struct calls *calls, const struct sip_msg *msg)
{
	(void)uastrans_answer(calls->s->uastrans, msg, 200, "OK",
			      "Accept: application/sdp\r\n" CALL_HEADERS
			      "Content-Length: 0\r\n\r\n");
}

static void method_refuse(struct calls *calls, const struct sip_msg *msg)
{
	(void)uastrans_answer(calls->s->uastrans, msg, 405,
			      "Method Not Allowed",
			      "Allow: " SIP_ALLOW "\r\n"
			      "Content-Length: 0\r\n\r\n");
}

/* ---- within a call ---- */

static void later(struct calls *calls, const struct sip_msg *msg)
{
	(void)uastrans_answer(calls->s->uastrans, msg, 500,
			      "Server Internal Error", "Retry-After: %u\r\n"
			      "Content-Length: 0\r\n\r\n",
			      rand_u16() % (RETRY_AFTER_MAX + 1));
}

/* re-INVITE and UPDATE; sections 14.2 and RFC 3311 5.2. */
static void offer_in(struct call *c, const struct sip_msg *msg)
{
	bool update = !pl_strcmp(&msg->met, "UPDATE");
	struct call_body b;
	char ctype[64];

	if (c->st || c->state != CALL_UP) {
		later(c->calls, msg);
		return;
	}
	if (c->offer) {
		answer(c->calls, msg, 491, "Request Pending");
		return;
	}
	if (setimer_check(c, msg)) {
		(void)uastrans_answer(c->calls->s->uastrans, msg, 422,
				      "Session Interval Too Small",
				      "Min-SE: %u\r\nContent-Length: 0\r\n"
				      "\r\n", c->calls->min_se);
		return;
	}
	if (dialog_refresh(c->dlg, msg) ||
	    uastrans_alloc(&c->st, c->calls->s->uastrans, msg,
			   &invite_handlers,
			   c)) {
		answer(c->calls, msg, 400, "Bad Contact");
		return;
	}
	call_learn(c, msg);
	b = siptext_body(msg, ctype, sizeof ctype);
	if (update && !b.ctype)
		(void)callans_answer(c, NULL);   /* a session refresh */
	else if (c->h.offerh)
		c->h.offerh(&b, c->arg);
	if (c->st && c->state == CALL_UP)
		(void)callans_reject(c, 488, "Not Acceptable Here", 0, NULL);
}

static void ack(struct call *c, const struct sip_msg *msg)
{
	struct call_body b;
	char ctype[64];
	bool first = c->state == CALL_ANSWERED;

	if (!c->st2xx || msg->cseq.num != c->st_cseq)
		return;
	strans_acked(c->st2xx);
	strans_detach(c->st2xx);
	if (c->state == CALL_ENDING) {  /* hung up meanwhile */
		callreq_bye(c);
		return;
	}
	if (first) {                    /* it knew our tag */
		c->state = CALL_UP;
		quota_exempt(c->calls->s->quota, &msg->src);
	}
	b = siptext_body(msg, ctype, sizeof ctype);
	if (c->h.establishedh && (first || b.ctype))
		c->h.establishedh(&b, c->arg);
	call_hold(c, NULL);
}

static void bye(struct call *c, const struct sip_msg *msg)
{
	struct call_end end = { .by_peer = true };
	struct strans *st = c->st;

	answer(c->calls, msg, 200, "OK");
	if (st) {
		strans_detach(st);
		(void)strans_reply(st, false, 487, "Request Terminated",
				     NULL);
	}
	strans_acked(c->st2xx);         /* stop repeating it */
	siptext_end(&end, msg);
	if (c->state == CALL_ENDING)
		call_buried(c);
	else
		call_over(c, &end);
}

static void info(struct call *c, const struct sip_msg *msg)
{
	struct call_body b;
	char ctype[64];

	answer(c->calls, msg, 200, "OK");
	b = siptext_body(msg, ctype, sizeof ctype);
	if (c->h.infoh)
		c->h.infoh(pl_strcmp(&msg->met, "INFO") ? "MESSAGE" : "INFO",
			   &b, c->arg);
}

/* "RAck: response-num CSeq-num method" */
static bool rack_fits(const struct call *c, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RACK);
	const struct sip_msg *inv = strans_msg(c->st);
	char want[64];

	if (!hdr || !inv || !c->rel_wait)
		return false;
	(void)re_snprintf(want, sizeof want, "%u %u INVITE", c->rseq,
			  inv->cseq.num);
	return !pl_strcmp(&hdr->val, want);
}

static void prack(struct call *c, const struct sip_msg *msg)
{
	struct kept held = c->held;
	struct call_body b = kept_body(&held);

	if (!rack_fits(c, msg)) {
		answer(c->calls, msg, 481, "No Such Response");
		return;
	}
	answer(c->calls, msg, 200, "OK");
	strans_acked(c->st);
	c->rel_wait = false;
	if (!c->rel_held)
		return;
	c->rel_held = false;
	memset(&c->held, 0, sizeof c->held);
	(void)callans_answer(c, &b);
	kept_drop(&held);
}

static void options_in(struct call *c, const struct sip_msg *msg)
{
	options(c->calls, msg);
}

/* ---- dispatch ---- */

static const struct method {
	const char *name;
	void (*outh)(struct calls *calls, const struct sip_msg *msg);
	void (*inh)(struct call *c, const struct sip_msg *msg);
} methodv[] = {
	{ "INVITE",    invite_out,    offer_in   },
	{ "BYE",       NULL,          bye        },
	{ "INFO",      NULL,          info       },
	{ "MESSAGE",   method_refuse, info       },
	{ "UPDATE",    NULL,          offer_in   },
	{ "PRACK",     NULL,          prack      },
	{ "OPTIONS",   options,       options_in },
	{ "REGISTER",  method_refuse, NULL       },
	{ "SUBSCRIBE", method_refuse, NULL       },
	{ "NOTIFY",    method_refuse, NULL       },
	{ "PUBLISH",   method_refuse, NULL       },
	{ "REFER",     method_refuse, NULL       },
};

static const struct method *method_find(const struct pl *met)
{
	for (size_t i = 0; i < sizeof methodv / sizeof methodv[0]; i++)
		if (!pl_strcmp(met, methodv[i].name))
			return &methodv[i];
	return NULL;
}

static bool require_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	char *unknown = arg;
	(void)msg;

	if (pl_strcasecmp(&hdr->val, "100rel") &&
	    pl_strcasecmp(&hdr->val, "timer"))
		siptext_clean(unknown, 64, &hdr->val);
	return unknown[0] != '\0';
}

static void within(struct calls *calls, const struct method *m,
		   const struct sip_msg *msg)
{
	struct call *c = call_find(calls, msg, false);

	if (!c || (c->state == CALL_ENDING && m->inh != bye) ||
	    (c->state == CALL_CALLING && m->inh == bye)) {
		answer(calls, msg, 481, "Call/Transaction Does Not Exist");
		return;
	}
	if (!dialog_order(c->dlg, msg)) {
		answer(calls, msg, 500, "CSeq Out of Order");
		return;
	}
	mem_ref(c);
	m->inh(c, msg);
	mem_deref(c);
}

static void ack_in(struct calls *calls, const struct sip_msg *msg)
{
	struct call *c = call_find(calls, msg, false);

	if (!c)
		return;
	mem_ref(c);
	ack(c, msg);
	mem_deref(c);
}

void callin_request(struct calls *calls, const struct sip_msg *msg)
{
	const struct method *m = method_find(&msg->met);
	char unknown[64] = "";

	if (!pl_strcmp(&msg->met, "ACK")) {
		ack_in(calls, msg);
		return;
	}
	if (!m) {
		answer(calls, msg, 501, "Not Implemented");
		return;
	}
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, require_handler,
				unknown);
	if (unknown[0])
		(void)uastrans_answer(calls->s->uastrans, msg, 420,
				      "Bad Extension", "Unsupported: %s\r\n"
				      "Content-Length: 0\r\n\r\n", unknown);
	else if (pl_isset(&msg->to.tag) && m->inh)
		within(calls, m, msg);
	else if (!pl_isset(&msg->to.tag) && m->outh)
		m->outh(calls, msg);
	else if (m->inh)
		answer(calls, msg, 481, "Call/Transaction Does Not Exist");
	else
		method_refuse(calls, msg);
}
