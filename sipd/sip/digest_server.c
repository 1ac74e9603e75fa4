/*
 * digest_server.c: challenges, and the answers to them, for the registrar.
 *
 * Owns the key of its nonces. A nonce is
 *
 *   time (8 hex) | random (8 hex) | HMAC(key, time random address realm)
 *
 * so that none has to be remembered.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "sdp/base/clock.h"
#include "sipd/sip/digest.h"

enum {
	STAMP_LEN = 16,         /* hex digits: time and random */
	MAC_BYTES = 16,
	NONCE_LEN = STAMP_LEN + 2 * MAC_BYTES,
};

struct digest_server {
	uint8_t key[32];
	uint32_t lifetime;      /* s */
	char *realm;
};

static void server_destructor(void *arg)
{
	struct digest_server *ds = arg;

	OPENSSL_cleanse(ds->key, sizeof ds->key);
	mem_deref(ds->realm);
}

int digest_server_alloc(struct digest_server **dsp, const char *realm,
			uint32_t lifetime)
{
	struct digest_server *ds;
	int err;

	if (!dsp || !realm || !digest_quotable(realm))
		return EINVAL;
	ds = mem_zalloc(sizeof *ds, server_destructor);
	if (!ds)
		return ENOMEM;
	ds->lifetime = lifetime;
	rand_bytes(ds->key, sizeof ds->key);
	err = str_dup(&ds->realm, realm);
	if (err)
		mem_deref(ds);
	else
		*dsp = ds;
	return err;
}

const char *digest_server_realm(const struct digest_server *ds)
{
	return ds ? ds->realm : "";
}

/* stamp is STAMP_LEN digits; the whole nonce is written. */
static void nonce_make(char nonce[NONCE_LEN + 1],
		       const struct digest_server *ds, const char *stamp,
		       const struct sa *src)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	char text[STAMP_LEN + 64 + 256];

	re_snprintf(text, sizeof text, "%b %j %s", stamp, (size_t)STAMP_LEN,
		    src, ds->realm);
	HMAC(EVP_sha256(), ds->key, sizeof ds->key, (uint8_t *)text,
	     strlen(text), mac, NULL);
	memcpy(nonce, stamp, STAMP_LEN);
	digest_hex(nonce + STAMP_LEN, mac, MAC_BYTES);
}

int digest_offer_print(struct re_printf *pf, const struct digest_offer *o)
{
	char nonce[NONCE_LEN + 1], stamp[STAMP_LEN + 1];

	if (!o || !o->ds || o->alg >= DIGEST_ALGS)
		return EINVAL;
	re_snprintf(stamp, sizeof stamp, "%08x%08x",
		    (uint32_t)(clock_ns() / SEC), rand_u32());
	nonce_make(nonce, o->ds, stamp, o->src);
	return re_hprintf(pf, "Digest realm=\"%s\", nonce=\"%s\","
			  " algorithm=%s, qop=\"auth\"%s", o->ds->realm,
			  nonce, digest_alg_name(o->alg),
			  o->stale ? ", stale=true" : "");
}

enum digest_verdict digest_server_nonce(const struct digest_server *ds,
					const struct digest_answer *a,
					const struct sa *src)
{
	const uint32_t now = (uint32_t)(clock_ns() / SEC);
	char nonce[NONCE_LEN + 1];
	struct pl stamp;

	if (pl_strcmp(&a->realm, ds->realm))
		return DIGEST_FOREIGN;
	if (a->nonce.l != NONCE_LEN)
		return DIGEST_FOREIGN;
	nonce_make(nonce, ds, a->nonce.p, src);
	/* not ours: of an earlier process, or for another address */
	if (CRYPTO_memcmp(nonce, a->nonce.p, NONCE_LEN))
		return DIGEST_STALE;
	stamp.p = a->nonce.p;
	stamp.l = 8;
	return now - pl_x32(&stamp) > ds->lifetime ? DIGEST_STALE : DIGEST_OK;
}

enum digest_verdict digest_server_verify(const struct digest_server *ds,
					 const struct digest_answer *a,
					 const struct pl *met,
					 const char *ha1,
					 const struct sa *src)
{
	enum digest_verdict v = digest_server_nonce(ds, a, src);
	bool good;

	if (v != DIGEST_OK)
		return v;
	good = digest_answer_check(a, met, ha1 ? ha1 : "");
	return good && ha1 ? DIGEST_OK : DIGEST_WRONG;
}
