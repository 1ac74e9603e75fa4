/*
 * aeadmb.h: AES-128-GCM and its mask by Intel's ipsec-mb.
 */
#ifndef DIALTONE_AEADMB_H
#define DIALTONE_AEADMB_H

#include "tunnels/flow/aead.h"

/* As aead_alloc and aead_mask_alloc; ENOTSUP as well if we were built without
 * the library, or the processor has no wide AES. */
int aeadmb_alloc(struct aead **ap, enum aead_cipher cipher,
		 const uint8_t *key);
int aeadmb_mask_alloc(struct aead_mask **mp, enum aead_cipher cipher,
		      const uint8_t *key);

#endif
