/*
 * callee.c: the incoming half of a session: the offer is known and allowed,
 * answer it.
 */
#include <errno.h>
#include <string.h>
#include "sipd/bundledesc.h"
#include "sipd/sessionbundle.h"
#include "sipd/sessionpath.h"
#include "sipd/sessionstart.h"
#include "sipd/sessiontrust.h"

static void established_handler(const struct call_body *b, void *arg)
{
	(void)b;
	(void)arg;
}

static void end_handler(const struct call_end *end, void *arg)
{
	struct session *s = arg;

	session_call_ended(s, end, s->state > SESSION_RINGING);
}

static const struct call_handlers call_handlers = {
	.establishedh = established_handler,
	.answerh      = session_reanswer,
	.offerh       = session_reoffer,
	.refusedh     = session_rerefused,
	.infoh        = session_info_recv,
	.endh         = end_handler,
};

/* Enough candidates are known and the key is trusted: say yes. */
static void answer(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b;
	int err;

	session_describe(s);
	err = session_body(&mb, &b, s);
	if (!err)
		err = call_answer(s->call, &b);
	mem_deref(mb);
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	session_begin(s);
}

static void gather(struct session *s)
{
	int err = session_gather(s, answer);

	if (err)
		session_hangup(s, REASON_INTERNAL, strerror(err));
}

static unsigned group_of(struct session *s, const struct tunnel_kind *k)
{
	if (k != session_greet_kind())
		return SESSION_FIRST_GROUP;
	s->greet_group = bundle_group_new(s->bundle);
	return s->greet_group;
}

/* Every m-line that is wanted is put to its kind; one refusal refuses the
 * call, so that the caller hears why. */
static int answer_wants(struct session *s, const struct session_answer *an,
			enum reason *rp)
{
	int err = desc_answer_init(&s->local, s->remote);

	for (unsigned i = 0; !err && i < s->remote->mediac; i++) {
		const struct session_want *w = &an->wantv[i];

		if (!w->kind)
			continue;
		err = bundledesc_answer(s->bundle, group_of(s, w->kind), i,
					w->kind, &w->ask,
					&s->remote->mediav[i],
					&s->local->mediav[i]);
		*rp = err == EACCES ? REASON_NOT_ALLOWED : REASON_REFUSED;
	}
	return err;
}

static void admitted(struct session *s)
{
	if (s->greeting)
		gather(s);
	else
		session_ask(s, gather);
}

static void ring(struct session *s)
{
	(void)call_progress(s->call, 180, "Ringing", NULL);
	if (s->flags & SESSION_HOLD)
		session_hold(s, admitted);
	mem_ref(s);
	session_state_set(s, SESSION_RINGING);
	if (s->state == SESSION_RINGING && !session_is_held(s))
		session_ask(s, gather);
	mem_deref(s);
}

int session_take(struct session **sp, struct house *h, struct call *c,
		 const struct session_answer *an,
		 const struct session_handlers *sh, enum reason *rp)
{
	struct session *s;
	int err;

	*rp = REASON_INTERNAL;
	err = session_alloc(&s, h, &an->peer, true, an->flags, sh);
	if (err)
		return err;
	s->remote = mem_ref(an->offer);
	(void)str_ncpy(s->callid, call_id(c), sizeof s->callid);
	err = answer_wants(s, an, rp);
	if (!err) {
		*rp = REASON_INTERNAL;
		err = call_take(&s->call, c, &call_handlers, s);
	}
	if (err) {
		mem_deref(s);
		return err;
	}
	*sp = s;
	s->greeting = !an->trusted && !an->vouch && !an->renewed &&
		!an->pin && s->greet_group;
	s->asks = an->ask;
	if (an->renewed)
		session_follow(s);
	else if (an->vouch)
		session_vouch(s);
	else if (an->pin)
		session_pin(s);
	if (s->vouchh || (an->trusted && !an->ask) ||
	    (s->greeting && !(an->flags & SESSION_HOLD)))
		gather(s);
	else
		ring(s);
	return 0;
}
