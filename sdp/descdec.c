/*
 * descdec.c: hostile text into a new description, or a refusal.
 *
 *   split:     lines -> the session's part and one section for each m-line
 *   media:     mid and tunnel of each section; which are live, that is
 *              not rejected and bundled with the first (RFC 9143)
 *   transport: first live section, the other live ones, session's part
 *   judge:     is all there that a tunnel needs?
 *
 * What is refused, and how, is the table below. Text never goes back into a
 * refusal, line numbers do.
 */
#include <string.h>
#include "sdp/desc.h"
#include "sdp/descfield.h"
#include "sdp/descline.h"
#include "sdp/desctransp.h"
#include "sdp/words.h"

enum refusal {
	TOO_BIG, BAD_LINE, LONG_LINE, NO_VERSION, BAD_ORIGIN, NO_ORIGIN,
	BAD_CONN, BAD_MLINE, BAD_ATTR, BAD_TUNNEL, MID_TWICE, BAD_ROLE,
	MANY_MLINES, NO_TUNNEL, NONE_TAKEN, NO_ICE, NO_KEY, HOLDCONN,
	BAD_HASH, NO_MEMORY,
};

static const struct {
	int err;
	uint16_t scode;
	uint16_t warn;          /* RFC 3261 section 20.43 */
	const char *text;
} refusalv[] = {
[TOO_BIG]     = { EBADMSG, 400, 0, "description larger than 16384 bytes" },
[BAD_LINE]    = { EBADMSG, 400, 0, "not a line of SDP" },
[LONG_LINE]   = { EBADMSG, 400, 0, "line longer than 4096 bytes" },
[NO_VERSION]  = { EBADMSG, 400, 0, "the first line is not v=0" },
[BAD_ORIGIN]  = { EBADMSG, 400, 0, "malformed o= line" },
[NO_ORIGIN]   = { EBADMSG, 400, 0, "no o= line" },
[BAD_CONN]    = { EBADMSG, 400, 0, "malformed c= line" },
[BAD_MLINE]   = { EBADMSG, 400, 0, "malformed m= line" },
[BAD_ATTR]    = { EBADMSG, 400, 0, "malformed attribute" },
[BAD_TUNNEL]  = { EBADMSG, 400, 0, "malformed a=x-dialtone-tunnel" },
[MID_TWICE]   = { EBADMSG, 400, 0, "two m= lines have the same a=mid" },
[BAD_ROLE]    = { EBADMSG, 400, 0, "an answer cannot say setup:actpass" },
[MANY_MLINES] = { ENOTSUP, 488, 399, "more than 8 m= lines" },
[NO_TUNNEL]   = { ENOTSUP, 488, 304, "no tunnel in the description" },
[NONE_TAKEN]  = { ENOTSUP, 488, 304, "none of the tunnels was taken" },
[NO_ICE]      = { ENOTSUP, 488, 399, "no a=ice-ufrag and a=ice-pwd" },
[NO_KEY]      = { ENOTSUP, 488, 399, "no a=fingerprint" },
[HOLDCONN]    = { ENOTSUP, 488, 399, "a=setup:holdconn is not supported" },
[BAD_HASH]    = { EACCES, 606, 399, "only SHA-256 fingerprints are taken" },
[NO_MEMORY]   = { ENOMEM, 500, 0, "out of memory" },
};

/* An m-line with what belongs to it; the session's part has no m-line. */
struct section {
	struct mline mline;
	struct pl text;         /* the lines after it */
	unsigned no;            /* number of the line before text */
	struct sa addr;         /* c= */
	bool bundle_only;
};

struct decoder {
	struct desc *d;
	struct desc_refusal *why;
	bool offer;
	struct section session;
	struct section audio;                   /* its lines are not ours */
	struct section mediav[DESC_MEDIA_MAX];  /* as d->mediav */
	bool origin;            /* o= was there */
	struct pl bundle;       /* mids of the first a=group:BUNDLE */
};

/* line 0: about the description as a whole; what may be NULL. */
static int refuse_attr(const struct decoder *dec, enum refusal r,
		       unsigned line, const char *what)
{
	struct desc_refusal *why = dec->why;

	if (!why)
		return refusalv[r].err;
	why->scode = refusalv[r].scode;
	why->warn = refusalv[r].warn;
	if (line)
		(void)re_snprintf(why->text, sizeof why->text,
				  "line %u: %s%s%s", line, refusalv[r].text,
				  what ? " a=" : "", what ? what : "");
	else
		str_ncpy(why->text, refusalv[r].text, sizeof why->text);
	return refusalv[r].err;
}

static int refuse(const struct decoder *dec, enum refusal r, unsigned line)
{
	return refuse_attr(dec, r, line, NULL);
}

/* Like descline_next; 0, ENOENT, or a refusal. */
static int next_line(const struct decoder *dec, struct pl *rest,
		     struct descline *l)
{
	int err = descline_next(rest, l);

