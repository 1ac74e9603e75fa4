/*
 * callreq.c: requests of ours within a dialog: BYE, INFO, PRACK, re-INVITE
 * with glare (RFC 3261 section 14.1), and session refreshes by UPDATE if the
 * peer takes it.
 *
 * c->offer is the one offer that may be under way; c->held keeps its body
 * for a second attempt. Called by call.c, callin.c, callout.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/callreq.h"
#include "sipd/ua/setimer.h"

enum { HEADERS_MAX = 1024 };

static void bye_handler(int err, const struct sip_msg *msg,
			const struct request *r, void *arg)
{
	(void)err;
	(void)r;
	if (msg && msg->scode < 200)
		return;
	call_buried(arg);
}

void callreq_bye(struct call *c)
{
	struct request_conf conf = {
		.met = "BYE", .dlg = c->dlg, .flow = call_hop(c),
		.login = c->calls->login,
	};
	char headers[HEADERS_MAX];

	c->state = CALL_ENDING;
	timer_stop(&c->timer);
	timer_stop(&c->se.timer);
	if (re_snprintf(headers, sizeof headers, "%H", siptext_reason,
			&c->end) > 0)
		conf.headers = headers;
	if (c->misc)
		return;
	if (request_send(&c->misc, c->calls->s, &conf, bye_handler, c))
		call_buried(c);
}

int callreq_info(struct call *c, const char *met, const struct call_body *b)
{
	struct request_conf conf = {
		.met = met, .dlg = c->dlg, .flow = call_hop(c), .body = b,
		.contact = !strcmp(met, "INFO"), .login = c->calls->login,
	};

	if (!c->dlg->rtag)
		return ENOTCONN;
	return request_send(NULL, c->calls->s, &conf, NULL, NULL);
}

int callreq_prack(struct call *c, struct dialog *dlg, uint32_t cseq,
		  const struct sip_msg *resp)
{
	char headers[64];
	struct request_conf conf = {
		.met = "PRACK", .dlg = dlg, .headers = headers,
		.flow = call_hop(c), .login = c->calls->login,
	};
	uint32_t rseq;

	if (!siptext_number(&rseq, resp, SIP_HDR_RSEQ))
		return EBADMSG;
	(void)re_snprintf(headers, sizeof headers, "RAck: %u %u INVITE\r\n",
			  rseq, cseq);
	return request_send(NULL, c->calls->s, &conf, NULL, NULL);
}

void callreq_ack(struct call *c, const struct sip_msg *resp, uint32_t cseq,
		 const char *auth)
{
	mem_deref(c->ack);
	c->ack = NULL;
	c->ack_cseq = cseq;
	(void)ack_send(&c->ack, c->calls->s, c->dlg, cseq, auth,
		       call_hop(c));
	call_learn(c, resp);
}

void callreq_branch(struct calls *calls, const struct dialog *o,
		    const struct sip_msg *resp)
{
	struct request_conf conf = { .met = "BYE", .login = calls->login };
	struct dialog *dlg;

	if (dialog_fork(&dlg, o, resp))
		return;
	conf.dlg = dlg;
	(void)ack_send(NULL, calls->s, dlg, resp->cseq.num, NULL, NULL);
	(void)request_send(NULL, calls->s, &conf, NULL, NULL);
	mem_deref(dlg);
}

void callreq_stray(struct call *c, const struct sip_msg *resp)
{
	if (dialog_match(c->dlg, resp)) {
		if (resp->cseq.num == c->ack_cseq)
			ack_again(c->ack);
		else if (resp->cseq.num <= *c->dlg->lseq)
			(void)ack_send(NULL, c->calls->s, c->dlg,
				       resp->cseq.num, NULL, call_hop(c));
		return;
	}
	/* whatever its CSeq: a former attempt's had another */
	if (c->caller)
		callreq_branch(c->calls, c->dlg, resp);
}

/* ---- offers ---- */

