/*
 * turnmsg.c: attributes of TURN, and long-term credentials.
 *
 *   request -- 401: REALM, NONCE, PASSWORD-ALGORITHMS
 *   request with USERNAME, REALM, NONCE, integrity by
 *   key = MD5 or SHA-256 of "user:realm:password"
 *
 * Called by turnreq.c and turn.c. SASLprep is the user's: a name and a
 * password are taken as they are configured.
 */
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "modules/path/turnmsg.h"

enum {
	ATTR_ALGORITHMS = 0x8002,       /* RFC 8489 section 14.11 */
	ATTR_ALGORITHM = 0x001d,
	ALG_SHA256 = 2,                 /* section 18.5 */
	FEATURE_ALGORITHMS = 0x80,      /* of a nonce, section 9.2 */
};

static const char cookie[] = "obMatJos2";       /* a nonce with features */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool get_lifetime(struct turn_msg *t, const uint8_t *p, size_t n)
{
	t->has_lifetime = n == 4;
	t->lifetime = n == 4 ? (uint32_t)get16(p) << 16 | get16(p + 2) : 0;
	return n == 4;
}

static bool get_pl(struct pl *pl, const uint8_t *p, size_t n, size_t max)
{
	if (!n || n > max || memchr(p, 0, n))
		return false;
	if (!pl->l) {
		pl->p = (const char *)p;
		pl->l = n;
	}
	return true;
}

/* Pairs of algorithm and parameters, these padded. */
static bool get_algorithms(struct turn_msg *t, const uint8_t *p, size_t n)
{
	t->algorithms.p = (const char *)p;
	t->algorithms.l = n;
	for (size_t pos = 0; pos + 4 <= n;) {
		t->sha256 |= get16(p + pos) == ALG_SHA256;
		pos += 4 + ((get16(p + pos + 2) + 3u) & ~3u);
	}
	return true;
}

/* For a family it has no address of, coturn 4.6 adds 0.0.0.0: the first of
 * each family counts. */
static bool get_relayed(struct turn_msg *t, const uint8_t *p, size_t n,
			const uint8_t *tid)
{
	struct sa sa, *own;

	if (!stun_get_xor(&sa, p, n, tid))
		return false;
	own = &t->relayed[sa_af(&sa) == AF_INET6];
	if (!sa_isset(own, SA_ADDR))
		*own = sa;
	return true;
}

/* ALTERNATE-SERVER is as old as MAPPED-ADDRESS: not XORed. */
static bool get_plain(struct sa *sa, const uint8_t *p, size_t n)
{
	if (n == 8 && p[1] == STUN_AF_IPv4)
		sa_set_in(sa, (uint32_t)get16(p + 4) << 16 | get16(p + 6),
			  get16(p + 2));
	else if (n == 20 && p[1] == STUN_AF_IPv6)
		sa_set_in6(sa, p + 4, get16(p + 2));
	else
		return false;
	return true;
}

static bool attr_decode(struct turn_msg *t, uint16_t type, const uint8_t *p,
			size_t n, const uint8_t *tid)
{
	switch (type) {
	case STUN_ATTR_XOR_RELAY_ADDR:
		return get_relayed(t, p, n, tid);
	case STUN_ATTR_LIFETIME:
		return get_lifetime(t, p, n);
	case STUN_ATTR_REALM:
		return get_pl(&t->realm, p, n, TURN_REALM_MAX);
	case STUN_ATTR_NONCE:
		return get_pl(&t->nonce, p, n, TURN_NONCE_MAX);
	case STUN_ATTR_ALT_SERVER:
		return get_plain(&t->alternate, p, n);
	case ATTR_ALGORITHMS:
		return get_algorithms(t, p, n);
	default:
		return true;
	}
}

int turn_msg_parse(struct turn_msg *t, const struct stun_pkt *m)
{
	memset(t, 0, sizeof *t);
	sa_init(&t->relayed[0], AF_UNSPEC);
	sa_init(&t->relayed[1], AF_UNSPEC);
	sa_init(&t->alternate, AF_UNSPEC);
	/* stun_parse has seen that each attribute is within the message */
	for (size_t pos = STUN_HEADER_SIZE; pos + 4 <= m->len;) {
		const uint16_t type = get16(m->buf + pos);
		const size_t n = get16(m->buf + pos + 2);

		/* what follows an integrity is not protected by it */
		if (type == STUN_ATTR_MSG_INTEGRITY ||
		    type == STUN_ATTR_FINGERPRINT)
			break;
		if (type == STUN_ATTR_INTEGRITY_SHA256) {
			t->mi256 = pos;
			break;
		}
		if (!attr_decode(t, type, m->buf + pos + 4, n, m->tid))
			return EBADMSG;
		pos += 4 + ((n + 3) & ~(size_t)3);
	}
	return 0;
}

