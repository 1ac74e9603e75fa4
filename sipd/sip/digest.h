/*
 * digest.h: HTTP Digest for SIP (RFC 3261 section 22, 7616, 8760), both ends.
 *
 *   digest.c         the words and the sums
 *   digest_client.c  a credential cache: takes the challenges of a 401 or
 *                    407, writes the Authorization lines of the next request
 *   digest_server.c  stateless nonces, challenges, and the check of an answer
 *
 * Values are parsed in one pass, without regular expressions: a hostile value
 * costs time in proportion to its length.
 */
#ifndef DIALTONE_SIP_DIGEST_H
#define DIALTONE_SIP_DIGEST_H

#include <re.h>

enum {
	DIGEST_HEX = 65,        /* the longest hash in hex, with its NUL */
	DIGEST_REALMS = 4,      /* challenges a client keeps, the latest */
};

/* By strength, the weakest first. */
enum digest_alg {
	DIGEST_MD5,
	DIGEST_SHA256,
	DIGEST_SHA512_256,
	DIGEST_ALGS
};

const char *digest_alg_name(enum digest_alg alg);       /* "SHA-256" */

/* n bytes as 2n lower-case hex digits and a NUL. */
void digest_hex(char *hex, const uint8_t *p, size_t n);

/* May it stand between quotes as it is: no quote, backslash, control? */
bool digest_quotable(const char *s);

/* H(user:realm:password) in hex, as users files store it. */
int digest_ha1(char ha1[DIGEST_HEX], enum digest_alg alg, const char *user,
	       const char *realm, const char *password);

/* ---- client ---- */

struct digest_challenge {
	char realm[128];
	char nonce[512];
	char opaque[512];       /* "" if none */
	enum digest_alg alg;
	bool sess;              /* a -sess variant */
	bool qop;               /* qop=auth offered; else RFC 2069 style */
	bool stale;
	bool proxy;             /* of Proxy-Authenticate */
};

/* One WWW- or Proxy-Authenticate value. EBADMSG; ENOTSUP for another scheme,
 * an unknown algorithm or a qop without auth. */
int digest_challenge_decode(struct digest_challenge *c, const struct pl *val);

/* All zero is an empty cache. */
struct digest_client {
	struct {
		struct digest_challenge c;
		uint32_t nc;            /* requests answered with its nonce */
		unsigned round;         /* the response it came in */
	} v[DIGEST_REALMS];
	unsigned n;
	unsigned round;
};

/* Take every challenge of a 401 or 407: per realm the strongest algorithm we
 * know is kept, in place of what an earlier response said about that realm.
 * 0; ENOTSUP if none can be used; EACCES if a nonce that was answered comes
 * back without stale=true, i.e. the password is wrong. A server that sends a
 * fresh nonce each time is not told from one whose nonce expired: allow one
 * more attempt per request, two when digest_client_stale. */
int digest_client_response(struct digest_client *dc,
			   const struct sip_msg *msg);

/* The same for one value of one response; begin with digest_client_begin. */
void digest_client_begin(struct digest_client *dc);
int digest_client_challenge(struct digest_client *dc, const struct pl *val,
			    bool proxy);

/* Did the last response call a nonce stale? */
bool digest_client_stale(const struct digest_client *dc);

/* Append a complete "Authorization: ..." or "Proxy-Authorization: ..." line
 * for each kept challenge. Counts nc up: call it once per request sent, not
 * for retransmissions; for ACK and CANCEL as RFC 3261 section 22.1 has it,
 * copy the lines of the INVITE. Nothing is appended if there is none. EINVAL
 * for a user that cannot be quoted. */
int digest_client_encode(struct mbuf *mb, struct digest_client *dc,
			 const char *user, const char *password,
			 const char *met, const char *uri);

/* One header value with everything given, for "%H"; what digest_client_encode
 * uses. */
struct digest_credentials {
	const struct digest_challenge *c;
	const char *user;
	const char *password;
	const char *met;
	const char *uri;
	uint32_t nc;
	const char *cnonce;
};

int digest_authorization_print(struct re_printf *pf,
			       const struct digest_credentials *cr);

/* ---- server ---- */

struct digest_server;

/* realm and lifetime (s) of its nonces; the key is random for each one. */
int digest_server_alloc(struct digest_server **dsp, const char *realm,
			uint32_t lifetime);

const char *digest_server_realm(const struct digest_server *ds);

/* A challenge value "Digest realm=..., nonce=...", for "%H". The nonce is
 * good for that source address (port not counted); src NULL: for any. */
struct digest_offer {
	const struct digest_server *ds;
	enum digest_alg alg;
	const struct sa *src;
	bool stale;
};

int digest_offer_print(struct re_printf *pf, const struct digest_offer *o);

/* A decoded Authorization value; points into it. */
struct digest_answer {
	struct pl user, realm, nonce, uri, response, cnonce, nc, opaque;
	enum digest_alg alg;
	bool sess;
	bool qop;
};

/* EBADMSG; ENOTSUP as above. */
int digest_answer_decode(struct digest_answer *a, const struct pl *val);

enum digest_verdict {
	DIGEST_OK,
	DIGEST_WRONG,           /* nonce in order, the hash is not: 403 */
	DIGEST_STALE,           /* hash in order or not, the nonce is too old
	                           or of another address: challenge again
	                           with stale=true */
	DIGEST_FOREIGN,         /* not our realm or nonce: challenge */
};

/* Is it an answer to a challenge of ours? OK, STALE or FOREIGN. */
enum digest_verdict digest_server_nonce(const struct digest_server *ds,
					const struct digest_answer *a,
					const struct sa *src);

/* Nonce and hash: ha1 is digest_ha1 of the answer's algorithm, NULL for an
 * unknown user (as long to compute, and WRONG). */
enum digest_verdict digest_server_verify(const struct digest_server *ds,
					 const struct digest_answer *a,
					 const struct pl *met,
					 const char *ha1,
					 const struct sa *src);

/* The hash alone, in constant time: is a->response the one of ha1? */
bool digest_answer_check(const struct digest_answer *a, const struct pl *met,
			 const char *ha1);

#endif
