/*
 * sessionbundle.c: the tunnels of a session, and the offers within its call
 * that add and drop them (RFC 3264 section 8).
 *
 *   session_add, a group's end, a move -> sync -> re-INVITE -> answer
 *                                           ^______ 491, busy: later
 *
 * One offer of ours is under way at most. When it waits for the end of glare
 * (RFC 3261 section 14.1) and the peer's comes first, ours is written anew.
 * What the peer's own say is taken in by sessiontake.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/bundledesc.h"
#include "sipd/log.h"
#include "sipd/sessionbundle.h"
#include "sipd/sessionflow.h"
#include "sipd/sessionpath.h"
#include "sipd/sessiontake.h"
#include "sipd/sessiontrust.h"

static const uint64_t sync_wait = 500 * MSEC;
static const uint64_t idle_wait = 2 * SEC;

/* The tunnels of a group are over; with the last the session is. */
static void group_over(struct session *s, unsigned group, enum reason r,
		       const char *text)
{
	if (!bundle_has_others(s->bundle, group)) {
		session_hangup(s, r, text);
		return;
	}
	bundle_drop_group(s->bundle, group, s->local);
	if (s->h.endh)
		s->h.endh(s, group, r, text, s->h.arg);
}

/* --- our offers -------------------------------------------------------- */

/* Does the peer think that there is a tunnel which is gone? */
static bool has_dropped(const struct session *s)
{
	for (size_t i = 0; i < s->remote->mediac; i++)
		if (!s->remote->mediav[i].rejected &&
		    s->local->mediav[i].rejected)
			return true;
	return false;
}

static int write_offer(struct session *s, struct mbuf **mbp,
		       struct call_body *b)
{
	int err = bundledesc_place(s->bundle, s->local);

	s->local->setup = SETUP_ACTPASS;
	s->local->sess_ver++;
	if (!err)
		err = session_body(mbp, b, s);
	if (err)
		bundledesc_unplace(s->bundle, s->local, false);
	return err;
}

static void drop_planned(struct session *s)
{
	unsigned group;

	while (s->bundle && (group = bundle_planned(s->bundle)))
		group_over(s, group, REASON_LIMIT, NULL);
}

/* What differs from what the peer knows is offered, as soon as that can be. */
static void sync_offer(void *arg)
{
	struct session *s = arg;
	struct mbuf *mb = NULL;
	struct call_body b;
	int err;

	if (s->state != SESSION_OPEN || s->offering ||
	    (!s->moved && !bundle_planned(s->bundle) && !has_dropped(s)))
		return;
	err = write_offer(s, &mb, &b);
	if (err) {              /* no line is free any more */
		drop_planned(s);
		return;
	}
	err = call_reinvite(s->call, &b);
	mem_deref(mb);
	s->offering = !err;
	if (!err) {
		s->moved = false;
		return;
	}
	bundledesc_unplace(s->bundle, s->local, false);
	(void)timer_start(s->house->timers, &s->sync_timer, sync_wait,
			  sync_offer, s);
}

/* --- groups come and go ------------------------------------------------ */

void session_drop(struct session *s, unsigned group, enum reason r,
		  const char *text)
{
	if (s->state == SESSION_CLOSED)
		return;
	mem_ref(s);
	group_over(s, group, r, text);
	sync_offer(s);
	mem_deref(s);
}

static void progress_handler(unsigned group, unsigned number,
			     const struct tunnel_progress *p, void *arg)
{
	struct session *s = arg;

	if (s->h.progressh)
		s->h.progressh(s, group, number, p, s->h.arg);
}

/* Who asked for tunnels ends them when they are done; the other side waits
 * for that, unless something failed. */
static void done_handler(unsigned group, int err, const char *why, void *arg)
{
	struct session *s = arg;

	if (err == ENOTCONN && !str_isset(why))
		return;         /* the flow is gone, and will say why */
	if (group == s->greet_group)
		session_greeted(s, err, why);
	else if (err)
		session_drop(s, group, REASON_TUNNEL_FAILED,
			     str_isset(why) ? why : strerror(err));
	else if (bundle_ours(s->bundle, group) &&
		 bundle_complete(s->bundle, group))
		session_drop(s, group, REASON_DONE, why);
}

int session_bundle_open(struct session *s)
{
	static const struct bundle_handlers bh = {
		progress_handler, done_handler
	};
	int err = bundle_alloc(&s->bundle, s->house->mailbox, &bh, s);

	if (err)
		return err;
	(void)bundle_group_new(s->bundle);      /* SESSION_FIRST_GROUP */
	return 0;
}

int session_bundle_begin(struct session *s)
{
	int err = bundledesc_settle(s->bundle, s->remote, s->local);

	if (err)
		return err;
	while (bundle_news(s->bundle))
		;               /* SESSION_OPEN tells it */
	bundle_drop_refused(s->bundle);
	return session_flow_open(s);
}

