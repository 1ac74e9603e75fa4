/*
 * tpm.h: a private key that stays in a TPM, used through OpenSSL's provider
 * for it. For token.c.
 */
#ifndef DIALTONE_TPM_H
#define DIALTONE_TPM_H

#include <openssl/evp.h>
#include <openssl/ui.h>

/* The key at "handle:0x...", an EC key that any part of OpenSSL can sign
 * with. ENOTSUP: no provider, or no TPM; ENOKEY: no such key; EBADMSG: not EC. */
int tpm_load(EVP_PKEY **kp, const char *uri, UI_METHOD *ui);

#endif
