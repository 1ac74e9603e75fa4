/*
 * caller.c: the outgoing half of a session: offer, ring, answer.
 */
#include <errno.h>
#include <string.h>
#include "sipd/bundledesc.h"
#include "sipd/sessionbundle.h"
#include "sipd/sessionpath.h"
#include "sipd/sessionstart.h"
#include "sipd/sessiontrust.h"

static const uint64_t ring_wait = 120 * SEC;

static void ring_timeout(void *arg)
{
	session_hangup(arg, REASON_NO_ANSWER, NULL);
}

static void progress_handler(uint16_t scode, const struct call_body *b,
			     void *arg)
{
	struct session *s = arg;
	(void)b;

	if (scode > 100 && s->state == SESSION_OFFERING)
		session_state_set(s, SESSION_RINGING);
}

static void judge_pinned(struct session *s)
{
	if (memcmp(s->remote->fp, s->peer.fp, sizeof s->peer.fp)) {
		if (!s->remote->has_issuer ||
		    session_vouchable(s->house, s->remote)) {
			session_wrong_key(s);
			return;
		}
		session_follow(s);
	}
	session_begin(s);
}

/* Is this the key we expect? If none is pinned: let an authority vouch for
 * it, ask, pin or refuse. */
static void judge(struct session *s)
{
	char text[FP_TEXT_SIZE], why[256];

	if (s->flags & SESSION_ANY_KEY) {
		session_begin(s);
	}
	else if (s->peer.pinned) {
		judge_pinned(s);
	}
	else if (session_vouchable(s->house, s->remote)) {
		session_vouch(s);
		session_begin(s);
	}
	else if (s->flags & SESSION_CAN_ASK) {
		s->greeting = session_greets(s->remote);
		if (s->greeting)
			session_begin(s);
		else
			session_ask(s, session_begin);
	}
	else if (s->house->conf->unknown == UNKNOWN_PIN) {
		session_pin(s);
		session_begin(s);
	}
	else {
		fp_print(text, s->remote->fp);
		(void)re_snprintf(why, sizeof why, "it shows %s, which"
				  " `dial trust` can pin", text);
		session_hangup(s, REASON_NOT_TRUSTED, why);
	}
}

static void answer_handler(const struct call_body *b, void *arg)
{
	struct session *s = arg;
	struct desc_refusal why;

	if (s->remote) {        /* the answer to a re-INVITE */
		session_reanswer(b, s);
		return;
	}
	(void)str_ncpy(why.text, "its answer is empty", sizeof why.text);
	if (!b->ctype || str_casecmp(b->ctype, "application/sdp") ||
	    desc_decode(&s->remote, b->p, b->n, false, &why)) {
		session_hangup(s, REASON_NOT_DIALTONE, why.text);
		return;
	}
	if (desc_answer_check(s->local, s->remote)) {
		session_hangup(s, REASON_BAD_PEER,
			       "its answer does not fit our offer");
		return;
	}
	session_trickle(s);
	judge(s);
}

static void end_handler(const struct call_end *end, void *arg)
{
	struct session *s = arg;

	session_call_ended(s, end, s->remote != NULL);
}

static const struct call_handlers call_handlers = {
	.progressh = progress_handler,
	.answerh   = answer_handler,
	.offerh    = session_reoffer,
	.refusedh  = session_rerefused,
	.infoh     = session_info_recv,
	.endh      = end_handler,
};

/* Enough candidates are known: call. */
static void offer(struct session *s)
{
	const struct account *ac = accounts_for(s->house->accounts,
						&s->peer);
	struct mbuf *mb = NULL;
	struct call_body b;
	int err;

	session_describe(s);
	err = session_body(&mb, &b, s);
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	mem_ref(s);
	session_state_set(s, SESSION_OFFERING);
	if (s->state == SESSION_OFFERING) {
		err = call_connect(&s->call, ac->ua, s->peer.address, &b,
				   NULL, &call_handlers, s);
		if (!err)
			err = timer_start(s->house->timers, &s->timer,
					  ring_wait, ring_timeout, s);
		if (err)
			session_hangup(s, REASON_UNREACHABLE, strerror(err));
		else
			(void)str_ncpy(s->callid, call_id(s->call),
				       sizeof s->callid);
	}
	mem_deref(mb);
	mem_deref(s);
}

/* From the loop, so that the owner knows its session before it is told of
 * anything. */
static void start_handler(void *arg)
{
	struct session *s = arg;
	int err = session_gather(s, offer);

	if (err)
		session_hangup(s, REASON_INTERNAL, strerror(err));
}

static int wants_offer(struct session *s, const struct session_want *wantv,
		       size_t wantc)
{
	for (size_t i = 0; i < wantc; i++) {
		int err = bundledesc_plan(s->bundle, SESSION_FIRST_GROUP,
					  wantv[i].kind, &wantv[i].ask);
		if (err)
			return err;
	}
	return 0;
}

/* A key that may have to be compared, by whoever can be asked. */
static int greet_offer(struct session *s)
{
	static const struct tunnel_ask ask = { .fd_in = -1, .fd_out = -1 };

	if (s->peer.pinned || !session_greet_kind() ||
	    (s->flags & (SESSION_CAN_ASK | SESSION_ANY_KEY)) !=
	    SESSION_CAN_ASK)
		return 0;
	s->greet_group = bundle_group_new(s->bundle);
	return bundledesc_plan(s->bundle, s->greet_group,
			       session_greet_kind(), &ask);
}

int session_dial(struct session **sp, struct house *h, const struct peer *p,
		 const struct session_want *wantv, size_t wantc,
		 unsigned flags, const struct session_handlers *sh,
		 enum reason *rp)
{
	const struct account *ac = accounts_for(h->accounts, p);
	struct session *s = NULL;
	int err;

	*rp = REASON_INTERNAL;
	if (!ac || !*p->address) {
		*rp = ac ? REASON_BAD_ADDRESS : REASON_NO_ACCOUNT;
		return ENOENT;
	}
	err = session_alloc(&s, h, p, false, flags, sh);
	if (err)
		return err;
	s->local->audio = ac->conf && ac->conf->audio_line;
	err = wants_offer(s, wantv, wantc);
	if (!err)
		err = greet_offer(s);
	if (!err)
		err = bundledesc_place(s->bundle, s->local);
	if (err)
		*rp = REASON_TUNNEL_FAILED;
	else
		err = timer_start(h->timers, &s->timer, 0, start_handler, s);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}
