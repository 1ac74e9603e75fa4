/*
 * known.h: the file known_peers: one pinned key a line,
 *
 *   FINGERPRINT ADDRESS [NAME]
 *
 * shared by sipd and any dial of the same user. Comments, and lines that do
 * not parse, stay where they are.
 */
#ifndef DIALTONE_KNOWN_H
#define DIALTONE_KNOWN_H

#include "sdp/desc.h"

struct known;

struct known_line {
	struct le le;
	char *text;             /* as in the file, without the newline */
	size_t len;             /* of text, which may hold any byte */
	bool parsed;            /* else nothing but text is set */
	uint8_t fp[DESC_FP_SIZE];
	char *address;          /* "sip:..." */
	char *key;              /* address_key of it */
	char *name;             /* "" if none */
};

/* FILE need not exist yet. It is read anew at a look-up when it was changed;
 * a file that cannot be read holds nothing, and that is logged. */
int known_alloc(struct known **kp, const char *file);

/* NULL if nobody; valid until the next call on k. key is of address_key. */
const struct known_line *known_by_fp(struct known *k, const uint8_t *fp);
const struct known_line *known_by_key(struct known *k, const char *key);

/* The line after l, the first for NULL; the file is not read anew between. */
const struct known_line *known_next(struct known *k,
				    const struct known_line *l);

/* Pin fp to an address instead of any other key; fp NULL: forget the address
 * (ENOENT if it is not there). Under a lock on the folder, so that two
 * processes do not lose each other's lines. */
int known_set(struct known *k, const char *address, const char *name,
	      const uint8_t *fp);

#endif
