/*
 * aeadimpl.h: an AEAD as the libraries that make it see it. Each fills in ops
 * and keeps its own behind.
 */
#ifndef DIALTONE_AEADIMPL_H
#define DIALTONE_AEADIMPL_H

#include "tunnels/flow/aead.h"

typedef bool (aead_h)(struct aead *a, uint8_t *dst, const uint8_t *p,
		      size_t n, const uint8_t *nonce, const uint8_t *aad,
		      size_t aadlen);

struct aead_ops {
	aead_h *seal, *open;
};

struct aead {
	const struct aead_ops *ops;
};

struct aead_mask {
	bool (*maskh)(struct aead_mask *m, uint8_t *mask,
		      const uint8_t *sample);
};

#endif