	if (err == EMSGSIZE)
		return refuse(dec, LONG_LINE, l->no);
	if (err == EBADMSG)
		return refuse(dec, BAD_LINE, l->no);
	return err;
}

static int conn_line(struct decoder *dec, struct section *sec,
		     const struct descline *l)
{
	return descfield_conn(&sec->addr, &l->val) ?
		refuse(dec, BAD_CONN, l->no) : 0;
}

static int origin_line(struct decoder *dec, const struct descline *l)
{
	struct desc *d = dec->d;

	dec->origin = true;
	return descfield_origin(&d->sess_id, &d->sess_ver, &l->val) ?
		refuse(dec, BAD_ORIGIN, l->no) : 0;
}

static void group_decode(struct decoder *dec, const struct pl *val)
{
	struct pl s = *val, w;

	if (!dec->bundle.p && words_next(&s, &w) && !pl_strcmp(&w, "BUNDLE"))
		dec->bundle = s;
}

static int session_line(struct decoder *dec, const struct descline *l)
{
	struct pl val;

	if (l->type == 'c')
		return conn_line(dec, &dec->session, l);
	if (l->type == 'o')
		return origin_line(dec, l);
	if (descline_attr(l, "group", &val))
		group_decode(dec, &val);
	return 0;
}

/* A new section begins; *secp is where its lines go. */
static int mline(struct decoder *dec, struct section **secp,
		 const struct descline *l)
{
	struct desc *d = dec->d;
	struct desc_media *m;
	struct mline ml;

	if (descfield_mline(&ml, &l->val))
		return refuse(dec, BAD_MLINE, l->no);
	if (!d->mediac && !d->audio && descfield_is_audio(&ml)) {
		d->audio = true;
		*secp = &dec->audio;
		return 0;
	}
	if (d->mediac == DESC_MEDIA_MAX)
		return refuse(dec, MANY_MLINES, l->no);
	m = &d->mediav[d->mediac];
	m->known = descfield_is_tunnel(&ml, &m->proto);
	m->rejected = !m->known || !ml.port;
	*secp = &dec->mediav[d->mediac++];
	(*secp)->mline = ml;
	(*secp)->no = l->no;
	return 0;
}

/* Every line is looked at here once, so that the later passes find none that
 * is malformed. */
static int split(struct decoder *dec, const struct pl *text)
{
	struct section *sec = &dec->session;
	struct descline l = { .no = 0 };
	struct pl rest = *text;
	int err;

	sec->text.p = text->p;
	err = next_line(dec, &rest, &l);
	if (err == ENOENT || (!err && (l.type != 'v' ||
				       pl_strcmp(&l.val, "0"))))
		return refuse(dec, NO_VERSION, l.no);
	while (!err) {
		sec->text.l = (size_t)(rest.p - sec->text.p);
		err = next_line(dec, &rest, &l);
		if (!err && l.type == 'm') {
			err = mline(dec, &sec, &l);
			sec->text.p = rest.p;
		}
		else if (!err && sec == &dec->session) {
			err = session_line(dec, &l);
		}
	}
	if (err == ENOENT)
		return dec->origin ? 0 : refuse(dec, NO_ORIGIN, 0);
	return err;
}

static int media_line(struct decoder *dec, struct desc_media *m,
		      struct section *sec, const struct descline *l)
{
	struct pl val;
	int err;

	if (l->type == 'c')
		return conn_line(dec, sec, l);
	if (descline_attr(l, "mid", &val))
		return descfield_mid(m, &val) ?
			refuse_attr(dec, BAD_ATTR, l->no, "mid") : 0;
	if (descline_attr(l, "bundle-only", NULL))
		sec->bundle_only = true;
	if (!m->known || !descline_attr(l, "x-dialtone-tunnel", &val))
		return 0;
	err = descfield_tunnel(m, &val);
	return err == EBADMSG ? refuse(dec, BAD_TUNNEL, l->no) : err;
}

static bool mid_is_new(const struct desc *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d->mediav[n].mid[0] &&
		    !strcmp(d->mediav[i].mid, d->mediav[n].mid))
			return false;
	return true;
}

/* A tunnel line that does not say which tunnel, as after an SBC that strips
 * attributes, is one we cannot take; a rejected one need not say. */
static int media(struct decoder *dec, size_t n)
{
	struct desc_media *m = &dec->d->mediav[n];
	struct section *sec = &dec->mediav[n];
	struct descline l = { .no = sec->no };
	struct pl rest = sec->text;
	int err;

	while (!(err = next_line(dec, &rest, &l)) &&
	       !(err = media_line(dec, m, sec, &l)))
		;
	if (err != ENOENT)
		return err;
	if (!mid_is_new(dec->d, n))
		return refuse(dec, MID_TWICE, sec->no);
	if (!m->kind[0] && !m->rejected)
		m->known = false;
	if (m->known)
		return 0;
	m->rejected = true;
	m->kind[0] = '\0';
	m->param = mem_deref(m->param);
	return descfield_refused(&m->raw, &sec->mline);
}

