/*
 * tpm.c: a key of the provider "tpm2" (tpm2-openssl's; it finds the TPM by
 * TPM2OPENSSL_TCTI, else /dev/tpmrm0) as one that signs anywhere.
 *
 *   SSL, X509, EVP --> EC key, public part --sign_sig--> the TPM's key
 *
 * The provider is in a library context of its own: in the common one the TPM
 * would be asked for hashes and random numbers as well. Out of that one
 * OpenSSL takes the public part along alone, hence the EC key in front, with a
 * method of ours. Whoever signs is on any thread: one at a time.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <pthread.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include "tunnels/flow/tpm.h"

enum { SIG_MAX = 256, POINT_MAX = 256 };

static const char props[] = "?provider=tpm2";

static struct {
	OSSL_LIB_CTX *ctx;      /* as long as the process runs, as the rest */
	EC_KEY_METHOD *method;
	int slot;               /* of the TPM's key in the EC key */
	pthread_mutex_t lock;
} tpm = { .slot = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static void slot_free(void *parent, void *key, CRYPTO_EX_DATA *ad, int idx,
		      long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	EVP_PKEY_free(key);
}

static size_t sign(uint8_t *sig, size_t n, const uint8_t *hash, int len,
		   EVP_PKEY *key)
{
	EVP_PKEY_CTX *pc = EVP_PKEY_CTX_new_from_pkey(tpm.ctx, key, props);
	EVP_MD *md = EVP_MD_fetch(tpm.ctx, "SHA256", "provider=default");
	const int ok = pc && md && EVP_PKEY_sign_init(pc) > 0 &&
		EVP_PKEY_CTX_set_signature_md(pc, md) > 0 &&
		EVP_PKEY_sign(pc, sig, &n, hash, (size_t)len) > 0;

	EVP_PKEY_CTX_free(pc);
	EVP_MD_free(md);
	return ok ? n : 0;
}

static ECDSA_SIG *sign_sig(const unsigned char *hash, int len,
			   const BIGNUM *kinv, const BIGNUM *r, EC_KEY *ec)
{
	uint8_t sig[SIG_MAX];
	const uint8_t *p = sig;
	size_t n;
	(void)kinv;
	(void)r;

	(void)pthread_mutex_lock(&tpm.lock);
	n = sign(sig, sizeof sig, hash, len, EC_KEY_get_ex_data(ec, tpm.slot));
	(void)pthread_mutex_unlock(&tpm.lock);
	return n ? d2i_ECDSA_SIG(NULL, &p, (long)n) : NULL;
}

static EC_KEY_METHOD *method_new(void)
{
	EC_KEY_METHOD *m = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	int (*signh)(int, const unsigned char *, int, unsigned char *,
		     unsigned int *, const BIGNUM *, const BIGNUM *, EC_KEY *);
	int (*setuph)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **);

	if (!m)
		return NULL;
	EC_KEY_METHOD_get_sign(m, &signh, &setuph, NULL);
	EC_KEY_METHOD_set_sign(m, signh, setuph, sign_sig);
	return m;
}

static int start(void)
{
	OSSL_LIB_CTX *ctx;

	if (tpm.ctx)
		return 0;
	if (tpm.slot < 0)
		tpm.slot = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL,
						   slot_free);
	if (!tpm.method)
		tpm.method = method_new();
	if (tpm.slot < 0 || !tpm.method)
		return ENOMEM;
	ctx = OSSL_LIB_CTX_new();
	if (!ctx || !OSSL_PROVIDER_load(ctx, "default") ||
	    !OSSL_PROVIDER_load(ctx, "tpm2")) {
		OSSL_LIB_CTX_free(ctx);
		return ENOTSUP;
	}
	tpm.ctx = ctx;
	return 0;
}

static EVP_PKEY *fetch(const char *uri, UI_METHOD *ui)
{
	OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, tpm.ctx, props, ui,
						   NULL, NULL, NULL, NULL);
	OSSL_STORE_INFO *info = store ? OSSL_STORE_load(store) : NULL;
	EVP_PKEY *key = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;

	OSSL_STORE_INFO_free(info);
	(void)OSSL_STORE_close(store);
	return key;
}

/* The public part of key, which it takes over. NULL: that is no EC key. */
static EC_KEY *front(EVP_PKEY *key)
{
	uint8_t point[POINT_MAX];
	char group[64];
	size_t n = 0, len;
	EC_KEY *ec = NULL;

	if (EVP_PKEY_get_group_name(key, group, sizeof group, &len) > 0 &&
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
					    point, sizeof point, &n) > 0)
		ec = EC_KEY_new_by_curve_name(OBJ_txt2nid(group));
	if (ec && EC_KEY_oct2key(ec, point, n, NULL) > 0 &&
	    EC_KEY_set_method(ec, tpm.method) > 0 &&
	    EC_KEY_set_ex_data(ec, tpm.slot, key) > 0)
		return ec;
	EC_KEY_free(ec);
	EVP_PKEY_free(key);
	return NULL;
}

int tpm_load(EVP_PKEY **kp, const char *uri, UI_METHOD *ui)
{
	int err = start();
	EVP_PKEY *key;
	EC_KEY *ec;

	if (err)
		return err;
	key = fetch(uri, ui);
	if (!key)
		return ENOKEY;
	ec = front(key);
	if (!ec)
		return EBADMSG;
	*kp = EVP_PKEY_new();
	if (!*kp || EVP_PKEY_assign_EC_KEY(*kp, ec) <= 0) {
		EC_KEY_free(ec);
		EVP_PKEY_free(*kp);
		*kp = NULL;
		return ENOMEM;
	}
	return 0;
}
