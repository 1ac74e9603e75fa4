/*
 * peers.h: who is who, and who may do what. A peer is its key; addresses are
 * only where to call it. Keys come from [peer] in sipd.conf and from
 * known_peers in the state folder (lines "FINGERPRINT ADDRESS [NAME]").
 */
#ifndef DIALTONE_PEERS_H
#define DIALTONE_PEERS_H

#include "sipd/conf.h"
#include "sipd/rights.h"
#include "sdp/desc.h"

struct peers;

struct peer {
	char name[64];          /* [peer NAME], or the address */
	char address[256];      /* sip: URI, "" if none is known */
	char account[64];       /* "" : the first */
	bool pinned;
	uint8_t fp[DESC_FP_SIZE];
	struct rights rights;   /* allow "": nothing */
	bool configured;        /* has a [peer] section */
	enum conf_relay relay;  /* DEFAULT without one */
};

/* conf must outlive it. Lines of known_peers that do not parse are logged and
 * skipped, never lost when the file is written again. */
int peers_alloc(struct peers **pp, const struct conf *conf);

/* What the user wrote: a [peer NAME], a SIP URI, user@host, host or ip[:port];
 * fills in what is known (pinned or not). EINVAL with why, a sentence for the
 * user: none of these. */
int peers_resolve(const struct peers *ps, const char *text, struct peer *p,
		  char *why, size_t size);

/* Whose key is this? ENOENT if nobody's. */
int peers_by_fp(const struct peers *ps, const uint8_t *fp, struct peer *p);

/* Who is known at this address (user and host compared by RFC 3261 19.1.4,
 * parameters ignored)? ENOENT if nobody. */
int peers_by_address(const struct peers *ps, const char *uri,
		     struct peer *p);

/* Remember a key for an address (known_peers; written to a temporary file,
 * fsync, rename). A second key for a pinned address replaces it. */
int peers_pin(struct peers *ps, const char *address, const char *name,
	      const uint8_t *fp);
int peers_unpin(struct peers *ps, const char *address);

/* May this peer do `kind`? Finds it, "all" or "*" in its allow line; rest is
 * what follows the kind, of several entries with blanks between
 * ("127.0.0.1:22 10.0.0.0/8:80", "" if nothing). A rest that does not fit is
 * refused: cut short it could allow something else. */
bool peers_may(const struct peer *p, const char *kind, char *rest,
	       size_t size);

/* All peers, for `dial trust`. */
typedef void (peers_h)(const struct peer *p, void *arg);
void peers_apply(const struct peers *ps, peers_h *h, void *arg);

#endif
