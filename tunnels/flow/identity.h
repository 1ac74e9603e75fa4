/*
 * identity.h: this installation's long-term key: ECDSA P-256 with a
 * self-signed certificate, made at first use, PEM, mode 0600. Its
 * certificate's SHA-256 is who we are.
 */
#ifndef DIALTONE_IDENTITY_H
#define DIALTONE_IDENTITY_H

#include <stdint.h>

struct identity;

/* Load FILE (key and certificate in one PEM), or make it when it does not
 * exist (O_EXCL, fsync, 0600). EPERM if others can read it; EBADMSG if it
 * holds no such key. Immutable and shared by all threads afterwards. */
int identity_load(struct identity **ip, const char *file);

const uint8_t *identity_fp(const struct identity *id);   /* 32 bytes */

/* DER, valid as long as id: for whoever builds a TLS context. */
const uint8_t *identity_cert(const struct identity *id, unsigned *len);
const uint8_t *identity_key(const struct identity *id, unsigned *len);

#endif
