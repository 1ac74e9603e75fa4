/*
 * turnmsg.h: what TURN (RFC 8656) and long-term credentials (RFC 8489
 * section 9.2) add to a STUN message: read in place, nothing is allocated.
 */
#ifndef DIALTONE_TURNMSG_H
#define DIALTONE_TURNMSG_H

#include "modules/path/stun.h"

enum {
	TURN_REALM_MAX = 128,           /* bytes that we take; RFC: 763 */
	TURN_NONCE_MAX = 256,
	TURN_USER_MAX = 256,
	TURN_PASSWORD_MAX = 256,
	TURN_ALGORITHMS_MAX = 32,
	TURN_MSG_MAX = 1024,            /* of ours */
};

/* Attributes of an answer; unset or 0: absent. Pointers lead into it. */
struct turn_msg {
	struct sa relayed[2];           /* IPv4, IPv6 */
	struct sa alternate;
	bool has_lifetime;
	uint32_t lifetime;              /* s */
	struct pl realm, nonce;
	struct pl algorithms;           /* PASSWORD-ALGORITHMS as it came */
	bool sha256;                    /* which has SHA-256 */
	size_t mi256;                   /* offset of that integrity */
};

/* Read what stun_parse has accepted. EBADMSG: an attribute is malformed. */
int turn_msg_parse(struct turn_msg *t, const struct stun_pkt *m);

/* What we know of the server, and it of us. */
struct turn_auth {
	char user[TURN_USER_MAX];
	char password[TURN_PASSWORD_MAX];
	char realm[TURN_REALM_MAX + 1]; /* "": not asked for yet */
	char nonce[TURN_NONCE_MAX + 1];
	uint8_t algorithms[TURN_ALGORITHMS_MAX];
	size_t algorithms_len;          /* to be said back */
	struct stun_key key;
};

/* A secret that is shared with the server gives a name and a password that
 * are good until `expires` (s since 1970), as coturn's use-auth-secret and
 * draft-uberti-behave-turn-rest have it. EOVERFLOW: too long. */
int turn_auth_secret(struct turn_auth *a, const char *secret,
		     const char *user, uint64_t expires);

/* Follow a 401 or 438: realm, nonce, and the key they give. EBADMSG: it has
 * none. */
int turn_auth_follow(struct turn_auth *a, const struct turn_msg *t);

/* USERNAME, REALM, NONCE and the integrity; nothing while there is no realm.
 * Last of a message. */
void turn_auth_put(struct stun_out *o, const struct turn_auth *a);

/* The answer is protected by our key. */
bool turn_auth_ok(const struct turn_auth *a, const struct stun_pkt *m,
		  const struct turn_msg *t);

#endif
