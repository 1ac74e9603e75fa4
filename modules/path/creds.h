/*
 * creds.h: the credentials of one ICE generation. A restart makes new ones;
 * the old live on as long as a pair found with them does.
 */
#ifndef DIALTONE_CREDS_H
#define DIALTONE_CREDS_H

#include <re.h>

enum {
	CREDS_UFRAG_LEN = 8,    /* 48 bits: paths are found by it */
	CREDS_PWD_LEN   = 24,   /* 144 bits, RFC 8445 section 5.3: >= 128 */
};

struct creds {
	char lufrag[CREDS_UFRAG_LEN + 1], lpwd[CREDS_PWD_LEN + 1];
	char *rufrag, *rpwd;    /* NULL until the description came */
	uint32_t nomination;    /* the last value sent, or the highest seen */
};

/* New local ones; EIO if there is no randomness. Shared by mem_ref. */
int creds_alloc(struct creds **cp);

/* Set the peer's, once. EINVAL: one is empty. */
int creds_remote(struct creds *c, const char *ufrag, const char *pwd);

/* A USERNAME "ours:theirs" is for these credentials. While theirs is not
 * known any peer's part will do. */
bool creds_match(const struct creds *c, const struct pl *username);

/* The peer's part of a USERNAME as a number, to compare later. */
uint32_t creds_peer_hash(const struct pl *username);

/* The same number of the peer's ufrag itself. */
uint32_t creds_hash(const char *rufrag);

#endif
