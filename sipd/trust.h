/*
 * trust.h: a company's authorities, which vouch for the keys of peers that
 * nobody has pinned: ca= and crl= in [trust].
 */
#ifndef DIALTONE_TRUST_H
#define DIALTONE_TRUST_H

#include <re.h>

struct trust;

/* Read the authorities and their revocation lists (crl may be NULL). They are
 * read anew when a file has changed. EBADMSG with a sentence in why. */
int trust_alloc(struct trust **tp, const char *ca, const char *crl,
		char *why, size_t size);

/* Is this one of the authorities (what identity_issuer says of a peer's
 * certificate)? Only a hint: it is the peer's claim. */
bool trust_has(struct trust *t, const uint8_t issuer[32]);

/* Do they vouch for this address? The chain is DER, one behind the other, the
 * peer's own first, of a finished handshake. It must be signed, in time, not
 * revoked, and name the address in a SAN URI (RFC 5922). EACCES with the end
 * of a sentence about it in why: "its certificate is revoked". */
int trust_check(struct trust *t, const uint8_t *chain, size_t n,
		const char *address, char *why, size_t size);

#endif
