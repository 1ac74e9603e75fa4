/*
 * aead.c: who protects packets with this cipher on this machine.
 */
#include <errno.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif
#include "tunnels/flow/aeadevp.h"
#include "tunnels/flow/aeadimpl.h"
#include "tunnels/flow/aeadmb.h"

size_t aead_keylen(enum aead_cipher cipher)
{
	return cipher == AEAD_AES128_GCM ? 16 : 32;
}

int aead_alloc(struct aead **ap, enum aead_cipher cipher, const uint8_t *key)
{
	int err = aeadmb_alloc(ap, cipher, key);

	return err == ENOTSUP ? aeadevp_alloc(ap, cipher, key) : err;
}

bool aead_seal(struct aead *a, uint8_t *dst, const uint8_t *p, size_t n,
	       const uint8_t *nonce, const uint8_t *aad, size_t aadlen)
{
	return a->ops->seal(a, dst, p, n, nonce, aad, aadlen);
}

bool aead_open(struct aead *a, uint8_t *dst, const uint8_t *p, size_t n,
	       const uint8_t *nonce, const uint8_t *aad, size_t aadlen)
{
	return a->ops->open(a, dst, p, n, nonce, aad, aadlen);
}

int aead_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		    const uint8_t *key)
{
	int err = aeadmb_mask_alloc(mp, cipher, key);

	return err == ENOTSUP ? aeadevp_mask_alloc(mp, cipher, key) : err;
}

bool aead_mask(struct aead_mask *m, uint8_t *mask, const uint8_t *sample)
{
	return m->maskh(m, mask, sample);
}

bool aead_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes");
#elif defined(__aarch64__)
	return getauxval(AT_HWCAP) & (1 << 3);          /* HWCAP_AES */
#else
	return false;
#endif
}
