/*
 * aeadevp.h: the AEADs and masks of aead.h by OpenSSL's EVP.
 */
#ifndef DIALTONE_AEADEVP_H
#define DIALTONE_AEADEVP_H

#include "tunnels/flow/aead.h"

/* As aead_alloc and aead_mask_alloc. */
int aeadevp_alloc(struct aead **ap, enum aead_cipher cipher,
		  const uint8_t *key);
int aeadevp_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		       const uint8_t *key);

#endif