static bool is_bundled(const struct decoder *dec, const struct desc_media *m)
{
	struct pl s = dec->bundle, mid;

	while (m->mid[0] && words_next(&s, &mid))
		if (!pl_strcmp(&mid, m->mid))
			return true;
	return false;
}

/* What is not bundled with the first would need a 5-tuple of its own, and is
 * rejected; a port 0 is none, if it says bundle-only in an offer. */
static void bundle(struct decoder *dec, const struct desc_media *first)
{
	for (size_t i = 0; i < dec->d->mediac; i++) {
		struct desc_media *m = &dec->d->mediav[i];

		if (!m->known || m == first)
			continue;
		if (!is_bundled(dec, first) || !is_bundled(dec, m))
			m->rejected = true;
		else if (dec->offer && dec->mediav[i].bundle_only)
			m->rejected = !m->kind[0];
	}
}

static struct desc_media *first_live(struct desc *d)
{
	for (size_t i = 0; i < d->mediac; i++)
		if (!d->mediav[i].rejected)
			return &d->mediav[i];
	return NULL;
}

static int transport_read(struct decoder *dec, struct desctransp *t,
			  const struct section *sec)
{
	struct descline l = { .no = sec->no };
	struct pl rest = sec->text;
	int err;

	desctransp_section(t);
	while (!(err = next_line(dec, &rest, &l))) {
		err = desctransp_line(t, &l);
		if (err == ENOMEM)
			return err;
		if (err)
			return refuse_attr(dec, BAD_ATTR, l.no, t->bad);
	}
	return err == ENOENT ? 0 : err;
}

/* The first live section, the others in their order (a bundle-only one may
 * stand before the first), then what the session says for all. */
static int transport(struct decoder *dec, struct desctransp *t,
		     const struct desc_media *first)
{
	const struct desc *d = dec->d;
	int err = transport_read(dec, t, &dec->mediav[first - d->mediav]);

	for (size_t i = 0; i < d->mediac && !err; i++)
		if (!d->mediav[i].rejected && &d->mediav[i] != first)
			err = transport_read(dec, t, &dec->mediav[i]);
	return err ? err : transport_read(dec, t, &dec->session);
}

static void default_destination(struct decoder *dec,
				const struct desc_media *first)
{
	const struct section *sec = &dec->mediav[first - dec->d->mediav];
	struct desc *d = dec->d;

	d->addr = sa_isset(&sec->addr, SA_ADDR) ? sec->addr :
		dec->session.addr;
	if (sa_isset(&d->addr, SA_ADDR))
		sa_set_port(&d->addr, (uint16_t)sec->mline.port);
}

static int judge(struct decoder *dec, const struct desctransp *t)
{
	const unsigned ice = TRANSP_UFRAG | TRANSP_PWD;

	if ((t->now & ice) != ice)
		return refuse(dec, NO_ICE, 0);
	if (!(t->now & TRANSP_FP))
		return refuse(dec, t->now & TRANSP_HASH ? BAD_HASH : NO_KEY,
			      0);
	if (!(t->now & TRANSP_SETUP) && t->now & TRANSP_HOLD)
		return refuse(dec, HOLDCONN, 0);
	if (!dec->offer && dec->d->setup == SETUP_ACTPASS)
		return refuse(dec, BAD_ROLE, 0);
	return 0;
}

static int decode(struct decoder *dec, const struct pl *text)
{
	struct desctransp t = { .d = dec->d };
	struct desc_media *first;
	int err = split(dec, text);

	for (size_t i = 0; i < dec->d->mediac && !err; i++)
		err = media(dec, i);
	if (err)
		return err;
	first = first_live(dec->d);
	if (!first)
		return refuse(dec, dec->offer ? NO_TUNNEL : NONE_TAKEN, 0);
	bundle(dec, first);
	/* RFC 4145 section 4.1: what an absent a=setup stands for */
	dec->d->setup = dec->offer ? SETUP_ACTIVE : SETUP_PASSIVE;
	default_destination(dec, first);
	err = transport(dec, &t, first);
	if (!dec->d->trickle)
		dec->d->complete = true;
	return err ? err : judge(dec, &t);
}

int desc_decode(struct desc **dp, const char *sdp, size_t len, bool offer,
		struct desc_refusal *why)
{
	struct decoder dec = { .why = why, .offer = offer };
	struct pl text = { sdp, len };
	int err;

	if (!dp || !sdp)
		return EINVAL;
	if (len > DESC_SIZE_MAX)
		return refuse(&dec, TOO_BIG, 0);
	err = desc_alloc(&dec.d);
	err = err ? err : decode(&dec, &text);
	if (err == ENOMEM)
		(void)refuse(&dec, NO_MEMORY, 0);
	if (err)
		mem_deref(dec.d);
	else
		*dp = dec.d;
	return err;
}
