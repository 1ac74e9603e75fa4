/*
 * desc.h: an offer or answer of tunnels: what was said, as a plain value.
 *
 * One struct for both sides and both directions. Every m-line is one tunnel
 * and all are bundled on one 5-tuple (RFC 9143), so ICE, key and setup are
 * kept once, for the session. Nothing here opens or sends anything.
 *
 *   m=application 9 UDP/QUIC vnd.dialtone      stream tunnels
 *   m=application 9 UDP/DTLS vnd.dialtone.ip   datagram tunnels
 *   a=mid:0
 *   a=x-dialtone-tunnel:file size=5120;name=report.pdf   (values %-escaped)
 */
#ifndef DIALTONE_DESC_H
#define DIALTONE_DESC_H

#include "sdp/cand.h"

enum {
	DESC_SIZE_MAX  = 16384, /* bytes of SDP that are looked at */
	DESC_MEDIA_MAX = 8,     /* tunnels in a session */
	DESC_CAND_MAX  = 64,    /* candidates kept */
	DESC_PARAM_MAX = 2048,  /* bytes of one tunnel's parameters */
	DESC_UFRAG_MAX = 256,   /* RFC 8839 section 5.4 */
	DESC_PWD_MAX   = 256,
	DESC_FP_SIZE   = 32,    /* SHA-256 */
};

enum desc_proto { DESC_QUIC, DESC_DTLS };

/* RFC 4145/8842: the offerer says actpass, the answerer active or passive. */
enum desc_setup { SETUP_ACTPASS, SETUP_ACTIVE, SETUP_PASSIVE };

/* One tunnel. */
struct desc_media {
	enum desc_proto proto;
	bool known;             /* false: a line we must refuse but keep */
	bool rejected;          /* port 0 */
	char mid[16];
	char kind[24];          /* name of the tunnel kind */
	char *param;            /* "a=1;b=2", escaped; NULL if none */
	char *raw;              /* unknown m-line's text, to be answered */
};

struct desc {
	uint64_t sess_id, sess_ver;     /* o= line */
	bool audio;                     /* a bare audio line goes first */
	enum desc_setup setup;
	char ufrag[DESC_UFRAG_MAX + 1], pwd[DESC_PWD_MAX + 1];
	bool ice_lite, trickle, renomination;
	bool guess;                     /* its NAT's ports may be guessed, and
	                                   it guesses those of ours */
	bool complete;                  /* a=end-of-candidates, or decoded
	                                   without trickle: no more to come */
	bool has_fp;
	uint8_t fp[DESC_FP_SIZE];       /* a=fingerprint:sha-256 */
	bool has_issuer;                /* a=x-dialtone-issuer: */
	uint8_t issuer[DESC_FP_SIZE];   /* who signed its certificate */
	char tls_id[65];
	struct sa addr;                 /* c= and m= port: default destination */
	struct desc_media mediav[DESC_MEDIA_MAX];
	size_t mediac;
	struct cand *candv;             /* grows with desc_cand_add */
	size_t candc;
};

/* Why a description was not taken; goes out as a SIP answer. */
struct desc_refusal {
	uint16_t scode;         /* 400, 488 or 606; 500 with ENOMEM */
	uint16_t warn;          /* RFC 3261 section 20.43 code, 0 if none */
	char text[128];         /* one sentence */
};

/* An empty description; the caller owns it, mem_deref frees the parts. */
int desc_alloc(struct desc **dp);

/* Set or get one parameter of a tunnel. Keys are [a-z0-9-]; values any bytes
 * but NUL, escaped on the wire. get: 0, ENOENT, or EOVERFLOW for buf. */
int desc_param_set(struct desc_media *m, const char *key, const char *value);
int desc_param_get(const struct desc_media *m, const char *key,
		   char *buf, size_t size);

/* Add a candidate; beyond DESC_CAND_MAX in place of the oldest that is server-
 * reflexive: NATs give ever new ones. EOVERFLOW: there is none. */
int desc_cand_add(struct desc *d, const struct cand *c);

/* Drop all that have this base. */
void desc_cand_gone(struct desc *d, const struct sa *base);

/* Write the SDP text of an offer or answer into a new mbuf (pos 0). An answer
 * has the offer's m-lines in the offer's order (RFC 3264 section 6). */
int desc_encode(struct mbuf **mbp, const struct desc *d);

/* Decode hostile text into a new description. On any error *dp is untouched
 * and why is filled in: EBADMSG (400), ENOTSUP (488), EACCES (606). */
int desc_decode(struct desc **dp, const char *sdp, size_t len, bool offer,
		struct desc_refusal *why);

/* An answer skeleton to an offer: the same m-lines, all rejected until the
 * caller clears `rejected` on those it takes. */
int desc_answer_init(struct desc **dp, const struct desc *offer);

/* Do the answer's m-lines fit the offer's, one by one (RFC 3264 section 6)?
 * EPROTO: another number of them, or a tunnel taken that was not offered.
 * Ask before indexing the one by the other. */
int desc_answer_check(const struct desc *offer, const struct desc *answer);

/* Trickle ICE fragment (RFC 8840, application/trickle-ice-sdpfrag): all
 * candidates so far, ufrag, pwd, and end-of-candidates if complete. decode
 * adds the new candidates to d; EPROTO if ufrag differs from d's. */
int desc_frag_encode(struct mbuf **mbp, const struct desc *d);
int desc_frag_decode(struct desc *d, const char *text, size_t len);

/* Fingerprints as people see them: SHA-256 as "AB:CD:..." (95 characters);
 * decode takes upper or lower case with or without colons. */
enum { FP_TEXT_SIZE = 96 };
void fp_print(char text[FP_TEXT_SIZE], const uint8_t fp[DESC_FP_SIZE]);
int fp_decode(uint8_t fp[DESC_FP_SIZE], const struct pl *text);

#endif
