/*
 * digest.c: HTTP Digest for SIP: its words and its sums (digest.h).
 *
 * Owns nothing. Called by digest_client.c, digest_server.c and the registrar.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include "sdp/base/recompat.h"
#include "sipd/sip/digest.h"

enum {
	VALUE_MAX  = 4096,      /* bytes of a header value */
	PARAMS_MAX = 24,        /* name=value pairs in it */
};

static const struct {
	const char *name;
	const char *sess;
	const EVP_MD *(*md)(void);
} algv[DIGEST_ALGS] = {
	[DIGEST_MD5]        = { "MD5", "MD5-sess", EVP_md5 },
	[DIGEST_SHA256]     = { "SHA-256", "SHA-256-sess", EVP_sha256 },
	[DIGEST_SHA512_256] = { "SHA-512-256", "SHA-512-256-sess",
				EVP_sha512_256 },
};

const char *digest_alg_name(enum digest_alg alg)
{
	return alg < DIGEST_ALGS ? algv[alg].name : "?";
}

/* ---- the sums ---- */

void digest_hex(char *hex, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	while (n--) {
		*hex++ = digits[*p >> 4];
		*hex++ = digits[*p++ & 15];
	}
	*hex = '\0';
}

/* The hash of the parts joined by colons, in hex. */
static int hash_parts(char hex[DIGEST_HEX], enum digest_alg alg,
		      const struct pl *v, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int ok;

	ok = ctx && EVP_DigestInit_ex(ctx, algv[alg].md(), NULL);
	for (size_t i = 0; ok && i < n; i++)
		ok = (!i || EVP_DigestUpdate(ctx, ":", 1)) &&
			EVP_DigestUpdate(ctx, v[i].p, v[i].l);
	ok = ok && EVP_DigestFinal_ex(ctx, md, &len) &&
		2 * len < DIGEST_HEX;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return ENOMEM;
	digest_hex(hex, md, len);
	OPENSSL_cleanse(md, sizeof md);
	return 0;
}

static struct pl pl_of(const char *s)
{
	struct pl pl = { s, str_len(s) };

	return pl;
}

int digest_ha1(char ha1[DIGEST_HEX], enum digest_alg alg, const char *user,
	       const char *realm, const char *password)
{
	const struct pl v[] = { pl_of(user), pl_of(realm), pl_of(password) };

	if (!ha1 || alg >= DIGEST_ALGS || !user || !realm || !password)
		return EINVAL;
	return hash_parts(ha1, alg, v, 3);
}

/* RFC 7616 section 3.4.1; a->response is not looked at. */
static int response(char hex[DIGEST_HEX], const struct digest_answer *a,
		    const struct pl *met, const char *ha1)
{
	char a1[DIGEST_HEX] = "", a2[DIGEST_HEX] = "";
	const struct pl sess[] = { pl_of(ha1), a->nonce, a->cnonce };
	const struct pl what[] = { *met, a->uri };
	struct pl v[6];
	size_t n = 0;
	int err = 0;

	if (a->sess)
		err = hash_parts(a1, a->alg, sess, 3);
	else
		str_ncpy(a1, ha1, sizeof a1);
	if (!err)
		err = hash_parts(a2, a->alg, what, 2);
	if (err)
		return err;

	v[n++] = pl_of(a1);
	v[n++] = a->nonce;
	if (a->qop) {
		v[n++] = a->nc;
		v[n++] = a->cnonce;
		v[n++] = pl_of("auth");
	}
	v[n++] = pl_of(a2);
	err = hash_parts(hex, a->alg, v, n);
	OPENSSL_cleanse(a1, sizeof a1);
	return err;
}

/* ---- the words ---- */

/* The parameters of challenges and answers, RFC 7616 section 3.3 and 3.4. */
struct words {
	struct pl realm, nonce, opaque, alg, qop, stale;
	struct pl username, uri, response, cnonce, nc;
};

