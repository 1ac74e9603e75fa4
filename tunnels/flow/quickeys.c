/*
 * quickeys.c: the keys of a QUIC connection.
 *
 *   connection id --extract--> Initial secrets \
 *   GnuTLS -----> Handshake and 1-RTT secrets   expand --> key, iv, hp
 *   the secret before --------> the next one's /
 *
 * ngtcp2 holds a struct aead for each direction and level and hands it back
 * with each packet; it also says when one is not needed any more.
 */
#include <errno.h>
#include <string.h>
#include <gnutls/crypto.h>
#include "tunnels/flow/aead.h"
#include "tunnels/flow/quickeys.h"

enum {
	SECRET = 32,                    /* SHA-256 */
	LABEL_MAX = 32,
};

/* RFC 9001, 6.6: packets under one key, and forgeries against one */
#define AES_SEALED (1ULL << 23)
#define AES_FORGED (1ULL << 52)
#define CHACHA_SEALED (1ULL << 62)
#define CHACHA_FORGED (1ULL << 36)

static const struct cipher {
	gnutls_cipher_algorithm_t name;
	enum aead_cipher aead;
	uint64_t sealed, forged;
} cipherv[] = {
	{ GNUTLS_CIPHER_AES_128_GCM, AEAD_AES128_GCM, AES_SEALED,
	  AES_FORGED },
	{ GNUTLS_CIPHER_CHACHA20_POLY1305, AEAD_CHACHA20_POLY1305,
	  CHACHA_SEALED, CHACHA_FORGED },
};

enum { CIPHERS = sizeof cipherv / sizeof cipherv[0] };

/* One direction at one level. */
struct keys {
	ngtcp2_crypto_aead_ctx aead;
	ngtcp2_crypto_cipher_ctx mask;
	uint8_t iv[AEAD_NONCE];
};

/* HKDF-Expand-Label, RFC 8446, 7.1, with an empty context */
static int expand(uint8_t *dst, size_t n, const uint8_t *secret,
		  const char *label)
{
	const gnutls_datum_t key = {
		(uint8_t *)(uintptr_t)secret, SECRET
	};
	uint8_t info[4 + LABEL_MAX] = { 0, (uint8_t)n };
	gnutls_datum_t in = { info, 0 };
	int len;

	len = re_snprintf((char *)info + 3, LABEL_MAX, "tls13 %s", label);
	info[2] = (uint8_t)len;
	in.size = 4 + (unsigned)len;
	return gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &in, dst, n)
		? ENOTSUP : 0;
}

static int make_aead(ngtcp2_crypto_aead_ctx *ctx, uint8_t *iv,
		     enum aead_cipher cipher, const uint8_t *secret)
{
	uint8_t key[AEAD_KEY_MAX];
	struct aead *a;
	int err;

	err = expand(key, aead_keylen(cipher), secret, "quic key");
	if (!err)
		err = expand(iv, AEAD_NONCE, secret, "quic iv");
	if (!err)
		err = aead_alloc(&a, cipher, key);
	if (!err)
		ctx->native_handle = a;
	gnutls_memset(key, 0, sizeof key);
	return err;
}

static int make_mask(ngtcp2_crypto_cipher_ctx *ctx, enum aead_cipher cipher,
		     const uint8_t *secret)
{
	uint8_t key[AEAD_KEY_MAX];
	struct aead_mask *m;
	int err;

	err = expand(key, aead_keylen(cipher), secret, "quic hp");
	if (!err)
		err = aead_mask_alloc(&m, cipher, key);
	if (!err)
		ctx->native_handle = m;
	gnutls_memset(key, 0, sizeof key);
	return err;
}

static void keys_free(struct keys *k)
{
	mem_deref(k->aead.native_handle);
	mem_deref(k->mask.native_handle);
}

static int keys_make(struct keys *k, enum aead_cipher cipher,
		     const uint8_t *secret)
{
	int err;

	memset(k, 0, sizeof *k);
	err = make_aead(&k->aead, k->iv, cipher, secret);
	if (!err)
		err = make_mask(&k->mask, cipher, secret);
	if (err)
		keys_free(k);
	return err;
}

static void set_ctx(ngtcp2_crypto_ctx *ctx, const struct cipher *c)
{
	memset(ctx, 0, sizeof *ctx);
	ctx->aead.native_handle = (void *)(uintptr_t)c;
	ctx->aead.max_overhead = AEAD_TAG;
	ctx->max_encryption = c->sealed;
	ctx->max_decryption_failure = c->forged;
}

