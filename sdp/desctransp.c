/*
 * desctransp.c: ICE, key and DTLS role out of attribute lines, by a table.
 *
 *   a=ice-ufrag ice-pwd ice-options ice-lite candidate end-of-candidates
 *   a=fingerprint setup tls-id
 */
#include <string.h>
#include "sdp/desctransp.h"
#include "sdp/words.h"

typedef int (attr_h)(struct desctransp *t, const struct pl *val);

enum {
	UFRAG_MIN = 4, PWD_MIN = 22,            /* RFC 8839 section 5.4 */
	TLSID_MIN = 20, TLSID_MAX = 255,        /* RFC 8842 section 4 */
};

/* True if this section is the first to say it, and says it first. */
static bool first(struct desctransp *t, unsigned what)
{
	bool is = !(t->now & what);

	t->now |= what;
	return is;
}

static int ufrag_decode(struct desctransp *t, const struct pl *val)
{
	if (!words_chars(val, UFRAG_MIN, DESC_UFRAG_MAX, "+/"))
		return EBADMSG;
	if (first(t, TRANSP_UFRAG))
		(void)words_copy(t->d->ufrag, sizeof t->d->ufrag, val);
	return 0;
}

static int pwd_decode(struct desctransp *t, const struct pl *val)
{
	if (!words_chars(val, PWD_MIN, DESC_PWD_MAX, "+/"))
		return EBADMSG;
	if (first(t, TRANSP_PWD))
		(void)words_copy(t->d->pwd, sizeof t->d->pwd, val);
	return 0;
}

static int options_decode(struct desctransp *t, const struct pl *val)
{
	struct pl s = *val, w;

	while (words_next(&s, &w)) {
		if (!pl_strcmp(&w, "trickle"))
			t->d->trickle = true;
		else if (!pl_strcmp(&w, "renomination"))
			t->d->renomination = true;
		else if (!pl_strcmp(&w, "guess"))
			t->d->guess = true;
	}
	return 0;
}

static int lite_decode(struct desctransp *t, const struct pl *val)
{
	(void)val;
	t->d->ice_lite = true;
	return 0;
}

static int end_decode(struct desctransp *t, const struct pl *val)
{
	(void)val;
	t->d->complete = true;
	return 0;
}

/* The same address twice is redundant, whatever else differs (RFC 8445
 * section 5.1.3); the earlier one stays. */
int desctransp_cand(struct desc *d, const struct cand *c)
{
	int err;

	for (size_t i = 0; i < d->candc; i++)
		if (d->candv[i].transp == c->transp &&
		    sa_cmp(&d->candv[i].addr, &c->addr, SA_ALL))
			return 0;
	err = desc_cand_add(d, c);
	return err == EOVERFLOW ? 0 : err;
}

static int candidate_decode(struct desctransp *t, const struct pl *val)
{
	struct cand c;
	int err = cand_decode(&c, val);

	if (err)
		return err == ENOTSUP ? 0 : err;
	t->now |= TRANSP_CAND;
	if (!(t->have & TRANSP_CAND))
		return desctransp_cand(t->d, &c);
	return 0;
}

/* RFC 8122 section 5: several may stand side by side, by several hashes. */
static int fingerprint_decode(struct desctransp *t, const struct pl *val)
{
	struct pl s = *val, hash, text;
	uint8_t fp[DESC_FP_SIZE];

	if (!words_next(&s, &hash) || !words_next(&s, &text))
		return EBADMSG;
	if (pl_strcasecmp(&hash, "sha-256")) {
		t->now |= TRANSP_HASH;
		return 0;
	}
	if (fp_decode(fp, &text))
		return EBADMSG;
	if (first(t, TRANSP_FP))
		memcpy(t->d->fp, fp, sizeof t->d->fp);
	t->d->has_fp = true;
	return 0;
}

static int setup_decode(struct desctransp *t, const struct pl *val)
{
	if (!pl_strcasecmp(val, "holdconn")) {
		t->now |= TRANSP_HOLD;
		return 0;
	}
	for (int i = SETUP_ACTPASS; i <= SETUP_PASSIVE; i++) {
		if (pl_strcasecmp(val, descline_setupv[i]))
			continue;
		if (first(t, TRANSP_SETUP))
			t->d->setup = (enum desc_setup)i;
		return 0;
	}
	return EBADMSG;
}

/* One longer than we keep is as good as none: it only tells associations
 * apart, and cut off it would not. */
static int tlsid_decode(struct desctransp *t, const struct pl *val)
{
	if (!words_chars(val, TLSID_MIN, TLSID_MAX, "+/-_"))
		return EBADMSG;
	if (first(t, TRANSP_TLSID))
		(void)words_copy(t->d->tls_id, sizeof t->d->tls_id, val);
	return 0;
}

/* Ours; one that makes no sense is as good as none. */
static int issuer_decode(struct desctransp *t, const struct pl *val)
{
	uint8_t fp[DESC_FP_SIZE];

	if (t->d->has_issuer || fp_decode(fp, val))
		return 0;
	memcpy(t->d->issuer, fp, sizeof t->d->issuer);
	t->d->has_issuer = true;
	return 0;
}

static const struct {
	const char *name;
	attr_h *h;
	unsigned what;          /* not read when said before */
} attrv[] = {
	{ "candidate",         candidate_decode,   0 },
	{ "ice-ufrag",         ufrag_decode,       TRANSP_UFRAG },
	{ "ice-pwd",           pwd_decode,         TRANSP_PWD },
	{ "ice-options",       options_decode,     0 },
	{ "ice-lite",          lite_decode,        0 },
	{ "end-of-candidates", end_decode,         0 },
	{ "fingerprint",       fingerprint_decode, TRANSP_FP },
	{ "setup",             setup_decode,       TRANSP_SETUP },
	{ "tls-id",            tlsid_decode,       TRANSP_TLSID },
	{ "x-dialtone-issuer", issuer_decode,      0 },
};

void desctransp_section(struct desctransp *t)
{
	t->have = t->now;
}

int desctransp_line(struct desctransp *t, const struct descline *l)
{
	struct pl val;

	for (size_t i = 0; i < sizeof attrv / sizeof attrv[0]; i++) {
		if (!descline_attr(l, attrv[i].name, &val))
			continue;
		t->bad = attrv[i].name;
		return t->have & attrv[i].what ? 0 : attrv[i].h(t, &val);
	}
	return 0;
}
