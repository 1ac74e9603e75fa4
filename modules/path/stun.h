/*
 * stun.h: STUN messages (RFC 8489) as ICE and TURN use them, read in place and
 * written in place: nothing is allocated, nothing outlives the buffer.
 * Types and classes are libre's (re_stun.h); its codec is not used, for it
 * refuses unknown attributes and allocates one object for each.
 */
#ifndef DIALTONE_STUN_H
#define DIALTONE_STUN_H

#include <re.h>

enum {
	STUN_SIZE_MAX    = 1280,        /* larger messages are not looked at */
	STUN_UNKNOWN_MAX = 8,           /* unknown types that are listed */
	STUN_REQUEST_MAX = 512,         /* enough for what ICE sends */
	STUN_ATTR_NOMINATION = 0xc001,  /* draft-thatcher-ice-renomination */
	STUN_ATTR_INTEGRITY_SHA256 = 0x001c,
};

/* A message that was read. Pointers lead into the buffer. */
struct stun_pkt {
	const uint8_t *buf, *tid;
	size_t len;
	uint16_t method;
	enum stun_msg_class cls;
	size_t mi, fp;                  /* their offsets, 0: absent */
	struct pl username;             /* unset if absent */
	struct sa mapped;               /* XOR-MAPPED-ADDRESS, or unset */
	struct sa other;                /* OTHER-ADDRESS (RFC 5780) or unset */
	bool has_prio, use_cand, controlling, controlled;
	uint32_t prio, nomination;      /* nomination 0: absent */
	uint64_t tie;                   /* of controlling or controlled */
	uint16_t ecode;                 /* 300..699, 0: absent */
	uint16_t unknownv[STUN_UNKNOWN_MAX];
	unsigned unknownc;              /* comprehension-required, unknown */
};

/* Read a message; EBADMSG if it is none. Trusts nothing, proves nothing:
 * FINGERPRINT and MESSAGE-INTEGRITY are checked by the next two. */
int stun_parse(struct stun_pkt *m, const uint8_t *buf, size_t len);

/* FINGERPRINT is there and right. */
bool stun_fingerprint_ok(const struct stun_pkt *m);

/* MESSAGE-INTEGRITY is there and made with this short-term password. */
bool stun_key_ok(const struct stun_pkt *m, const char *pwd);

/* An address XORed with the cookie and the transaction id (RFC 8489 section
 * 14.2), of n bytes; false: malformed. */
bool stun_get_xor(struct sa *sa, const uint8_t *p, size_t n,
		  const uint8_t tid[STUN_TID_SIZE]);

/* How a message is protected. A short-term password is a key for SHA-1. */
struct stun_key {
	bool sha256;            /* MESSAGE-INTEGRITY-SHA256, else the other */
	size_t len;
	uint8_t key[32];
};

/* The integrity that key asks for is there, at offset mi, and right. */
bool stun_long_key_ok(const struct stun_pkt *m, size_t mi,
		      const struct stun_key *key);

/* A message being written. Put in order: attributes, key, fingerprint. Too
 * small a buffer shows only at stun_end. */
struct stun_out {
	uint8_t *buf;
	size_t size, len;
	bool overflow;
};

/* Start a message in buf; a Binding message. */
void stun_begin_method(struct stun_out *o, uint8_t *buf, size_t size,
		       uint16_t method, enum stun_msg_class cls,
		       const uint8_t tid[STUN_TID_SIZE]);
void stun_begin(struct stun_out *o, uint8_t *buf, size_t size,
		enum stun_msg_class cls, const uint8_t tid[STUN_TID_SIZE]);

/* One attribute: n bytes, padded; a number. */
void stun_put(struct stun_out *o, uint16_t type, const void *p, size_t n);
void stun_put_u32(struct stun_out *o, uint16_t type, uint32_t v);
void stun_put_u64(struct stun_out *o, uint16_t type, uint64_t v);

/* An address, XORed; XOR-MAPPED-ADDRESS. */
void stun_put_xor(struct stun_out *o, uint16_t type, const struct sa *sa);
void stun_put_mapped(struct stun_out *o, const struct sa *sa);

/* ERROR-CODE without a phrase, so that an answer is never larger than the
 * request; 420 goes with m's unknown types in UNKNOWN-ATTRIBUTES. */
void stun_put_error(struct stun_out *o, uint16_t code,
		    const struct stun_pkt *m);

/* MESSAGE-INTEGRITY by a short-term password; by a long-term key, as it asks
 * for; FINGERPRINT, which comes last. */
void stun_put_key(struct stun_out *o, const char *pwd);
void stun_put_long_key(struct stun_out *o, const struct stun_key *key);
void stun_put_fingerprint(struct stun_out *o);

/* The length of the finished message, 0 if it did not fit. */
size_t stun_end(const struct stun_out *o);

#endif
