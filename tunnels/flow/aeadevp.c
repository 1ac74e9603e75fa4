/*
 * aeadevp.c: packet protection by OpenSSL's EVP, on every machine. One
 * context for each key; from packet to packet only the nonce changes.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include <openssl/evp.h>
#include "tunnels/flow/aeadevp.h"
#include "tunnels/flow/aeadimpl.h"

static const struct {
	const char *aead, *mask;
} cipherv[] = {
	[AEAD_AES128_GCM] = { "AES-128-GCM", "AES-128-ECB" },
	[AEAD_CHACHA20_POLY1305] = { "ChaCha20-Poly1305", "ChaCha20" },
};

struct evp {
	struct aead a;                  /* first */
	EVP_CIPHER_CTX *ctx;
};

struct evp_mask {
	struct aead_mask m;             /* first */
	bool stream;                    /* the sample is counter and nonce */
	EVP_CIPHER_CTX *ctx;
};

static int set_key(EVP_CIPHER_CTX **cp, const char *name, const uint8_t *key)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, name, NULL);
	int err = c ? 0 : ENOTSUP;

	if (!err) {
		*cp = EVP_CIPHER_CTX_new();
		err = *cp ? 0 : ENOMEM;
	}
	if (!err && (!EVP_CipherInit_ex2(*cp, c, key, NULL, 1, NULL) ||
		     !EVP_CIPHER_CTX_set_padding(*cp, 0)))
		err = ENOTSUP;
	EVP_CIPHER_free(c);
	return err;
}

/* Nonce, additional data and text; the tag is the caller's. */
static bool crypt_text(EVP_CIPHER_CTX *ctx, int enc, uint8_t *dst,
		       const uint8_t *p, size_t n, const uint8_t *nonce,
		       const uint8_t *aad, size_t aadlen, uint8_t *tag)
{
	if (!EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, enc))
		return false;
	if (tag && !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG,
					tag))
		return false;
	if (aadlen && EVP_Cipher(ctx, NULL, aad, (unsigned)aadlen) < 0)
		return false;
	return !n || EVP_Cipher(ctx, dst, p, (unsigned)n) >= 0;
}

static bool seal(struct aead *a, uint8_t *dst, const uint8_t *p, size_t n,
		 const uint8_t *nonce, const uint8_t *aad, size_t aadlen)
{
	EVP_CIPHER_CTX *ctx = ((struct evp *)(void *)a)->ctx;
	int len;

	return crypt_text(ctx, 1, dst, p, n, nonce, aad, aadlen, NULL) &&
	       EVP_CipherFinal_ex(ctx, dst + n, &len) > 0 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG,
				   dst + n);
}

static bool open_text(struct aead *a, uint8_t *dst, const uint8_t *p,
		      size_t n, const uint8_t *nonce, const uint8_t *aad,
		      size_t aadlen)
{
	EVP_CIPHER_CTX *ctx = ((struct evp *)(void *)a)->ctx;
	uint8_t tag[AEAD_TAG];
	int len;

	memcpy(tag, p + n, AEAD_TAG);
	/* not by EVP_Cipher: for ChaCha20 that does not look at the tag */
	if (crypt_text(ctx, 0, dst, p, n, nonce, aad, aadlen, tag) &&
	    EVP_CipherFinal_ex(ctx, dst + n, &len) > 0)
		return true;
	/* a key stream was added: adding it again is adding nothing */
	if (dst == p)
		(void)crypt_text(ctx, 0, dst, dst, n, nonce, aad, aadlen,
				 NULL);
	return false;
}

static const struct aead_ops evp_ops = { seal, open_text };

static void evp_destructor(void *arg)
{
	struct evp *e = arg;

	EVP_CIPHER_CTX_free(e->ctx);    /* wipes what it holds */
}

int aeadevp_alloc(struct aead **ap, enum aead_cipher cipher,
		  const uint8_t *key)
{
	struct evp *e = mem_zalloc(sizeof *e, evp_destructor);
	int err;

	if (!e)
		return ENOMEM;
	e->a.ops = &evp_ops;
	err = set_key(&e->ctx, cipherv[cipher].aead, key);
	if (err)
		mem_deref(e);
	else
		*ap = &e->a;
	return err;
}

static bool make_mask(struct aead_mask *m, uint8_t *mask,
		      const uint8_t *sample)
{
	static const uint8_t zero[AEAD_SAMPLE];
	struct evp_mask *e = (struct evp_mask *)(void *)m;
	uint8_t block[AEAD_SAMPLE];

	if (e->stream &&
	    !EVP_CipherInit_ex(e->ctx, NULL, NULL, NULL, sample, 1))
		return false;
	if (EVP_Cipher(e->ctx, block, e->stream ? zero : sample,
		       sizeof block) <= 0)
		return false;
	memcpy(mask, block, AEAD_MASK);
	return true;
}

static void mask_destructor(void *arg)
{
	struct evp_mask *e = arg;

	EVP_CIPHER_CTX_free(e->ctx);
}

int aeadevp_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		       const uint8_t *key)
{
	struct evp_mask *e = mem_zalloc(sizeof *e, mask_destructor);
	int err;

	if (!e)
		return ENOMEM;
	e->m.maskh = make_mask;
	e->stream = cipher == AEAD_CHACHA20_POLY1305;
	err = set_key(&e->ctx, cipherv[cipher].mask, key);
	if (err)
		mem_deref(e);
	else
		*mp = &e->m;
	return err;
}
