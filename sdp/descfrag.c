/*
 * descfrag.c: trickled candidates out of hostile text (RFC 8840 section 9).
 *
 *   a=ice-pwd:... a=ice-ufrag:...      whose candidates these are
 *   m=application 9 UDP/QUIC ...       the m-line only holds the mid
 *   a=mid:0
 *   a=candidate:...
 *   a=end-of-candidates
 *
 * The fragment is read into a description of its own, so that a bad one
 * changes nothing.
 */
#include <string.h>
#include "sdp/desc.h"
#include "sdp/descline.h"
#include "sdp/desctransp.h"

/* Is the mid one of the bundle? A peer whose mids were stripped on the way
 * has one tunnel only. */
static bool is_wanted(const struct desc *d, const struct pl *mid)
{
	for (size_t i = 0; i < d->mediac; i++) {
		const struct desc_media *m = &d->mediav[i];

		if (m->known && !m->rejected &&
		    (!m->mid[0] || !pl_strcmp(mid, m->mid)))
			return true;
	}
	return false;
}

static int read_lines(struct desc *frag, const struct desc *d,
		      const struct pl *text)
{
	struct desctransp t = { .d = frag };
	struct descline l = { .no = 0 };
	struct pl rest = *text, mid;
	bool wanted = true;
	int err;

	while (!(err = descline_next(&rest, &l))) {
		if (l.type == 'm')
			wanted = false;
		else if (descline_attr(&l, "mid", &mid))
			wanted = is_wanted(d, &mid);
		else if (wanted)
			err = desctransp_line(&t, &l);
		if (err)
			return err == ENOMEM ? ENOMEM : EBADMSG;
	}
	return err == ENOENT ? 0 : EBADMSG;
}

/* A fragment of another ICE generation must not mix with this one (RFC 8840
 * section 4.4). */
static bool same_generation(const struct desc *frag, const struct desc *d)
{
	return !strcmp(frag->ufrag, d->ufrag) &&
		(!frag->pwd[0] || !strcmp(frag->pwd, d->pwd));
}

int desc_frag_decode(struct desc *d, const char *text, size_t len)
{
	struct pl pl = { text, len };
	struct desc *frag;
	int err;

	if (!d || !text)
		return EINVAL;
	if (len > DESC_SIZE_MAX)
		return EBADMSG;
	err = desc_alloc(&frag);
	if (err)
		return err;
	err = read_lines(frag, d, &pl);
	if (!err && !same_generation(frag, d))
		err = EPROTO;
	for (size_t i = 0; i < frag->candc && !err; i++)
		err = desctransp_cand(d, &frag->candv[i]);
	if (!err && frag->complete)
		d->complete = true;
	mem_deref(frag);
	return err;
}
