/*
 * callout.c: the caller's side of INVITE (RFC 3261 section 13.2).
 *
 *   INVITE --1xx with a tag--> early dialog (PRACK if reliable)
 *          --3xx--> once more, to its Contact     --422--> with its Min-SE
 *          --2xx--> ACK, the call is up           --else--> over
 * A 2xx after CANCEL is acknowledged and ended with BYE.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/callout.h"
#include "sipd/ua/callreq.h"
#include "sipd/ua/setimer.h"

enum {
	RING_TIME     = 185,    /* s; timer C and a little */
	REDIRECTS_MAX = 5,
	HEADERS_MAX   = 4096,
	URI_MAX       = 256,
};

static int send_invite(struct call *c, const struct call_body *offer,
		       enum login login)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct request_conf conf = {
		.met = "INVITE", .dlg = c->dlg, .contact = true,
		.body = offer, .login = login,
	};
	char *headers = NULL;
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, CALL_HEADERS "%H%s", setimer_offer, c,
			  c->headers ? c->headers : "");
	mb->pos = 0;
	if (!err)
		err = mbuf_strdup(mb, &headers, mb->end);
	conf.headers = headers;
	if (!err)
		err = request_send(&c->offer, c->calls->s, &conf, c->offerh,
				   c);
	mem_deref(headers);
	mem_deref(mb);
	return err;
}

/* A new request: whoever rang in the meantime is not in it. */
static int send_again(struct call *c)
{
	const char *uri = c->moved ? c->moved : c->peer;
	struct call_body b = kept_body(&c->held);
	struct way way;
	int err = c->calls->wayh(&way, uri, c->calls->arg);

	if (!err)
		err = dialog_restart(c->dlg, c->peer, uri, way.route,
				     way.next);
	if (err)
		return err;
	c->direct = !way.route && !way.next;
	return send_invite(c, &b, way.login);
}

static void ring_handler(void *arg)
{
	struct call *c = arg;
	struct call_end end = { .scode = 408 };
	void (*endh)(const struct call_end *, void *) = c->h.endh;

	str_ncpy(end.text, "nobody answered", sizeof end.text);
	mem_ref(c);
	memset(&c->h, 0, sizeof c->h);
	if (endh)
		endh(&end, c->arg);
	if (!c->self && c->state == CALL_CALLING) {
		c->self = true;
		mem_ref(c);
		callout_cancel(c);
	}
	mem_deref(c);
}

/* RFC 3262 section 4: in order, each once; other branches get theirs too. */
static bool reliable(struct call *c, const struct sip_msg *msg,
		     uint32_t cseq)
{
	struct dialog *other;
	uint32_t rseq;

	if (!sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel") ||
	    !siptext_number(&rseq, msg, SIP_HDR_RSEQ))
		return true;
	if (!dialog_match(c->dlg, msg)) {
		if (!dialog_fork(&other, c->dlg, msg)) {
			(void)callreq_prack(c, other, cseq, msg);
			mem_deref(other);
		}
		return false;
	}
	if (c->rseq && rseq != c->rseq + 1)
		return false;           /* repeated, or out of order */
	c->rseq = rseq;
	(void)callreq_prack(c, c->dlg, cseq, msg);
	return true;
}

static void provisional(struct call *c, const struct sip_msg *msg,
			const struct request *r)
{
	char ctype[64];
	struct call_body b;

	if (msg->scode <= 100 || c->state != CALL_CALLING)
		return;
	if (!c->dlg->rtag && !dialog_establish(c->dlg, msg))
		c->rseq = 0;
	call_learn(c, msg);
	if (!reliable(c, msg, request_cseq(r)))
		return;
	b = siptext_body(msg, ctype, sizeof ctype);
	if (c->h.progressh)
		c->h.progressh(msg->scode, &b, c->arg);
}

static void answered(struct call *c, const struct sip_msg *msg,
		     const struct request *r)
{
	struct call_body b;
	char ctype[64];

	if (dialog_establish(c->dlg, msg)) {
		call_over_err(c, EPROTO, "the answer has no proper Contact");
		return;
	}
	if (c->direct)
		call_flow(c, msg);
	callreq_ack(c, msg, request_cseq(r), request_auth(r));
	timer_stop(&c->timer);
	if (c->state == CALL_ENDING) {  /* it crossed our CANCEL */
		callreq_bye(c);
		return;
	}
	c->state = CALL_UP;
	setimer_response(c, msg);
	kept_drop(&c->held);
	c->headers = mem_deref(c->headers);
	b = siptext_body(msg, ctype, sizeof ctype);
	if (c->h.answerh)
		c->h.answerh(&b, c->arg);
}

