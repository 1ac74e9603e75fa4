/*
 * identityrenew.h: another key for an installation, with the word of the one
 * before for those who have that pinned.
 */
#ifndef DIALTONE_IDENTITYRENEW_H
#define DIALTONE_IDENTITYRENEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Make a new key in FILE, certified by the one that is there, whose
 * certificates go on behind its own; FILE.old keeps that one. fp is the new
 * one's. EPERM: the key there is not one that identity_load has made. */
int identity_renew(const char *file, uint8_t fp[32]);

/* Do the certificates (DER, one behind the other, a peer's own first) lead
 * from a key to this one before it, each signed by the next? */
bool identity_follows(const uint8_t *chain, size_t n, const uint8_t fp[32]);

#endif