static const struct {
	const char *name;
	size_t off;
} wordv[] = {
	{ "realm",     offsetof(struct words, realm) },
	{ "nonce",     offsetof(struct words, nonce) },
	{ "opaque",    offsetof(struct words, opaque) },
	{ "algorithm", offsetof(struct words, alg) },
	{ "qop",       offsetof(struct words, qop) },
	{ "stale",     offsetof(struct words, stale) },
	{ "username",  offsetof(struct words, username) },
	{ "uri",       offsetof(struct words, uri) },
	{ "response",  offsetof(struct words, response) },
	{ "cnonce",    offsetof(struct words, cnonce) },
	{ "nc",        offsetof(struct words, nc) },
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_token(char c)
{
	return c > ' ' && c < 127 && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static void skip_space(struct pl *p)
{
	while (p->l && is_space(*p->p))
		pl_advance(p, 1);
}

static struct pl take_token(struct pl *p)
{
	struct pl t = { p->p, 0 };

	while (t.l < p->l && is_token(t.p[t.l]))
		++t.l;
	pl_advance(p, (ssize_t)t.l);
	return t;
}

/* Between the quotes, escapes kept as they are: that is what both ends hash
 * in practice, and what must be echoed. */
static bool take_quoted(struct pl *val, struct pl *p)
{
	size_t i = 1;

	while (i < p->l && p->p[i] != '"') {
		if (p->p[i] == '\\')
			++i;
		if (i < p->l && (p->p[i] == '\0' || p->p[i] == '\n'))
			return false;
		++i;
	}
	if (i >= p->l)
		return false;
	val->p = p->p + 1;
	val->l = i - 1;
	pl_advance(p, (ssize_t)i + 1);
	return true;
}

/* One name=value; the first of a repeated name counts. */
static bool take_param(struct words *w, struct pl *p)
{
	struct pl name = take_token(p), val;

	skip_space(p);
	if (!name.l || !p->l || *p->p != '=')
		return false;
	pl_advance(p, 1);
	skip_space(p);
	if (p->l && *p->p == '"') {
		if (!take_quoted(&val, p))
			return false;
	}
	else {
		val = take_token(p);
	}
	for (size_t i = 0; i < RE_ARRAY_SIZE(wordv); i++) {
		struct pl *field = (void *)((char *)w + wordv[i].off);

		if (!pl_strcasecmp(&name, wordv[i].name) && !field->p)
			*field = val;
	}
	return true;
}

static int words_decode(struct words *w, const struct pl *val)
{
	struct pl p, scheme;

	memset(w, 0, sizeof *w);
	if (!val || !val->p || val->l > VALUE_MAX)
		return EBADMSG;
	p = *val;
	skip_space(&p);
	scheme = take_token(&p);
	if (pl_strcasecmp(&scheme, "Digest"))
		return scheme.l ? ENOTSUP : EBADMSG;

	for (unsigned i = 0; i < PARAMS_MAX; i++) {
		skip_space(&p);
		if (!take_param(w, &p))
			return EBADMSG;
		skip_space(&p);
		if (!p.l)
			return 0;
		if (*p.p != ',')
			return EBADMSG;
		pl_advance(&p, 1);
	}
	return EBADMSG;
}

static int alg_decode(enum digest_alg *alg, bool *sess, const struct pl *pl)
{
	*alg = DIGEST_MD5;
	*sess = false;
	if (!pl->p)
		return 0;
	for (unsigned i = 0; i < DIGEST_ALGS; i++) {
		*sess = !pl_strcasecmp(pl, algv[i].sess);
		*alg = i;
		if (*sess || !pl_strcasecmp(pl, algv[i].name))
			return 0;
	}
	return ENOTSUP;
}

/* Is "auth" in the list "auth,auth-int"? */
static bool qop_has_auth(struct pl p)
{
	while (p.l) {
		struct pl t = take_token(&p);

		if (!pl_strcasecmp(&t, "auth"))
			return true;
		if (!t.l)
			pl_advance(&p, 1);
	}
	return false;
}

/* pl_strcpy cuts silently; half a nonce is none. */
static bool copy(char *dst, size_t size, const struct pl *pl)
{
	return pl->l < size && !pl_strcpy(pl, dst, size);
}

int digest_challenge_decode(struct digest_challenge *c, const struct pl *val)
{
	struct words w;
	int err;

	if (!c)
		return EINVAL;
	memset(c, 0, sizeof *c);
	err = words_decode(&w, val);
	if (!err)
		err = alg_decode(&c->alg, &c->sess, &w.alg);
	if (err)
		return err;
	if (!w.realm.p || !w.nonce.l ||
	    !copy(c->realm, sizeof c->realm, &w.realm) ||
	    !copy(c->nonce, sizeof c->nonce, &w.nonce) ||
	    (w.opaque.p && !copy(c->opaque, sizeof c->opaque, &w.opaque)))
		return EBADMSG;
	c->qop = w.qop.p != NULL;
	if (c->qop && !qop_has_auth(w.qop))
		return ENOTSUP;
	c->stale = !pl_strcasecmp(&w.stale, "true");
	return 0;
}

int digest_answer_decode(struct digest_answer *a, const struct pl *val)
{
	struct words w;
	int err;

	if (!a)
		return EINVAL;
	memset(a, 0, sizeof *a);
	err = words_decode(&w, val);
	if (!err)
		err = alg_decode(&a->alg, &a->sess, &w.alg);
	if (err)
		return err;
	a->user = w.username;
	a->realm = w.realm;
	a->nonce = w.nonce;
	a->uri = w.uri;
	a->response = w.response;
	a->cnonce = w.cnonce;
	a->nc = w.nc;
	a->opaque = w.opaque;
	a->qop = w.qop.p != NULL;
	if (a->qop && pl_strcasecmp(&w.qop, "auth"))
		return ENOTSUP;
	if (!w.username.p || !w.realm.p || !w.nonce.l || !w.uri.l ||
	    !w.response.l || ((a->qop || a->sess) && !w.cnonce.p) ||
	    (a->qop && w.nc.l != 8))
		return EBADMSG;
	return 0;
}

bool digest_answer_check(const struct digest_answer *a, const struct pl *met,
			 const char *ha1)
{
	char want[DIGEST_HEX], got[DIGEST_HEX];
	struct pl resp = a->response;

	if (response(want, a, met, ha1) || resp.l != strlen(want))
		return false;
	for (size_t i = 0; i < resp.l; i++)     /* some send upper case */
		got[i] = (char)(resp.p[i] | (resp.p[i] >= 'A' &&
					     resp.p[i] <= 'F' ? 0x20 : 0));
	return CRYPTO_memcmp(want, got, resp.l) == 0;
}

bool digest_quotable(const char *s)
{
	for (; *s; s++)
		if (*s == '"' || *s == '\\' || (unsigned char)*s < ' ')
			return false;
	return true;
}

int digest_authorization_print(struct re_printf *pf,
			       const struct digest_credentials *cr)
{
	const struct digest_challenge *c = cr->c;
	char ha1[DIGEST_HEX], resp[DIGEST_HEX], nc[9];
	const struct pl met = pl_of(cr->met);
	struct digest_answer a = {
		.nonce = pl_of(c->nonce), .uri = pl_of(cr->uri),
		.cnonce = pl_of(cr->cnonce),
		.alg = c->alg, .sess = c->sess, .qop = c->qop,
	};
	int err;

	if (!digest_quotable(cr->user) || !digest_quotable(cr->uri) ||
	    !digest_quotable(cr->cnonce))
		return EINVAL;
	re_snprintf(nc, sizeof nc, "%08x", cr->nc);
	a.nc = pl_of(nc);
	err = digest_ha1(ha1, c->alg, cr->user, c->realm, cr->password);
	if (!err)
		err = response(resp, &a, &met, ha1);
	OPENSSL_cleanse(ha1, sizeof ha1);
	if (err)
		return err;

	err = re_hprintf(pf, "Digest username=\"%s\", realm=\"%s\","
			 " nonce=\"%s\", uri=\"%s\", response=\"%s\","
			 " algorithm=%s", cr->user, c->realm, c->nonce,
			 cr->uri, resp, c->sess ? algv[c->alg].sess
						    : algv[c->alg].name);
	if (c->qop)
		err |= re_hprintf(pf, ", qop=auth, nc=%s", nc);
	if (c->qop || c->sess)
		err |= re_hprintf(pf, ", cnonce=\"%s\"", cr->cnonce);
	if (c->opaque[0])
		err |= re_hprintf(pf, ", opaque=\"%s\"", c->opaque);
	return err;
}