static int offer_send(struct call *c, const struct call_body *b)
{
	struct mbuf *mb = mbuf_alloc(HEADERS_MAX);
	struct request_conf conf = {
		.met = c->update ? "UPDATE" : "INVITE", .dlg = c->dlg,
		.contact = true, .body = b, .flow = call_hop(c),
		.login = c->calls->login,
	};
	char *headers = NULL;
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, CALL_HEADERS "%H", setimer_offer, c);
	mb->pos = 0;
	if (!err)
		err = mbuf_strdup(mb, &headers, mb->end);
	conf.headers = headers;
	if (!err)
		err = request_send(&c->offer, c->calls->s, &conf,
				   c->offerh, c);
	mem_deref(headers);
	mem_deref(mb);
	return err;
}

static void offer_done(struct call *c)
{
	kept_drop(&c->held);
	c->offering = c->refreshing = false;
}

static void refused(struct call *c, uint16_t scode)
{
	bool refreshing = c->refreshing;

	offer_done(c);
	if (!refreshing && c->h.refusedh)
		c->h.refusedh(scode, c->arg);
}

static void again_handler(void *arg)
{
	struct call *c = arg;
	struct call_body b = kept_body(&c->held);

	if (c->state != CALL_UP || c->offer)
		return;
	if (c->st || offer_send(c, &b))
		refused(c, 491);
}

/* Section 14.1: who made the call waits longer. */
static void glare(struct call *c)
{
	uint32_t ms = c->caller ? 2100 + rand_u16() % 1900
		: rand_u16() % 2000;

	(void)timer_start(c->calls->s->timers, &c->timer, ms * MSEC,
			  again_handler, c);
}

static void accepted(struct call *c, const struct sip_msg *msg,
		     const struct request *r)
{
	char ctype[64];
	struct call_body b = siptext_body(msg, ctype, sizeof ctype);
	bool refreshing = c->refreshing;

	(void)dialog_refresh(c->dlg, msg);
	if (!c->update)
		callreq_ack(c, msg, request_cseq(r), request_auth(r));
	if (c->state != CALL_UP)
		return;
	setimer_response(c, msg);
	offer_done(c);
	if (!refreshing && c->h.answerh)
		c->h.answerh(&b, c->arg);
}

/* Refusals that say what to do. */
static bool mended(struct call *c, const struct sip_msg *msg)
{
	struct call_body b = kept_body(&c->held);

	if (msg->scode == 422 && setimer_too_small(c, msg))
		return !offer_send(c, &b);
	if ((msg->scode == 405 || msg->scode == 501) && c->refreshing &&
	    c->update) {
		c->update_ok = c->update = false;
		return !offer_send(c, &b);
	}
	if (msg->scode == 491) {
		glare(c);
		return true;
	}
	return false;
}

static void offer_handler(int err, const struct sip_msg *msg,
			  const struct request *r, void *arg)
{
	struct call *c = arg;
	struct call_end end = { 0 };

	if (msg && msg->scode < 200)
		return;
	/* without an error there is an answer. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (!err && msg->scode < 300) {
		accepted(c, msg, r);
	}
	else if (c->state != CALL_UP) {
		return;                 /* BYE is under way */
	}
	else if (!err && msg->scode == 481) {
		siptext_end(&end, msg);
		call_over(c, &end);
	}
	else if (err || !mended(c, msg)) {
		refused(c, err ? err == ETIMEDOUT ? 408 : 503 : msg->scode);
	}
}

static int offer(struct call *c, bool update, const struct call_body *b)
{
	int err;

	if (c->offer || c->offering || c->st)
		return EALREADY;
	err = kept_set(&c->held, b);
	if (err)
		return err;
	c->update = update;
	c->offering = true;
	c->offerh = offer_handler;
	err = offer_send(c, b);
	if (err)
		offer_done(c);
	return err;
}

int callreq_offer(struct call *c, const struct call_body *b)
{
	return offer(c, false, b);
}

int callreq_reoffer(struct call *c, const struct call_body *b)
{
	if (!c->offering || c->refreshing || c->offer)
		return EALREADY;
	return kept_set(&c->held, b);
}

void callreq_refresh(struct call *c)
{
	struct call_body b = kept_body(&c->sdp);

	if (c->state != CALL_UP || c->offer || c->offering || c->st)
		return;                 /* that refreshes as well */
	c->refreshing = true;
	if (offer(c, c->update_ok, c->update_ok ? NULL : &b))
		c->refreshing = false;
}
