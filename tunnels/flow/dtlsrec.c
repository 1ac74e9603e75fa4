/*
 * dtlsrec.c: DTLS 1.2 records made and opened without the SSL object.
 *
 * OpenSSL's SSL object costs more for a record's surroundings than for its
 * encryption. After the handshake its keys are derived once more, and from
 * then on only the nonce changes from record to record.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include "tunnels/flow/dtlsrec.h"

enum {
	EPOCH = 1,              /* no renegotiation: there is no other */
	AAD = 13,
	SALT = 4,               /* GCM's part of the nonce that is not sent */
	EXPLICIT = 8,
};

#define SEQ_END (1ULL << 48)

static const struct {
	size_t iv;
	unsigned explicit_len;
} cipherv[] = {
	[AEAD_AES128_GCM] = { SALT, EXPLICIT },
	[AEAD_CHACHA20_POLY1305] = { REC_IV, 0 },
};

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put48(uint8_t *p, uint64_t v)
{
	for (int i = 5; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t get48(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return v;
}

/* key_block = PRF(master_secret, "key expansion", server + client random) */
static int expand(uint8_t *block, size_t len, const struct rec_secret *s)
{
	static const char label[13] = "key expansion";
	uint8_t seed[sizeof label + 2 * REC_RANDOM];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	EVP_KDF_CTX *k = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int ok = 0;

	memcpy(seed, label, sizeof label);
	memcpy(seed + sizeof label, s->server_random, REC_RANDOM);
	memcpy(seed + sizeof label + REC_RANDOM, s->client_random,
	       REC_RANDOM);
	if (k) {
		char md[] = "SHA256";
		OSSL_PARAM p[] = {
			OSSL_PARAM_construct_utf8_string(
				OSSL_KDF_PARAM_DIGEST, md, 0),
			OSSL_PARAM_construct_octet_string(
				OSSL_KDF_PARAM_SECRET,
				(void *)(uintptr_t)s->master, REC_SECRET),
			OSSL_PARAM_construct_octet_string(
				OSSL_KDF_PARAM_SEED, seed, sizeof seed),
			OSSL_PARAM_construct_end()
		};

		ok = EVP_KDF_derive(k, block, len, p) > 0;
	}
	EVP_KDF_CTX_free(k);
	EVP_KDF_free(kdf);
	return ok ? 0 : ENOTSUP;
}

int rec_init(struct rec *r, const struct rec_secret *s, uint64_t seq)
{
	const size_t keylen = aead_keylen(s->cipher);
	const size_t ivlen = cipherv[s->cipher].iv;
	uint8_t block[2 * (AEAD_KEY_MAX + REC_IV)];
	const uint8_t *iv = block + 2 * keylen;
	const unsigned own = s->client ? 0 : 1;
	int err;

	memset(r, 0, sizeof *r);
	err = expand(block, 2 * (keylen + ivlen), s);
	if (!err)
		err = aead_alloc(&r->tx, s->cipher, block + own * keylen);
	if (!err)
		err = aead_alloc(&r->rx, s->cipher, block + !own * keylen);
	memcpy(r->tx_iv, iv + own * ivlen, ivlen);
	memcpy(r->rx_iv, iv + !own * ivlen, ivlen);
	OPENSSL_cleanse(block, sizeof block);
	r->explicit_len = cipherv[s->cipher].explicit_len;
	r->nonce_high = EPOCH;
	r->seq = seq;
	if (err)
		rec_close(r);
	return err;
}

void rec_close(struct rec *r)
{
	mem_deref(r->tx);
	mem_deref(r->rx);
	OPENSSL_cleanse(r, sizeof *r);
}

size_t rec_overhead(const struct rec *r)
{
	return REC_HEADER + r->explicit_len + REC_TAG;
}

/* RFC 5288, 3: salt and what is sent; RFC 7905, 2: iv ^ (epoch, seq) */
static void make_nonce(uint8_t *nonce, const struct rec *r,
		       const uint8_t *iv, const uint8_t *p)
{
	memcpy(nonce, iv, REC_IV);
	if (r->explicit_len) {
		memcpy(nonce + SALT, p + REC_HEADER, EXPLICIT);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		nonce[SALT + i] ^= p[3 + i];
}

/* RFC 5246, 6.2.3.3: epoch and seq, type, version, length of the fragment */
static void make_aad(uint8_t *aad, const uint8_t *p, size_t n)
{
	memcpy(aad, p + 3, 8);
	memcpy(aad + 8, p, 3);
	put16(aad + 11, (unsigned)n);
}

size_t rec_seal(struct rec *r, uint8_t *dst, enum rec_type type,
		const void *p, size_t n)
{
	const size_t body = r->explicit_len + n + REC_TAG;
	uint8_t *out = dst + REC_HEADER + r->explicit_len;
	uint8_t nonce[REC_IV], aad[AAD];

	if (r->seq >= SEQ_END || !r->tx)
		return 0;
	dst[0] = (uint8_t)type;
	dst[1] = 0xfe;
	dst[2] = 0xfd;
	put16(dst + 3, EPOCH);
	put48(dst + 5, r->seq++);
	put16(dst + 11, (unsigned)body);
	if (r->explicit_len) {
		put16(dst + REC_HEADER, r->nonce_high);
		memcpy(dst + REC_HEADER + 2, dst + 5, 6);
	}
	make_nonce(nonce, r, r->tx_iv, dst);
	make_aad(aad, dst, n);
	if (!aead_seal(r->tx, out, p, n, nonce, aad, AAD))
		return 0;
	return REC_HEADER + body;
}

size_t rec_length(const uint8_t *p, size_t n)
{
	size_t len;

	if (n < REC_HEADER || p[1] != 0xfe || (p[2] != 0xfd && p[2] != 0xff))
		return 0;
	len = REC_HEADER + get16(p + 11);
	return len <= n ? len : 0;
}

static bool seen(const struct rec *r, uint64_t seq)
{
	if (seq > r->rx_max)
		return false;
	if (r->rx_max - seq >= REC_WINDOW)
		return true;
	return r->seen[seq / 64 % REC_WORDS] >> (seq % 64) & 1;
}

/* The ring is twice the window: what is wiped is never in it. */
static void see(struct rec *r, uint64_t seq)
{
	if (seq > r->rx_max) {
		const uint64_t from = r->rx_max / 64, to = seq / 64;

		if (to - from >= REC_WORDS)
			memset(r->seen, 0, sizeof r->seen);
		else
			for (uint64_t i = from + 1; i <= to; i++)
				r->seen[i % REC_WORDS] = 0;
		r->rx_max = seq;
	}
	r->seen[seq / 64 % REC_WORDS] |= 1ULL << (seq % 64);
}

int rec_open(struct rec *r, uint8_t *p, size_t len, uint8_t **pp, size_t *n)
{
	const size_t front = REC_HEADER + r->explicit_len;
	uint8_t nonce[REC_IV], aad[AAD];
	uint64_t seq;

	if (len < front + REC_TAG || rec_length(p, len) != len ||
	    p[2] != 0xfd || rec_epoch(p) != EPOCH || !r->rx)
		return EBADMSG;
	seq = get48(p + 5);
	if (seen(r, seq))
		return EALREADY;
	*n = len - front - REC_TAG;
	make_nonce(nonce, r, r->rx_iv, p);
	make_aad(aad, p, *n);
	if (!aead_open(r->rx, p + front, p + front, *n, nonce, aad, AAD))
		return EBADMSG;
	see(r, seq);
	*pp = p + front;
	return 0;
}
