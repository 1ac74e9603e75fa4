/*
 * prefix.h: an address with a length, as in 10.7.0.0/24, of either family;
 * lists of them in text; and a table of who has which, asked for each packet.
 */
#ifndef DIALTONE_VPN_PREFIX_H
#define DIALTONE_VPN_PREFIX_H

#include <re.h>

struct prefix {
	bool v6;
	uint8_t len;            /* bits */
	uint8_t a[16];          /* 4 bytes of them for IPv4, the rest 0 */
};

enum { PREFIXES_MAX = 64 };       /* in one list */

struct prefixes {
	size_t n;
	struct prefix v[PREFIXES_MAX];
};

/* "10.7.0.1/24", "fd00::1"; without a length it is one address. The bits
 * behind the length are kept. EINVAL. */
int prefix_decode(struct prefix *p, const struct pl *text);

/* Append what a list with commas or blanks names. EINVAL: nonsense;
 * EOVERFLOW: too many. */
int prefixes_decode(struct prefixes *ps, const char *list);

/* "10.7.0.1/24", or without the length if it is one address; for %H. */
int prefix_print(struct re_printf *pf, const struct prefix *p);
int prefixes_print(struct re_printf *pf, const struct prefixes *ps);

/* The bits behind the length become zero. */
struct prefix prefix_net(const struct prefix *p);

/* One address out of it. */
struct prefix prefix_host(const struct prefix *p);

/* Is b, as a whole, inside a? */
bool prefix_covers(const struct prefix *a, const struct prefix *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefixes_cover(const struct prefixes *ps, const struct prefix *b);

/* Loopback, link-local, multicast, unspecified, or a length of 0: nothing
 * that a peer may have for itself. */
bool prefix_special(const struct prefix *p);

/* The prefix of a host's address as libre has it. */
int prefix_of_sa(struct prefix *p, const struct sa *sa);

/* --- the table: longest match by a hash, whatever its size ------------- */

struct prefixtab;

int prefixtab_alloc(struct prefixtab **tp);

/* EEXIST: somebody has this very prefix. */
int prefixtab_add(struct prefixtab *t, const struct prefix *p, void *owner);

/* All that belongs to owner is forgotten. */
void prefixtab_remove(struct prefixtab *t, const void *owner);

/* Whose is this address, of 4 or 16 bytes? NULL: nobody's. */
void *prefixtab_find(const struct prefixtab *t, bool v6, const uint8_t *a);

#endif
