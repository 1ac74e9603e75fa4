/*
 * identityrenew.c: the old key certifies the new one. Peers see both
 * certificates in the handshake:
 *
 *   new (signed by old), old (signed by older), older, ...
 *
 * and whoever has pinned one of them can follow from there to the new one.
 * Only the old key's owner can have made that: nobody has to be asked.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include "tunnels/flow/identity.h"
#include "tunnels/flow/identitymake.h"
#include "tunnels/flow/identityrenew.h"

/* Behind the new one as many as go, the oldest is left out. */
static unsigned read_elders(X509 **v, const struct identity *id)
{
	const uint8_t *der;
	unsigned n = 1, len;

	for (; n < IDENTITY_CHAIN_MAX; n++) {
		der = identity_chain(id, n - 1, &len);
		v[n] = der ? d2i_X509(NULL, &der, (long)len) : NULL;
		if (!v[n])
			break;
	}
	return n;
}

static int renew(const char *file, const struct identity *id, uint8_t *fp)
{
	X509 *v[IDENTITY_CHAIN_MAX] = { NULL };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned n = 1;
	int err = key ? identity_certify(&v[0], key, identity_pkey(id))
		      : EPROTO;

	if (!err) {
		n = read_elders(v, id);
		err = identity_replace(file, v, n, key);
	}
	if (!err && !X509_digest(v[0], EVP_sha256(), fp, NULL))
		err = ENOMEM;
	while (n)
		X509_free(v[--n]);
	EVP_PKEY_free(key);
	return err;
}

int identity_renew(const char *file, uint8_t fp[32])
{
	struct identity *id = NULL;
	int err = identity_load(&id, file);

	if (!err)
		err = identity_is_own(id) ? renew(file, id, fp) : EPERM;
	mem_deref(id);
	return err;
}

static bool signed_by(X509 *x, X509 *by)
{
	EVP_PKEY *key = X509_get0_pubkey(by);

	return key && X509_verify(x, key) == 1;
}

static bool is_it(const X509 *x, const uint8_t fp[32])
{
	uint8_t md[EVP_MAX_MD_SIZE];

	return X509_digest(x, EVP_sha256(), md, NULL) && !memcmp(md, fp, 32);
}

bool identity_follows(const uint8_t *chain, size_t n, const uint8_t fp[32])
{
	const uint8_t *p = chain, *end = chain + n;
	X509 *x = n ? d2i_X509(NULL, &p, end - p) : NULL, *next;
	bool found = false;

	for (unsigned i = 1; x && !found && p < end &&
	     i < IDENTITY_CHAIN_MAX; i++) {
		next = d2i_X509(NULL, &p, end - p);
		if (next && !signed_by(x, next)) {
			X509_free(next);
			next = NULL;
		}
		X509_free(x);
		x = next;
		found = x && is_it(x, fp);
	}
	X509_free(x);
	ERR_clear_error();
	return found;
}
