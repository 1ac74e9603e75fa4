/*
 * dtlsrec.h: DTLS 1.2 records (RFC 6347, 4.1) made and opened by aead.h: AES-GCM
 * (RFC 5288) or ChaCha20-Poly1305 (RFC 7905) with one association's keys.
 *
 *   type  version  epoch  seq  length | explicit nonce | fragment | tag
 *    1       2       2     6     2           8 or 0         n       16
 */
#ifndef DIALTONE_DTLSREC_H
#define DIALTONE_DTLSREC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tunnels/flow/aead.h"

enum {
	REC_HEADER = 13,
	REC_TAG = AEAD_TAG,
	REC_OVERHEAD_MAX = REC_HEADER + 8 + REC_TAG,
	REC_WINDOW = 4096,              /* records; RFC 6347, 4.1.2.6 */
	REC_WORDS = 2 * REC_WINDOW / 64,
	REC_IV = AEAD_NONCE,
	REC_SECRET = 48,
	REC_RANDOM = 32,
};

enum rec_type {
	REC_ALERT = 21,
	REC_HANDSHAKE = 22,
	REC_DATA = 23,
	REC_HEARTBEAT = 24,             /* RFC 6520 */
};

/* What the handshake has agreed on. */
struct rec_secret {
	enum aead_cipher cipher;
	bool client;                    /* we are */
	uint8_t master[REC_SECRET];
	uint8_t client_random[REC_RANDOM];
	uint8_t server_random[REC_RANDOM];
};

/* All zero before rec_init and after rec_close. */
struct rec {
	struct aead *tx, *rx;
	uint8_t tx_iv[REC_IV], rx_iv[REC_IV];
	unsigned explicit_len;          /* 8, or 0: the nonce is not sent */
	uint16_t nonce_high;            /* of the explicit one, then seq */
	uint64_t seq;                   /* of the next record we make */
	uint64_t rx_max;                /* highest seq that was authentic */
	uint64_t seen[REC_WORDS];
};

/* Keys by RFC 5246, 6.3. seq: the first that nobody has used in this epoch.
 * ENOTSUP if OpenSSL cannot; ENOMEM. */
int rec_init(struct rec *r, const struct rec_secret *s, uint64_t seq);
void rec_close(struct rec *r);

/* Bytes a record adds to what is in it. */
size_t rec_overhead(const struct rec *r);

/* Make a record at dst of n + rec_overhead bytes, which must not overlap p.
 * 0 if it cannot be made: all sequence numbers are used. */
size_t rec_seal(struct rec *r, uint8_t *dst, enum rec_type type,
		const void *p, size_t n);

/* The length of the record at the start of a datagram by its header; 0 if it
 * is none of DTLS 1.2. */
size_t rec_length(const uint8_t *p, size_t n);

static inline unsigned rec_epoch(const uint8_t *p)
{
	return (unsigned)p[3] << 8 | p[4];
}

/* Open one record of epoch 1 in place. 0: *pp, *n inside it, and it counts
 * as seen; EALREADY: replayed or too old, not touched; EBADMSG: not authentic,
 * and as it was. */
int rec_open(struct rec *r, uint8_t *p, size_t len, uint8_t **pp, size_t *n);

#endif