/* What is agreed on, for both levels; NULL: nothing that was offered. */
static const struct cipher *agreed(ngtcp2_conn *conn, gnutls_session_t tls)
{
	const gnutls_cipher_algorithm_t name = gnutls_cipher_get(tls);
	ngtcp2_crypto_ctx ctx;

	for (size_t i = 0; i < CIPHERS; i++) {
		if (cipherv[i].name != name)
			continue;
		set_ctx(&ctx, &cipherv[i]);
		ngtcp2_conn_set_crypto_ctx(conn, &ctx);
		return &cipherv[i];
	}
	return NULL;
}

static int install(ngtcp2_conn *conn, bool last, bool rx,
		   const struct cipher *c, const uint8_t *secret)
{
	struct keys k;
	int e;

	if (keys_make(&k, c->aead, secret))
		return -1;
	if (last)
		e = (rx ? ngtcp2_conn_install_rx_key
			: ngtcp2_conn_install_tx_key)(
				conn, secret, SECRET, &k.aead, k.iv,
				sizeof k.iv, &k.mask);
	else
		e = (rx ? ngtcp2_conn_install_rx_handshake_key
			: ngtcp2_conn_install_tx_handshake_key)(
				conn, &k.aead, k.iv, sizeof k.iv, &k.mask);
	if (e)
		keys_free(&k);
	return e ? -1 : 0;
}

int quickeys_secrets(gnutls_session_t tls,
		     gnutls_record_encryption_level_t level, const void *rx,
		     const void *tx, size_t n)
{
	ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr(tls);
	const bool last = level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION;
	ngtcp2_conn *conn = ref->get_conn(ref);
	const struct cipher *c;

	if (level == GNUTLS_ENCRYPTION_LEVEL_EARLY)
		return 0;       /* never used */
	c = agreed(conn, tls);
	if (!c || n != SECRET ||
	    (rx && install(conn, last, true, c, rx)) ||
	    (tx && install(conn, last, false, c, tx)))
		return -1;
	return 0;
}

/* RFC 9001, 5.2 */
static int initial_secrets(uint8_t *rx, uint8_t *tx, const ngtcp2_cid *dcid,
			   bool server)
{
	static uint8_t saltv1[] = {
		0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
		0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a
	};
	const gnutls_datum_t salt = { saltv1, sizeof saltv1 };
	const gnutls_datum_t id = {
		(uint8_t *)(uintptr_t)dcid->data, (unsigned)dcid->datalen
	};
	uint8_t secret[SECRET];
	int err;

	if (gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &id, &salt, secret))
		return ENOTSUP;
	err = expand(server ? rx : tx, SECRET, secret, "client in");
	if (!err)
		err = expand(server ? tx : rx, SECRET, secret, "server in");
	return err;
}