bool session_has_room(const struct session *s, size_t n)
{
	return s->state == SESSION_OPEN && !s->cut &&
		bundledesc_room(s->bundle, s->local, n);
}

int session_add(struct session *s, const struct session_want *wantv,
		size_t wantc, unsigned *group)
{
	int err = 0;

	*group = bundle_group_new(s->bundle);
	for (size_t i = 0; i < wantc && !err; i++)
		err = bundledesc_plan(s->bundle, *group, wantv[i].kind,
				      &wantv[i].ask);
	if (err) {
		bundle_drop_group(s->bundle, *group, s->local);
		return err;
	}
	/* from the loop, so that the owner knows its group by then */
	return timer_start(s->house->timers, &s->sync_timer, 0, sync_offer,
			   s);
}

/* --- what came of them ------------------------------------------------- */

/* The tunnels that both now have are started, and their owners told. */
static void go_on(struct session *s)
{
	unsigned group;
	int err = session_flow_open(s);

	if (!err)
		err = session_flow_start(s);
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	while (s->bundle && (group = bundle_news(s->bundle)))
		if (s->h.takenh)
			s->h.takenh(s, group, s->h.arg);
}

/* Two whose ends of all tunnels have crossed may be left with none. */
static void idle_handler(void *arg)
{
	struct session *s = arg;

	if (s->state == SESSION_OPEN && !bundle_has_others(s->bundle, 0))
		session_hangup(s, REASON_DONE, NULL);
}

static void watch_idle(struct session *s)
{
	if (s->state == SESSION_OPEN && !s->offering &&
	    !bundle_has_others(s->bundle, 0))
		(void)timer_start(s->house->timers, &s->sync_timer, idle_wait,
				  idle_handler, s);
}

void session_reanswer(const struct call_body *b, void *arg)
{
	struct session *s = arg;
	unsigned group;
	int err;

	s->offering = false;
	if (!b->ctype || s->state != SESSION_OPEN)
		return;
	err = session_take_answer(s, b);
	if (err) {
		session_hangup(s, REASON_BAD_PEER, strerror(err));
		return;
	}
	mem_ref(s);
	go_on(s);
	while (s->bundle && (group = bundle_refused(s->bundle)))
		group_over(s, group, REASON_REFUSED, NULL);
	sync_offer(s);
	watch_idle(s);
	mem_deref(s);
}

static enum reason refusal(const struct session *s, uint16_t scode)
{
	if (s->cut)
		return REASON_UNREACHABLE;
	return scode == 403 ? REASON_NOT_ALLOWED : REASON_REFUSED;
}

/* A server between may have forgotten this call, or be gone, while the flow
 * lives: who wants more has to dial anew. */
void session_rerefused(uint16_t scode, void *arg)
{
	struct session *s = arg;
	unsigned group;

	s->offering = false;
	if (s->state != SESSION_OPEN)
		return;
	s->cut = scode == 408 || scode == 430 || scode == 480 || scode >= 500;
	mem_ref(s);
	bundledesc_unplace(s->bundle, s->local, true);
	while (s->bundle && (group = bundle_refused(s->bundle)))
		group_over(s, group, refusal(s, scode), NULL);
	if (s->state == SESSION_OPEN)
		(void)timer_start(s->house->timers, &s->sync_timer, sync_wait,
				  sync_offer, s);
	mem_deref(s);
}

/* --- the peer's offers ------------------------------------------------- */

static int answer_offer(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b;
	int err;

	s->local->setup = session_is_active(s) ? SETUP_ACTIVE : SETUP_PASSIVE;
	s->local->sess_ver++;
	err = session_body(&mb, &b, s);
	if (!err)
		err = call_answer(s->call, &b);
	mem_deref(mb);
	return err;
}

/* Ours, which waits for the end of glare, is no more what it was. */
static void rewrite_offer(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b;

	if (!s->offering)
		return;
	if (!write_offer(s, &mb, &b))
		(void)call_reoffer(s->call, &b);
	else
		drop_planned(s);
	mem_deref(mb);
}

void session_reoffer(const struct call_body *offer, void *arg)
{
	struct session *s = arg;
	enum reason r = REASON_REFUSED;
	int err = s->remote && s->state >= SESSION_CHECKING ?
		session_take_offer(s, offer, &r) : EPROTO;

	if (!err)
		err = answer_offer(s);
	if (err) {
		log_info("session %s: an offer of %s within the call is"
			 " refused: %s, %m", s->id, s->peer.name,
			 reason_name(r), err);
		(void)call_reject(s->call, r == REASON_NOT_ALLOWED ? 403 : 488,
				  r == REASON_NOT_ALLOWED ? "Forbidden" :
				  "Not Acceptable Here", 399, "refused: the"
				  " new offer does not fit the session");
	}
	mem_ref(s);
	rewrite_offer(s);
	if (!err)
		go_on(s);
	sync_offer(s);
	watch_idle(s);
	mem_deref(s);
}

void session_refresh(struct session *s)
{
	s->moved = true;
	sync_offer(s);
}
