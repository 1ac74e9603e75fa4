/*
 * sessiontake.c: what an answer or an offer of the peer within the call
 * changes here: tunnels that it has ended, new ones, its ICE restart.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/bundledesc.h"
#include "sipd/sessiontake.h"

/* Lines that are live here and that the peer has ended. */
static void drop_ended(struct session *s, const struct desc *d)
{
	for (unsigned i = 0; i < d->mediac && s->bundle; i++) {
		const struct desc_media *m = &d->mediav[i];
		unsigned group;
		bool whole, ours;

		if (!bundledesc_line(s->bundle, i, &group) ||
		    (!m->rejected && !strcmp(m->mid, s->local->mediav[i].mid)))
			continue;
		whole = bundle_complete(s->bundle, group);
		ours = bundle_ours(s->bundle, group);
		bundledesc_drop_line(s->bundle, i, s->local);
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

/* Our offer had what the peer has ended, and nothing else that it takes. */
static int take_none(struct session *s)
{
	int err;

	for (size_t i = 0; i < s->remote->mediac; i++)
		s->remote->mediav[i].rejected = true;
	err = bundledesc_settle(s->bundle, s->remote, s->local);
	drop_ended(s, s->remote);
	return err;
}

static int take_some(struct session *s, struct desc *d)
{
	int err = bundledesc_settle(s->bundle, d, s->local);

	if (err) {
		mem_deref(d);
		return err;
	}
	drop_ended(s, d);
	return take_remote(s, d);
}

int session_take_answer(struct session *s, const struct call_body *b)
{
	struct desc *d = NULL;
	int err = read_desc(&d, s, b, false);

	if (err == ENODATA)
		return take_none(s);
	return err ? err : take_some(s, d);
}

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
	err = bundledesc_answer(s->bundle, group, i, want.kind, &want.ask,
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
		if (!bundledesc_line(s->bundle, i, &g)) {
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

int session_take_offer(struct session *s, const struct call_body *b,
		       enum reason *rp)
{
	struct desc *d, *a = NULL;
	int err;

	if (!b->ctype || !b->n)
		return 0;
	bundledesc_unplace(s->bundle, s->local, false);
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
