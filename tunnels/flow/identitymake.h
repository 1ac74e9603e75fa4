/*
 * identitymake.h: making what identity.c loads.
 */
#ifndef DIALTONE_IDENTITYMAKE_H
#define DIALTONE_IDENTITYMAKE_H

#include <openssl/x509.h>

/* A certificate of this key, signed by itself or by the one before; to be
 * freed. */
int identity_certify(X509 **xp, EVP_PKEY *key, EVP_PKEY *by);

/* Write both (key may be NULL) to a file that is new, mode 0600; if it is
 * there already that is left as it is. */
int identity_publish(const char *file, X509 *x, EVP_PKEY *key);

/* Write a key with a chain in the place of a file, which is FILE.old then. */
int identity_replace(const char *file, X509 *const *v, unsigned n,
		     EVP_PKEY *key);

#endif
