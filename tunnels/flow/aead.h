/*
 * aead.h: what protects each packet of QUIC (RFC 9001, 5.3 and 5.4) and each
 * DTLS record: an AEAD, and for QUIC the mask that hides packet numbers.
 *
 *   quickeys.c   dtlsrec.c
 *          \     /
 *          aead.c          chooses
 *          /     \
 *   aeadmb.c   aeadevp.c   ipsec-mb: twice as fast and more, where the
 *                          processor has wide AES; OpenSSL: everywhere
 *
 * A key belongs to one thread at a time. Its schedule is wiped at the end.
 */
#ifndef DIALTONE_AEAD_H
#define DIALTONE_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AEAD_KEY_MAX = 32,
	AEAD_NONCE = 12,
	AEAD_TAG = 16,
	AEAD_SAMPLE = 16,
	AEAD_MASK = 5,
};

enum aead_cipher {
	AEAD_AES128_GCM,                /* RFC 5116, 5.1 */
	AEAD_CHACHA20_POLY1305,         /* RFC 8439, 2.8 */
};

struct aead;
struct aead_mask;

/* Bytes of its keys, the AEAD's and the mask's. */
size_t aead_keylen(enum aead_cipher cipher);

/* A key for sealing and opening, to be dereferenced. ENOTSUP if OpenSSL is
 * without the cipher; ENOMEM. */
int aead_alloc(struct aead **ap, enum aead_cipher cipher, const uint8_t *key);

/* n bytes from p to dst and a tag behind them; dst is p or does not overlap
 * it. false: the library failed, dst is not to be used. */
bool aead_seal(struct aead *a, uint8_t *dst, const uint8_t *p, size_t n,
	       const uint8_t *nonce, const uint8_t *aad, size_t aadlen);

/* n bytes from p, behind which there is the tag, to dst. false: not
 * authentic; if dst is p, it is then as it was. */
bool aead_open(struct aead *a, uint8_t *dst, const uint8_t *p, size_t n,
	       const uint8_t *nonce, const uint8_t *aad, size_t aadlen);

/* The mask of RFC 9001, 5.4.3 and 5.4.4, of AEAD_SAMPLE bytes. */
int aead_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		    const uint8_t *key);
bool aead_mask(struct aead_mask *m, uint8_t *mask, const uint8_t *sample);

/* Does the processor know AES? Without, ChaCha20 is the faster one. */
bool aead_has_aes(void);

#endif
