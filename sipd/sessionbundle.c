/*
 * sessionbundle.c: the tunnels of a session, and the offers within its call
 * that add and drop them (RFC 3264 section 8).
 *
 *   session_add, a group's end, a move -> sync -> re-INVITE -> answer
 *                                           ^______ 491, busy: later
 *
 * One offer of ours is under way at most. When it waits for the end of glare
 * (RFC 3261 section 14.1) and the peer's comes first, ours is written anew.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/log.h"
#include "sipd/sessionbundle.h"
#include "sipd/sessionflow.h"
#include "sipd/sessiontrust.h"

static const uint64_t sync_wait = 500 * MSEC;
static const uint64_t idle_wait = 2 * SEC;

static int encode_body(struct mbuf **mbp, struct call_body *b,
		       const struct session *s)
{
	int err = desc_encode(mbp, s->local);

	if (err)
		return err;
	b->ctype = "application/sdp";
	b->p = (const char *)mbuf_buf(*mbp);
	b->n = mbuf_get_left(*mbp);
	return 0;
}

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
	int err = bundle_place(s->bundle, s->local);

	s->local->setup = SETUP_ACTPASS;
	s->local->sess_ver++;
	if (!err)
		err = encode_body(mbp, b, s);
	if (err)
		bundle_unplace(s->bundle, s->local, false);
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
	bundle_unplace(s->bundle, s->local, false);
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
	int err = bundle_settle(s->bundle, s->remote, s->local);

	if (err)
		return err;
	while (bundle_news(s->bundle))
		;               /* SESSION_OPEN tells it */
	bundle_drop_refused(s->bundle);
	return session_flow_open(s);
}

bool session_has_room(const struct session *s, size_t n)
{
	size_t used = 0;

	if (s->state != SESSION_OPEN || s->cut)
		return false;
	for (size_t i = 0; i < s->local->mediac; i++)
		used += !s->local->mediav[i].rejected;
	return used + n <= DESC_MEDIA_MAX;
}

int session_add(struct session *s, const struct session_want *wantv,
		size_t wantc, unsigned *group)
{
	int err = 0;

	*group = bundle_group_new(s->bundle);
	for (size_t i = 0; i < wantc && !err; i++)
		err = bundle_plan(s->bundle, *group, wantv[i].kind,
				  &wantv[i].ask);
	if (err) {
		bundle_drop_group(s->bundle, *group, s->local);
		return err;
	}
	/* from the loop, so that the owner knows its group by then */
	return timer_start(s->house->timers, &s->sync_timer, 0, sync_offer,
			   s);
}

/* --- what the two have agreed on --------------------------------------- */

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

/* Lines that are live here and that the peer has ended. */
static void drop_ended(struct session *s, const struct desc *d)
{
	for (unsigned i = 0; i < d->mediac && s->bundle; i++) {
		const struct desc_media *m = &d->mediav[i];
		unsigned group;
		bool whole, ours;

		if (!bundle_line(s->bundle, i, &group) ||
		    (!m->rejected && !strcmp(m->mid, s->local->mediav[i].mid)))
			continue;
		whole = bundle_complete(s->bundle, group);
		ours = bundle_ours(s->bundle, group);
		bundle_drop_line(s->bundle, i, s->local);
		if (!bundle_has(s->bundle, group) && s->h.endh)
			s->h.endh(s, group, ours && !whole ?
				  REASON_PEER_STOPPED : REASON_PEER_HANGUP,
				  NULL, s->h.arg);
	}
}