static int initial_keys(ngtcp2_conn *conn, const ngtcp2_cid *dcid)
{
	uint8_t rx_secret[SECRET], tx_secret[SECRET];
	ngtcp2_crypto_ctx ctx;
	struct keys rx, tx;

	if (initial_secrets(rx_secret, tx_secret, dcid,
			    ngtcp2_conn_is_server(conn)) ||
	    keys_make(&rx, AEAD_AES128_GCM, rx_secret))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	if (keys_make(&tx, AEAD_AES128_GCM, tx_secret)) {
		keys_free(&rx);
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	set_ctx(&ctx, &cipherv[0]);
	ngtcp2_conn_set_initial_crypto_ctx(conn, &ctx);
	if (!ngtcp2_conn_install_initial_key(conn, &rx.aead, rx.iv, &rx.mask,
					     &tx.aead, tx.iv, &tx.mask,
					     AEAD_NONCE))
		return 0;
	keys_free(&rx);
	keys_free(&tx);
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

/* RFC 9001, 5.8: what proves that a Retry is an answer */
static int retry_key(ngtcp2_conn *conn)
{
	ngtcp2_crypto_aead_ctx key;
	ngtcp2_crypto_ctx ctx;
	struct aead *a;

	if (aead_alloc(&a, AEAD_AES128_GCM,
		       (const uint8_t *)NGTCP2_RETRY_KEY_V1))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	key.native_handle = a;
	set_ctx(&ctx, &cipherv[0]);
	ngtcp2_conn_set_retry_aead(conn, &ctx.aead, &key);
	return 0;
}

/* The client begins: its hello is asked of GnuTLS here. */
static int client_cb(ngtcp2_conn *conn, void *arg)
{
	(void)arg;

	if (initial_keys(conn, ngtcp2_conn_get_dcid(conn)) ||
	    retry_key(conn) ||
	    ngtcp2_crypto_read_write_crypto_data(conn, QC_LEVEL_INITIAL, NULL,
						 0))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int server_cb(ngtcp2_conn *conn, const ngtcp2_cid *dcid, void *arg)
{
	(void)arg;

	return initial_keys(conn, dcid);
}

static int retry_cb(ngtcp2_conn *conn, const ngtcp2_pkt_hd *hd, void *arg)
{
	(void)arg;

	return initial_keys(conn, &hd->scid);
}

/* There is one version. */
static int version_cb(ngtcp2_conn *conn, uint32_t version,
		      const ngtcp2_cid *dcid, void *arg)
{
	(void)conn;
	(void)version;
	(void)dcid;
	(void)arg;

	return NGTCP2_ERR_CALLBACK_FAILURE;
}

/* RFC 9001, 6.1: the mask stays. */
static int update_cb(ngtcp2_conn *conn, uint8_t *rx_secret,
		     uint8_t *tx_secret, ngtcp2_crypto_aead_ctx *rx,
		     uint8_t *rx_iv, ngtcp2_crypto_aead_ctx *tx,
		     uint8_t *tx_iv, const uint8_t *rx_now,
		     const uint8_t *tx_now, size_t n, void *arg)
{
	const struct cipher *c =
		ngtcp2_conn_get_crypto_ctx(conn)->aead.native_handle;
	(void)arg;

	if (n != SECRET ||
	    expand(rx_secret, SECRET, rx_now, "quic ku") ||
	    expand(tx_secret, SECRET, tx_now, "quic ku") ||
	    make_aead(rx, rx_iv, c->aead, rx_secret))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	if (!make_aead(tx, tx_iv, c->aead, tx_secret))
		return 0;
	mem_deref(rx->native_handle);
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int encrypt_cb(uint8_t *dst, const ngtcp2_crypto_aead *aead,
		      const ngtcp2_crypto_aead_ctx *ctx, const uint8_t *p,
		      size_t n, const uint8_t *nonce, size_t noncelen,
		      const uint8_t *aad, size_t aadlen)
{
	(void)aead;
	(void)noncelen;

	return aead_seal(ctx->native_handle, dst, p, n, nonce, aad, aadlen)
		? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int decrypt_cb(uint8_t *dst, const ngtcp2_crypto_aead *aead,
		      const ngtcp2_crypto_aead_ctx *ctx, const uint8_t *p,
		      size_t n, const uint8_t *nonce, size_t noncelen,
		      const uint8_t *aad, size_t aadlen)
{
	(void)aead;
	(void)noncelen;

	if (n < AEAD_TAG ||
	    !aead_open(ctx->native_handle, dst, p, n - AEAD_TAG, nonce, aad,
		       aadlen))
		return NGTCP2_ERR_DECRYPT;
	return 0;
}

static int mask_cb(uint8_t *dst, const ngtcp2_crypto_cipher *hp,
		   const ngtcp2_crypto_cipher_ctx *ctx, const uint8_t *sample)
{
	(void)hp;

	return aead_mask(ctx->native_handle, dst, sample)
		? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static void delete_aead_cb(ngtcp2_conn *conn, ngtcp2_crypto_aead_ctx *ctx,
			   void *arg)
{
	(void)conn;
	(void)arg;

	mem_deref(ctx->native_handle);
}

static void delete_mask_cb(ngtcp2_conn *conn, ngtcp2_crypto_cipher_ctx *ctx,
			   void *arg)
{
	(void)conn;
	(void)arg;

	mem_deref(ctx->native_handle);
}

void quickeys_callbacks(ngtcp2_callbacks *cb)
{
	cb->client_initial = client_cb;
	cb->recv_client_initial = server_cb;
	cb->recv_retry = retry_cb;
	cb->version_negotiation = version_cb;
	cb->update_key = update_cb;
	cb->encrypt = encrypt_cb;
	cb->decrypt = decrypt_cb;
	cb->hp_mask = mask_cb;
	cb->delete_crypto_aead_ctx = delete_aead_cb;
	cb->delete_crypto_cipher_ctx = delete_mask_cb;
}
