/*
 * token.h: private keys that stay in a PKCS#11 token, used through OpenSSL's
 * engine for them, or in a TPM, through its provider tpm2.
 */
#ifndef DIALTONE_TOKEN_H
#define DIALTONE_TOKEN_H

#include <stdbool.h>
#include <openssl/evp.h>

/* Is this a URI of RFC 7512, or handle:0x..., a persistent handle of a TPM? */
bool token_is_uri(const char *text);

/* The key, to be freed; only control of it is here. Nobody is asked for a
 * PIN: the URI names its file by pin-source. ENOTSUP: there is no engine, or
 * no provider; ENOKEY: no such key, or no way to it. */
int token_load(EVP_PKEY **kp, const char *uri);

#endif
