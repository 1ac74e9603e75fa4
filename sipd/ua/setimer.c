/*
 * setimer.c: RFC 4028: who refreshes the session, how often, and what if
 * nobody does.
 *
 * The refresher asks again after half the time; the other one gives the call
 * up shortly before the time is over (section 10).
 */
#include <string.h>
#include "sipd/ua/setimer.h"

enum { GRACE = 32 };    /* s before the end when the waiting side gives up */

static void expire_handler(void *arg)
{
	struct call *c = arg;
	struct call_end end = { .err = ETIMEDOUT, .scode = 408 };

	/* the owner hears the end, the peer a BYE */
	str_ncpy(end.text, "the session was not refreshed", sizeof end.text);
	str_ncpy(end.key, "", sizeof end.key);
	mem_ref(c);
	if (c->h.endh) {
		void (*endh)(const struct call_end *, void *) = c->h.endh;

		memset(&c->h, 0, sizeof c->h);
		endh(&end, c->arg);
	}
	if (!c->self && c->state != CALL_OVER) {
		c->self = true;
		mem_ref(c);
		c->calls->buryh(c);
	}
	mem_deref(c);
}

static void refresh_handler(void *arg)
{
	struct call *c = arg;

	/* should the refresh come to nothing, the session ends in time */
	(void)timer_start(c->calls->s->timers, &c->se.timer,
			  c->se.expires * SEC / 2, expire_handler, c);
	c->calls->refreshh(c);
}

static void arm(struct call *c)
{
	uint64_t t = c->se.expires * SEC;
	uint64_t grace = c->se.expires / 3 < GRACE ? t / 3 : GRACE * SEC;

	if (!c->se.expires)
		timer_stop(&c->se.timer);
	else if (c->se.refresher)
		(void)timer_start(c->calls->s->timers, &c->se.timer, t / 2,
				  refresh_handler, c);
	else
		(void)timer_start(c->calls->s->timers, &c->se.timer,
				  t - grace, expire_handler, c);
}

/* -1: not said. */
static int refresher(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	struct pl v;

	if (!hdr || hdr->val.l > 128 ||
	    msg_param_decode(&hdr->val, "refresher", &v))
		return -1;
	return !pl_strcasecmp(&v, "uac") ? 0
		: !pl_strcasecmp(&v, "uas") ? 1 : -1;
}

int setimer_offer(struct re_printf *pf, const struct call *c)
{
	uint32_t n = c->calls->session_expires;
	int err = 0;

	if (c->se.expires > n)
		n = c->se.expires;
	err |= re_hprintf(pf, "Session-Expires: %u", n);
	if (c->state == CALL_UP && c->se.expires)       /* keep the roles */
		err |= re_hprintf(pf, ";refresher=%s",
				  c->se.refresher ? "uac" : "uas");
	err |= re_hprintf(pf, "\r\nMin-SE: %u\r\n",
			  c->se.expires > c->calls->session_expires
			  ? c->se.expires : c->calls->min_se);
	return err;
}

uint16_t setimer_check(const struct call *c, const struct sip_msg *req)
{
	uint32_t n;

	if (siptext_number(&n, req, SIP_HDR_SESSION_EXPIRES) &&
	    n < c->calls->min_se &&
	    sip_msg_hdr_has_value(req, SIP_HDR_SUPPORTED, "timer"))
		return 422;
	return 0;
}

void setimer_request(struct call *c, const struct sip_msg *req)
{
	bool timer = sip_msg_hdr_has_value(req, SIP_HDR_SUPPORTED, "timer");
	uint32_t n, min = 0, ours = c->calls->session_expires;
	int who = refresher(req);

	(void)siptext_number(&min, req, SIP_HDR_MIN_SE);
	if (!siptext_number(&n, req, SIP_HDR_SESSION_EXPIRES))
		n = timer ? ours : 0;
	if (n > ours)
		n = ours > min ? ours : min;
	if (n && n < c->calls->min_se)
		n = c->calls->min_se;
	c->timer_peer = timer;
	c->se.expires = n;
	/* table 2 of section 9: a peer without timers never refreshes */
	c->se.refresher = !timer || who == 1 ||
		(who < 0 && !sip_msg_hdr(req, SIP_HDR_SESSION_EXPIRES));
	arm(c);
}

int setimer_answer(struct re_printf *pf, const struct call *c)
{
	if (!c->se.expires)
		return 0;
	return re_hprintf(pf, "Session-Expires: %u;refresher=%s\r\n%s",
			  c->se.expires, c->se.refresher ? "uas" : "uac",
			  c->timer_peer && !c->se.refresher
			  ? "Require: timer\r\n" : "");
}

void setimer_response(struct call *c, const struct sip_msg *resp)
{
	uint32_t n;

	if (!siptext_number(&n, resp, SIP_HDR_SESSION_EXPIRES)) {
		c->se.expires = 0;
	}
	else {
		c->se.expires = n < c->calls->min_se ? c->calls->min_se : n;
		c->se.refresher = refresher(resp) != 1;
	}
	arm(c);
}

bool setimer_too_small(struct call *c, const struct sip_msg *resp)
{
	uint32_t n;

	if (!siptext_number(&n, resp, SIP_HDR_MIN_SE) || n > 86400 ||
	    n <= c->se.expires || n <= c->calls->session_expires)
		return false;
	c->se.expires = n;
	return true;
}
