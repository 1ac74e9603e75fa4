/*
 * aeadmb.c: AES-128-GCM by Intel's ipsec-mb, with AES and carry-less
 * multiplication on four blocks at once: a packet of 1400 bytes in 100 ns
 * instead of OpenSSL 3.0's or GnuTLS's 430. Only the functions for one packet
 * are used; they need no manager once they are known.
 *
 * Without such a processor it is no faster than OpenSSL: left to that then.
 */
#include <errno.h>
#include "tunnels/flow/aeadimpl.h"
#include "tunnels/flow/aeadmb.h"

#ifdef HAVE_IPSEC_MB
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

enum {
	ALIGN = 64,                     /* what the library asks for */
	GCM_SIZE = (sizeof(struct gcm_key_data) + ALIGN - 1) / ALIGN * ALIGN,
	AES_SIZE = 3 * ALIGN,           /* 11 round keys, FIPS 197 */
};

#define FEATURES (IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ)

/* Set once, then only read; found: the processor has them. */
static struct {
	pthread_once_t once;
	bool found;
	aes_gcm_pre_t pre;
	aes_gcm_enc_dec_t enc, dec;
	keyexp_t keyexp;
	aes_cfb_t cfb;
} mb = { .once = PTHREAD_ONCE_INIT };

struct mbkey {
	struct aead a;                  /* first */
	struct gcm_key_data *k;
};

struct mbmask {
	struct aead_mask m;             /* first */
	uint8_t *k;
};

static void probe(void)
{
	IMB_MGR *m = alloc_mb_mgr(0);

	if (!m)
		return;
	init_mb_mgr_auto(m, NULL);      /* and tests itself */
	mb.pre = m->gcm128_pre;
	mb.enc = m->gcm128_enc;
	mb.dec = m->gcm128_dec;
	mb.keyexp = m->keyexp_128;
	mb.cfb = m->aes128_cfb_one;
	mb.found = !imb_get_errno(m) &&
		   (m->features & FEATURES) == FEATURES;
	free_mb_mgr(m);
}

static bool usable(enum aead_cipher cipher)
{
	return cipher == AEAD_AES128_GCM && !pthread_once(&mb.once, probe) &&
	       mb.found;
}

static bool seal(struct aead *a, uint8_t *dst, const uint8_t *p, size_t n,
		 const uint8_t *nonce, const uint8_t *aad, size_t aadlen)
{
	const struct mbkey *k = (struct mbkey *)(void *)a;
	struct gcm_context_data ctx;

	mb.enc(k->k, &ctx, dst, p, n, nonce, aad, aadlen, dst + n, AEAD_TAG);
	return true;
}

static bool open_text(struct aead *a, uint8_t *dst, const uint8_t *p,
		      size_t n, const uint8_t *nonce, const uint8_t *aad,
		      size_t aadlen)
{
	const struct mbkey *k = (struct mbkey *)(void *)a;
	struct gcm_context_data ctx;
	uint8_t tag[AEAD_TAG];

	mb.dec(k->k, &ctx, dst, p, n, nonce, aad, aadlen, tag, AEAD_TAG);
	if (!CRYPTO_memcmp(tag, p + n, AEAD_TAG))
		return true;
	/* a key stream was added: adding it again is adding nothing */
	if (dst == p)
		mb.dec(k->k, &ctx, dst, dst, n, nonce, aad, aadlen, tag,
		       AEAD_TAG);
	return false;
}

static const struct aead_ops mb_ops = { seal, open_text };

static void forget(void *p, size_t n)
{
	if (p)
		OPENSSL_cleanse(p, n);
	free(p);
}

static void mbkey_destructor(void *arg)
{
	struct mbkey *k = arg;

	forget(k->k, GCM_SIZE);
}

int aeadmb_alloc(struct aead **ap, enum aead_cipher cipher,
		 const uint8_t *key)
{
	struct mbkey *k;

	if (!usable(cipher))
		return ENOTSUP;
	k = mem_zalloc(sizeof *k, mbkey_destructor);
	if (k)
		k->k = aligned_alloc(ALIGN, GCM_SIZE);
	if (!k || !k->k) {
		mem_deref(k);
		return ENOMEM;
	}
	k->a.ops = &mb_ops;
	mb.pre(key, k->k);
	*ap = &k->a;
	return 0;
}

/* One block of CFB is the block cipher's of the initial vector. */
static bool make_mask(struct aead_mask *m, uint8_t *mask,
		      const uint8_t *sample)
{
	static const uint8_t zero[AEAD_SAMPLE];
	const struct mbmask *k = (struct mbmask *)(void *)m;
	uint8_t block[AEAD_SAMPLE];

	mb.cfb(block, zero, sample, k->k, sizeof block);
	memcpy(mask, block, AEAD_MASK);
	return true;
}

static void mbmask_destructor(void *arg)
{
	struct mbmask *k = arg;

	forget(k->k, AES_SIZE);
}

int aeadmb_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		      const uint8_t *key)
{
	uint8_t dec[AES_SIZE] __attribute__((aligned(ALIGN)));
	struct mbmask *k;

	if (!usable(cipher))
		return ENOTSUP;
	k = mem_zalloc(sizeof *k, mbmask_destructor);
	if (k)
		k->k = aligned_alloc(ALIGN, AES_SIZE);
	if (!k || !k->k) {
		mem_deref(k);
		return ENOMEM;
	}
	k->m.maskh = make_mask;
	mb.keyexp(key, k->k, dec);
	OPENSSL_cleanse(dec, sizeof dec);
	*mp = &k->m;
	return 0;
}

#else

int aeadmb_alloc(struct aead **ap, enum aead_cipher cipher,
		 const uint8_t *key)
{
	(void)ap;
	(void)cipher;
	(void)key;
	return ENOTSUP;
}

int aeadmb_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		      const uint8_t *key)
{
	(void)mp;
	(void)cipher;
	(void)key;
	return ENOTSUP;
}

#endif
