/*
 * admit.c: may this call in? Taken or refused; a refused one is logged here,
 * a taken one when its session is over.
 *
 *   call -> incoming_read -> limits -> key -> tunnels -> session_take
 *             \____________________________________-> refused, logged
 */
#include "sipd/admit.h"
#include "sipd/boardimpl.h"
#include "sipd/oncall.h"
#include "sipd/record.h"
#include "sipd/sessiontrust.h"

enum { HELD_MAX = 16 };         /* strangers' calls that ring */

/* Does a limit speak against one more call? */
static bool limited(struct board *b, struct incoming *in,
		    const struct call *c)
{
	const struct limits_load load = {
		lines_count(b->lines),
		lines_of_peer(b->lines, in->peer.name),
		lines_unproven(b->lines, call_source(c)),
	};

	in->reason = b->closing ? REASON_SHUTDOWN
		: limits_call(b->limits, b->conf, &in->peer, &load, in->text,
			      sizeof in->text);
	return in->reason != REASON_NONE;
}

/* An unknown key: is there somebody to ask, or is it pinned unasked? */
static bool judge_unknown(struct board *b, struct incoming *in,
			  const struct wait *w, struct session_answer *an)
{
	an->trusted = in->known || (w && w->conf.flags & SESSION_ANY_KEY);
	if (an->trusted)
		return true;
	an->renewed = in->renewed;
	if (an->renewed || an->vouch || (w && w->conf.flags & SESSION_CAN_ASK))
		return true;
	if (b->conf->unknown == UNKNOWN_PIN) {
		an->pin = true;
		if (!in->peer.configured)
			rights_of(&in->peer.rights, b->conf, NULL);
		return true;
	}
	if (b->conf->unknown == UNKNOWN_ASK &&
	    lines_held(b->lines) < HELD_MAX) {
		an->flags = SESSION_HOLD;
		rights_of(&in->peer.rights, b->conf, NULL);
		return true;
	}
	in->reason = REASON_UNKNOWN_HERE;
	return false;
}

/* Everything was judged: take the call. */
static int take(struct board *b, struct incoming *in, struct call *c,
		struct session_answer *an, const struct wait *w)
{
	struct session_handlers sh;
	struct line *l;
	int err;

	an->peer = in->peer;
	an->offer = in->offer;
	if (w)
		an->flags = w->conf.flags;
	err = lines_add(&l, b->lines, in->peer.name, &b->lh,
			w ? &w->conf.sh : NULL);
	if (err)
		return err;
	lines_source(b->lines, l, call_source(c));
	sh = line_handlers(l);
	mem_ref(l);
	err = session_take(&l->s, b->house, c, an, &sh, &in->reason);
	if (err)
		lines_cancel(b->lines, l);
	else if (b->conf->on_call && session_is_held(l->s) &&
		 limits_tell(b->limits))
		oncall_tell(b->conf->on_call, l->s);
	mem_deref(l);
	return err;
}

/* What lives while the tunnels of one call are answered. */
struct tunnels {
	char allow[DESC_MEDIA_MAX][JUDGE_ALLOW_MAX];
	struct judge_lookup lookupv[DESC_MEDIA_MAX];
};

/* May it have each tunnel that it wants, and is there one? */
static bool judge_tunnels(struct tunnels *ts, const struct board *b,
			  struct incoming *in, const struct wait *w,
			  struct session_answer *an)
{
	unsigned n = 0;

	for (size_t i = 0; i < in->offer->mediac; i++) {
		const struct desc_media *m = &in->offer->mediav[i];
		struct session_want *want = &an->wantv[i];

		if (!m->known || m->rejected)
			continue;
		if (!judge_tunnel(in, m, w, want, ts->allow[i], &an->ask))
			return false;
		ts->lookupv[i] = (struct judge_lookup){
			b->conf, m->kind, w ? &w->conf : NULL
		};
		want->ask.arg = &ts->lookupv[i];
		n += want->kind && !want->kind->first;
	}
	if (n)
		return true;
	in->reason = REASON_REFUSED;
	(void)str_ncpy(in->text, "no tunnel of a kind known here",
		       sizeof in->text);
	return false;
}

static bool admit(struct board *b, struct incoming *in, struct call *c)
{
	const struct wait *w = in->offer ? waits_find(&b->waitl, in) : NULL;
	const bool any_key = w && w->conf.flags & SESSION_ANY_KEY;
	struct session_answer an = { 0 };
	struct tunnels ts;

	if (any_key && in->reason == REASON_WRONG_KEY)
		in->reason = REASON_NONE;       /* it may be a new one */
	an.vouch = in->reason == REASON_NONE && !in->known && !in->renewed &&
		!any_key && session_vouchable(b->house, in->offer);
	if (an.vouch && !in->peer.configured)
		rights_of(&in->peer.rights, b->conf, NULL);
	/* without an offer there is a reason */
	if (in->reason != REASON_NONE || !in->offer || limited(b, in, c))
		return false;
	return judge_unknown(b, in, w, &an) &&
		judge_tunnels(&ts, b, in, w, &an) && !take(b, in, c, &an, w);
}

void admit_call(struct board *b, struct call *c)
{
	struct incoming in;

	incoming_read(&in, b->house, c);
	if (!admit(b, &in, c)) {
		record_refused(b->house->calllog, &in, c);
		incoming_refuse(&in, c);
	}
	mem_deref(in.offer);
}
