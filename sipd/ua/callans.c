/*
 * callans.c: our answers to the peer's INVITE, re-INVITE or UPDATE in hand
 * (c->st): 1xx, reliable ones (RFC 3262), 2xx and refusals.
 *
 * Called by the owner of the call through call.c, and by callin.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/callans.h"
#include "sipd/ua/callreq.h"
#include "sipd/ua/setimer.h"

/* Our Contact as it reads where msg came from. */
struct here {
	const struct stack *s;
	const struct sip_msg *msg;
};

static int here_print(struct re_printf *pf, const struct here *h)
{
	struct hop hop = { .tp = h->msg->tp, .dst = h->msg->src };
	struct sa sa = h->msg->dst;
	struct contact c = { h->s, &sa, h->msg->tp };

	if (hop.tp != SIP_TRANSP_UDP &&
	    transp_local(h->s->transp, &sa, &hop))
		sa = h->msg->dst;
	return re_hprintf(pf, "Contact: %H\r\n", stack_contact, &c);
}

/* RFC 3262 section 3: PRACK first. */
static int hold(struct call *c, const struct call_body *b)
{
	int err = c->rel_held ? EALREADY : kept_set(&c->held, b);

	c->rel_held |= !err;
	return err;
}

int callans_answer(struct call *c, const struct call_body *b)
{
	struct strans *st = c->st;
	struct here here = { c->calls->s, strans_msg(st) };
	int err;

	if (!here.msg)
		return EINVAL;
	if (c->rel_wait)
		return hold(c, b);
	if (!c->update_ok && b && b->ctype)
		(void)kept_set(&c->sdp, b);
	if (!pl_strcmp(&here.msg->met, "INVITE")) {
		strans_detach(c->st2xx);
		strans_move(st, &c->st2xx);
		c->st_cseq = here.msg->cseq.num;
	}
	else {
		strans_detach(st);
	}
	if (c->state == CALL_INCOMING)
		c->state = CALL_ANSWERED;
	setimer_request(c, here.msg);
	err = strans_reply(st, true, 200, "OK", "%H" CALL_HEADERS "%H%H",
			     here_print, &here, setimer_answer, c,
			     siptext_body_print, b);
	return err;
}

int callans_progress(struct call *c, uint16_t scode, const char *phrase,
		     const struct call_body *b)
{
	struct here here = { c->calls->s, strans_msg(c->st) };
	bool reliable = c->rel_must || (c->rel_peer && b && b->ctype);

	if (!here.msg || c->state != CALL_INCOMING || scode <= 100 ||
	    scode >= 200)
		return EINVAL;
	if (c->rel_wait)
		return EALREADY;
	if (!reliable)
		return strans_reply(c->st, false, scode, phrase,
				      "%H" CALL_HEADERS "%H", here_print,
				      &here, siptext_body_print, b);
	if (!c->rseq)
		c->rseq = 1 + rand_u16();
	c->rel_wait = true;
	return strans_reply(c->st, true, scode, phrase,
			      "%HRequire: 100rel\r\nRSeq: %u\r\n"
			      CALL_HEADERS "%H", here_print, &here, ++c->rseq,
			      siptext_body_print, b);
}

static int warning_print(struct re_printf *pf, const struct call_end *w)
{
	if (!w->text[0])
		return 0;
	return re_hprintf(pf, "Warning: %u dialtone \"%s\"\r\n", w->scode,
			  w->text);
}

int callans_reject(struct call *c, uint16_t scode, const char *phrase,
		   uint16_t warn_code, const char *warn)
{
	struct strans *st = c->st;
	struct call_end w = { .scode = warn_code };
	struct pl pl;
	int err;

	if (!strans_msg(st) || scode < 300 || scode > 699)
		return EINVAL;
	if (warn) {
		pl_set_str(&pl, warn);
		siptext_clean(w.text, sizeof w.text, &pl);
		for (char *p = w.text; *p; p++)
			if (*p == '"' || *p == '\\')
				*p = '\'';
	}
	if (w.scode < 100 || w.scode > 999)
		w.scode = 399;
	strans_detach(st);
	err = strans_reply(st, false, scode, phrase,
			     "%H%sContent-Length: 0\r\n\r\n",
			     warning_print, &w, scode == 415
			     ? "Accept: application/sdp\r\n" : "");
	if (c->state == CALL_INCOMING)
		call_buried(c);
	return err;
}