int turn_auth_secret(struct turn_auth *a, const char *secret,
		     const char *user, uint64_t expires)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int len;

	len = re_snprintf(a->user, sizeof a->user, "%llu%s%s",
			  (unsigned long long)expires, user ? ":" : "",
			  user ? user : "");
	if (len < 0)
		return EOVERFLOW;
	if (!HMAC(EVP_sha1(), secret, (int)strlen(secret),
		  (const uint8_t *)a->user, (size_t)len, md, &n))
		return ENOMEM;
	(void)EVP_EncodeBlock((uint8_t *)a->password, md, (int)n);
	OPENSSL_cleanse(md, sizeof md);
	return 0;
}

/* The server says in the nonce that it told us its algorithms; without that
 * somebody on the way may have taken them out, or put them in. Four letters
 * of base64 behind the cookie are 24 bits. */
static bool nonce_has_algorithms(const char *nonce)
{
	uint8_t bits[4];

	return !strncmp(nonce, cookie, strlen(cookie)) &&
		strlen(nonce) >= strlen(cookie) + 4 &&
		EVP_DecodeBlock(bits, (const uint8_t *)nonce +
				strlen(cookie), 4) == 3 &&
		bits[0] & FEATURE_ALGORITHMS;
}

static int make_key(struct turn_auth *a, bool sha256)
{
	char text[TURN_USER_MAX + TURN_REALM_MAX + TURN_PASSWORD_MAX + 4];
	unsigned n = 0;
	bool ok;

	if (re_snprintf(text, sizeof text, "%s:%s:%s", a->user, a->realm,
			a->password) < 0)
		return EOVERFLOW;
	ok = EVP_Digest(text, strlen(text), a->key.key, &n,
			sha256 ? EVP_sha256() : EVP_md5(), NULL) == 1;
	OPENSSL_cleanse(text, sizeof text);
	a->key.len = n;
	return ok ? 0 : EPROTO;
}

int turn_auth_follow(struct turn_auth *a, const struct turn_msg *t)
{
	bool features;

	if (!t->nonce.l || (!t->realm.l && !*a->realm))
		return EBADMSG;
	(void)pl_strcpy(&t->nonce, a->nonce, sizeof a->nonce);
	if (t->realm.l)
		(void)pl_strcpy(&t->realm, a->realm, sizeof a->realm);
	features = nonce_has_algorithms(a->nonce) && t->algorithms.l;
	a->algorithms_len = 0;
	if (features && t->algorithms.l <= sizeof a->algorithms) {
		memcpy(a->algorithms, t->algorithms.p, t->algorithms.l);
		a->algorithms_len = t->algorithms.l;
	}
	a->key.sha256 = a->algorithms_len > 0;
	return make_key(a, a->algorithms_len && t->sha256);
}

/* RFC 8489 section 9.2.4: the algorithms are said back, so that nobody has
 * changed them on the way, and the one that was chosen. */
static void put_algorithms(struct stun_out *o, const struct turn_auth *a)
{
	uint8_t chosen[4] = { 0, a->key.len == 32 ? ALG_SHA256 : 1, 0, 0 };

	stun_put(o, ATTR_ALGORITHMS, a->algorithms, a->algorithms_len);
	stun_put(o, ATTR_ALGORITHM, chosen, sizeof chosen);
}

void turn_auth_put(struct stun_out *o, const struct turn_auth *a)
{
	if (!*a->realm)
		return;
	stun_put(o, STUN_ATTR_USERNAME, a->user, strlen(a->user));
	stun_put(o, STUN_ATTR_REALM, a->realm, strlen(a->realm));
	stun_put(o, STUN_ATTR_NONCE, a->nonce, strlen(a->nonce));
	if (a->algorithms_len)
		put_algorithms(o, a);
	stun_put_long_key(o, &a->key);
}

bool turn_auth_ok(const struct turn_auth *a, const struct stun_pkt *m,
		  const struct turn_msg *t)
{
	return *a->realm &&
		stun_long_key_ok(m, a->key.sha256 ? t->mi256 : m->mi,
				 &a->key);
}