/* Section 8.1.3.4; only where we may go. */
static int redirect(struct call *c, const struct sip_msg *msg)
{
	struct sip_addr addr;

	if (++c->redirects > REDIRECTS_MAX ||
	    siptext_contact(&addr, msg) || addr.auri.l >= URI_MAX)
		return EPROTO;
	c->moved = mem_deref(c->moved);
	return pl_strdup(&c->moved, &addr.auri) ? ENOMEM : send_again(c);
}

static void refused(struct call *c, const struct sip_msg *msg)
{
	struct call_end end = { 0 };

	if (c->state == CALL_ENDING) {
		call_buried(c);
		return;
	}
	if (msg->scode < 400 && !redirect(c, msg))
		return;
	if (msg->scode == 422 && setimer_too_small(c, msg) && !send_again(c))
		return;
	siptext_end(&end, msg);
	call_over(c, &end);
}

/* Nobody has answered. Unless we called straight that says nothing of the
 * peer. */
static void failed(struct call *c, int err, const char *why)
{
	struct call_end end = {
		.err = err,
		.server = !c->direct && !c->dlg->rtag && err != EACCES,
	};

	(void)re_snprintf(end.text, sizeof end.text, "%s%s%s",
			  end.server ? c->dlg->next : "",
			  end.server ? ": " : "", why);
	call_over(c, &end);
}

static void response_handler(int err, const struct sip_msg *msg,
			     const struct request *r, void *arg)
{
	struct call *c = arg;

	if (err && c->state == CALL_ENDING)
		call_buried(c);
	else if (err)
		failed(c, err, request_why(r));
	else if (msg->scode < 200)
		provisional(c, msg, r);
	else if (msg->scode < 300)
		answered(c, msg, r);
	else
		refused(c, msg);
}

/* A SIP URI with nothing in it that could break out of a header. */
static int uri_check(const char *uri)
{
	struct uri u;
	struct pl pl;

	for (const char *p = uri; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '<' || *p == '>' ||
		    *p == '"' || *p == 0x7f || p - uri >= URI_MAX - 1)
			return EINVAL;
	pl_set_str(&pl, uri);
	if (uri_decode(&u, &pl) || (pl_strcasecmp(&u.scheme, "sip") &&
				    pl_strcasecmp(&u.scheme, "sips")))
		return EINVAL;
	return 0;
}

int callout_invite(struct call **cp, struct calls *calls, const char *uri,
		   const struct call_body *offer, const char *headers)
{
	struct call *c = NULL;
	struct dialog *dlg;
	struct way way;
	int err = uri_check(uri);

	if (!err && headers && strlen(headers) > HEADERS_MAX)
		err = EINVAL;
	if (!err)
		err = calls->wayh(&way, uri, calls->arg);
	if (!err)
		err = dialog_alloc(&dlg, way.from, uri, way.route, way.next);
	if (err)
		return err;
	err = call_new(&c, calls, dlg);
	mem_deref(dlg);
	if (err)
		return err;
	c->caller = true;
	c->direct = !way.route && !way.next;
	c->offerh = response_handler;
	err  = str_dup(&c->peer, uri);
	err |= headers ? str_dup(&c->headers, headers) : 0;
	err |= kept_set(&c->held, offer);
	if (!err)
		err = send_invite(c, offer, way.login);
	if (!err)
		err = timer_start(calls->s->timers, &c->timer,
				  RING_TIME * SEC, ring_handler, c);
	if (err) {
		c->state = CALL_OVER;
		mem_deref(c);
	}
	else {
		*cp = c;
	}
	return err;
}

void callout_cancel(struct call *c)
{
	char headers[1024] = "";

	c->state = CALL_ENDING;
	timer_stop(&c->timer);
	(void)re_snprintf(headers, sizeof headers, "%H", siptext_reason,
			  &c->end);
	if (c->offer)
		request_cancel(c->offer, headers);
	else
		call_buried(c);
}
