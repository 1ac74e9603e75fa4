/*
 * identity.h: this installation's long-term key: ECDSA P-256 with a
 * self-signed certificate, made at first use, PEM, mode 0600; or with one
 * that somebody else has signed; or in a token. Its certificate's SHA-256 is
 * who we are.
 */
#ifndef DIALTONE_IDENTITY_H
#define DIALTONE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct identity;

enum { IDENTITY_CHAIN_MAX = 8 };        /* certificates, our own included */

/* Load FILE (key and certificate in one PEM), or make it when it does not
 * exist (O_EXCL, fsync, 0600). EPERM if others can read it; EBADMSG if it
 * holds no such key. Immutable and shared by all threads afterwards. */
int identity_load(struct identity **ip, const char *file);

/* The same with the certificate, and those of who signed it and of who signed
 * that, in another PEM file than the key. The key may be a pkcs11: URI (errors
 * as token_load): then that file, if there is none, is made, signed by the
 * key. */
int identity_load_with(struct identity **ip, const char *file,
		       const char *certs);

const uint8_t *identity_fp(const struct identity *id);   /* 32 bytes */

/* DER, valid as long as id: for whoever builds a TLS context. */
const uint8_t *identity_cert(const struct identity *id, unsigned *len);

/* Those that go out with it; 0 is our own, NULL: there are no more. */
const uint8_t *identity_chain(const struct identity *id, unsigned i,
			      unsigned *len);

/* SHA-256 of who vouches for us: of the certificate of our key before this
 * one; else of the chain's last if that is signed by itself, or of the name
 * (DER) of who has signed it. NULL: nobody but our own key. */
const uint8_t *identity_issuer(const struct identity *id);

/* Is it of our making, in a file, and not signed by others? */
bool identity_is_own(const struct identity *id);

/* NULL if the key is in a token. */
const uint8_t *identity_key(const struct identity *id, unsigned *len);

/* The same for OpenSSL, wherever it is; valid as long as id. */
struct evp_pkey_st *identity_pkey(const struct identity *id);

/* ECDSA of a SHA-256, DER in sig; *len is its size, and what was used of it.
 * A token may take its time. */
int identity_sign(const struct identity *id, const uint8_t hash[32],
		  uint8_t *sig, size_t *len);

#endif
