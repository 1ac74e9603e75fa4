/*
 * call.c: calls as ua.h offers them.
 *
 * What the caller does is in callout.c, what the peer asks in callin.c and
 * what we answer in callans.c, what we ask within a call in callreq.c;
 * callcore.c holds the table, setimer.c the session timers.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/call.h"
#include "sipd/ua/callans.h"
#include "sipd/ua/callin.h"
#include "sipd/ua/callout.h"
#include "sipd/ua/callpast.h"
#include "sipd/ua/callreq.h"

enum { BUCKETS = 4096, MIN_SE = 90 };

static void calls_destructor(void *arg)
{
	struct calls *calls = arg;

	list_flush(&calls->pastl);
	mem_deref(calls->ht);
	mem_deref(calls->s);
}

/* What the wire must hear when a call is given up, by its state. */
static void bury(struct call *c)
{
	switch (c->state) {
	case CALL_CALLING:
		callout_cancel(c);
		break;
	case CALL_INCOMING:
		(void)callans_reject(c, 480, "Temporarily Unavailable", 0,
				     NULL);
		break;
	case CALL_ANSWERED:
		/* RFC 3261 section 15: no BYE before ACK; it comes, or is
		 * reported lost */
		c->state = CALL_ENDING;
		break;
	case CALL_UP:
		callreq_bye(c);
		break;
	case CALL_ENDING:
		break;
	case CALL_OVER:
		call_buried(c);
		break;
	}
}

int calls_alloc(struct calls **cp, struct stack *s, uint32_t session_expires)
{
	struct calls *calls = mem_zalloc(sizeof *calls, calls_destructor);
	int err;

	if (!calls)
		return ENOMEM;
	err = hash_alloc(&calls->ht, BUCKETS);
	if (err) {
		mem_deref(calls);
		return err;
	}
	calls->s = mem_ref(s);
	calls->session_expires = session_expires;
	calls->min_se = session_expires < MIN_SE ? session_expires : MIN_SE;
	calls->buryh = bury;
	calls->refreshh = callreq_refresh;
	*cp = calls;
	return 0;
}

static bool close_handler(struct le *le, void *arg)
{
	struct call *c = le->data;
	(void)arg;

	call_buried(c);
	return false;
}

void calls_close(struct calls *calls)
{
	calls->closing = true;
	(void)hash_apply(calls->ht, close_handler, NULL);
}

unsigned calls_count(const struct calls *calls)
{
	return calls->n;
}

void calls_request(struct calls *calls, const struct sip_msg *msg)
{
	callin_request(calls, msg);
}

void calls_response(struct calls *calls, const struct sip_msg *msg)
{
	struct dialog *past;
	struct call *c;

	if (msg->scode < 200 || msg->scode >= 300 ||
	    pl_strcmp(&msg->cseq.met, "INVITE"))
		return;
	c = call_find(calls, msg, true);
	if (c) {
		callreq_stray(c, msg);
		return;
	}
	past = callpast_find(calls, msg);
	if (past)
		callreq_branch(calls, past, msg);
}

int call_connect_in(struct call **cp, struct calls *calls, const char *uri,
		    const struct call_body *offer, const char *headers,
		    const struct call_handlers *h, void *arg)
{
	int err = callout_invite(cp, calls, uri, offer, headers);

	if (err)
		return err;
	(*cp)->h = *h;
	(*cp)->arg = arg;
	(*cp)->taken = true;
	return 0;
}

int call_take(struct call **cp, struct call *c,
	      const struct call_handlers *h, void *arg)
{
	if (!cp || !c || !h || c->taken || c->state != CALL_INCOMING)
		return EINVAL;
	c->h = *h;
	c->arg = arg;
	c->taken = true;
	*cp = mem_ref(c);
	return 0;
}

const struct call_body *call_offer(const struct call *c)
{
	return c ? &c->body : NULL;
}

const struct sa *call_source(const struct call *c)
{
	static const struct sa none;

	return c->msg ? &c->msg->src : &none;
}

const char *call_peer_uri(const struct call *c)
{
	return c ? c->peer : NULL;
}

const char *call_id(const struct call *c)
{
	return c ? c->dlg->callid : NULL;
}

int call_progress(struct call *c, uint16_t scode, const char *phrase,
		  const struct call_body *b)
{
	return c && phrase ? callans_progress(c, scode, phrase, b) : EINVAL;
}

int call_answer(struct call *c, const struct call_body *answer)
{
	return c ? callans_answer(c, answer) : EINVAL;
}

int call_reject(struct call *c, uint16_t scode, const char *phrase,
		uint16_t warn_code, const char *warn)
{
	return c && phrase ? callans_reject(c, scode, phrase, warn_code, warn)
		: EINVAL;
}

int call_reinvite(struct call *c, const struct call_body *offer)
{
	if (!c || !offer)
		return EINVAL;
	return c->state == CALL_UP ? callreq_offer(c, offer) : ENOTCONN;
}

int call_reoffer(struct call *c, const struct call_body *offer)
{
	return c && offer ? callreq_reoffer(c, offer) : EINVAL;
}

int call_info(struct call *c, const char *method, const struct call_body *b)
{
	if (!c || !method ||
	    (strcmp(method, "INFO") && strcmp(method, "MESSAGE")))
		return EINVAL;
	if (c->state == CALL_ENDING || c->state == CALL_OVER)
		return ENOTCONN;
	return callreq_info(c, method, b);
}

void call_hangup(struct call *c, const char *key, const char *text)
{
	if (!c || c->state == CALL_ENDING || c->state == CALL_OVER)
		return;
	memset(&c->h, 0, sizeof c->h);
	str_ncpy(c->end.key, key ? key : "", sizeof c->end.key);
	str_ncpy(c->end.text, text ? text : "", sizeof c->end.text);
	if (!c->self)
		mem_ref(c);
	c->self = true;
	bury(c);
}