/* Its key must be the one of the first. ENODATA: an answer that takes none. */
static int read_desc(struct desc **dp, const struct session *s,
		     const struct call_body *b, bool offer)
{
	struct desc_refusal why;
	struct desc *d;
	int err = desc_decode(&d, b->p, b->n, offer, &why);

	if (err)
		return !offer && why.warn == 304 ? ENODATA : err;
	if (memcmp(d->fp, s->remote->fp, sizeof d->fp))
		err = EACCES;
	else if (d->audio != s->local->audio ||
		 d->mediac < s->local->mediac ||
		 (!offer && d->mediac > s->local->mediac))
		err = EPROTO;
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

/* An ICE restart of the peer (RFC 8839 section 4.4.1.1): it has another
 * ufrag, so have we then, and all candidates are told anew. */
static int take_remote(struct session *s, struct desc *d)
{
	int err;

	if (strcmp(d->ufrag, s->remote->ufrag))
		s->local->candc = s->told = 0;
	mem_deref(s->remote);
	s->remote = d;
	err = s->quic || s->dtls ? path_remote(s->path, d) : 0;
	(void)str_ncpy(s->local->ufrag, path_ufrag(s->path),
		       sizeof s->local->ufrag);
	(void)str_ncpy(s->local->pwd, path_pwd(s->path),
		       sizeof s->local->pwd);
	return err;
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

/* Our offer had what the peer has ended, and nothing else that it takes. */
static int take_none(struct session *s)
{
	int err;

	for (size_t i = 0; i < s->remote->mediac; i++)
		s->remote->mediav[i].rejected = true;
	err = bundle_settle(s->bundle, s->remote, s->local);
	drop_ended(s, s->remote);
	return err;
}

static int take_answer(struct session *s, struct desc *d)
{
	int err = bundle_settle(s->bundle, d, s->local);

	if (err) {
		mem_deref(d);
		return err;
	}
	drop_ended(s, d);
	return take_remote(s, d);
}

void session_reanswer(struct session *s, const struct call_body *b)
{
	struct desc *d = NULL;
	unsigned group;
	int err;

	s->offering = false;
	if (!b->ctype || s->state != SESSION_OPEN)
		return;
	err = read_desc(&d, s, b, false);
	if (!err)
		err = take_answer(s, d);
	else if (err == ENODATA)
		err = take_none(s);
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
void session_rerefused(struct session *s, uint16_t scode)
{
	unsigned group;

	s->offering = false;
	if (s->state != SESSION_OPEN)
		return;
	s->cut = scode == 408 || scode == 430 || scode == 480 || scode >= 500;
	mem_ref(s);
	bundle_unplace(s->bundle, s->local, true);
	while (s->bundle && (group = bundle_refused(s->bundle)))
		group_over(s, group, refusal(s, scode), NULL);
	if (s->state == SESSION_OPEN)
		(void)timer_start(s->house->timers, &s->sync_timer, sync_wait,
				  sync_offer, s);
	mem_deref(s);
}

/* --- the peer's offers ------------------------------------------------- */

/* A line that is new is put to the owner, and to the kind. */
static int take_line(struct session *s, unsigned group, unsigned i,
		     const struct desc *d, struct desc *a, enum reason *rp)
{
	struct session_want want = { .kind = NULL };
	int err;

	*rp = REASON_NOT_ALLOWED;
	if (s->h.offerh)
		s->h.offerh(s, group, &d->mediav[i], &want, rp, s->h.arg);
	if (!want.kind)
		return EACCES;
	err = bundle_answer(s->bundle, group, i, want.kind, &want.ask,
			    &d->mediav[i], &a->mediav[i]);
	if (err && err != EACCES)
		*rp = REASON_REFUSED;
	return err;
}

/* Is this tunnel over here, which the peer had not heard of when it wrote the
 * offer? A mid is used once only. */
static bool is_gone(const struct session *s, unsigned i,
		    const struct desc_media *m)
{
	const struct desc_media *was = &s->remote->mediav[i];

	return i < s->remote->mediac && !was->rejected &&
		!strcmp(was->mid, m->mid);
}

/* The lines of the answer: those that stay, and new ones. EACCES: there were
 * new ones, and not one of them is taken. */
static int take_lines(struct session *s, const struct desc *d, struct desc *a,
		      enum reason *rp)
{
	const unsigned group = bundle_group_new(s->bundle);
	unsigned n = 0, taken = 0, g;

	for (unsigned i = 0; i < d->mediac; i++) {
		if (d->mediav[i].rejected)
			continue;
		if (!bundle_line(s->bundle, i, &g)) {
			if (is_gone(s, i, &d->mediav[i]))
				continue;
			n++;
			taken += !take_line(s, group, i, d, a, rp);
			continue;
		}
		a->mediav[i].rejected = false;
		a->mediav[i].param = mem_ref(s->local->mediav[i].param);
	}
	return n && !taken ? EACCES : 0;
}

/* What the answer does not take is no more the peer's either. */
static void forget_refused(struct desc *d, const struct desc *a)
{
	for (unsigned i = 0; i < d->mediac; i++)
		d->mediav[i].rejected |= a->mediav[i].rejected;
}

static void swap_lines(struct desc *x, struct desc *y)
{
	struct desc_media v[DESC_MEDIA_MAX];
	const size_t n = x->mediac;

	memcpy(v, x->mediav, sizeof v);
	memcpy(x->mediav, y->mediav, sizeof v);
	memcpy(y->mediav, v, sizeof v);
	x->mediac = y->mediac;
	y->mediac = n;
}

static int take_offer(struct session *s, const struct call_body *b,
		      enum reason *rp)
{
	struct desc *d, *a = NULL;
	int err;

	if (!b->ctype || !b->n)
		return 0;
	bundle_unplace(s->bundle, s->local, false);
	err = read_desc(&d, s, b, true);
	if (err)
		return err;
	drop_ended(s, d);
	err = desc_answer_init(&a, d);
	if (!err)
		err = take_lines(s, d, a, rp);
	if (err) {
		mem_deref(d);
	}
	else {
		forget_refused(d, a);
		swap_lines(s->local, a);
		err = take_remote(s, d);
	}
	mem_deref(a);
	return err;
}

static int answer_offer(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b;
	int err;

	s->local->setup = session_is_active(s) ? SETUP_ACTIVE : SETUP_PASSIVE;
	s->local->sess_ver++;
	err = encode_body(&mb, &b, s);
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

void session_reoffer(struct session *s, const struct call_body *offer)
{
	enum reason r = REASON_REFUSED;
	int err = s->remote && s->state >= SESSION_CHECKING ?
		take_offer(s, offer, &r) : EPROTO;

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
