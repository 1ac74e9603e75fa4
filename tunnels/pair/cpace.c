/*
 * cpace.c: CPace on libsodium's ristretto255; the names are the draft's.
 * Called by pair.c; owns nothing.
 *
 *   g   = element_derivation(H(generator_string(DSI, PRS, CI, sid)))
 *   Y   = scalar * g,  K = scalar * Y of the peer
 *   ISK = H(lv_cat(DSI_ISK, sid, K) || transcript_ir(Ya, ADa, Yb, ADb))
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "tunnels/pair/cpace.h"

enum {
	H_BLOCK    = 128,       /* H.s_in_bytes of SHA-512 */
	H_SIZE     = 64,
	SID_MAX    = 64,
	ELEMENT    = 32,
};

static const char DSI[] = "CPaceRistretto255";
static const char DSI_ISK[] = "CPaceRistretto255_ISK";
static const char DSI_MAC[] = "CPaceMac";

_Static_assert(CPACE_SHARE == crypto_core_ristretto255_BYTES &&
	       CPACE_SCALAR == crypto_core_ristretto255_SCALARBYTES &&
	       CPACE_ISK == crypto_hash_sha512_BYTES &&
	       CPACE_TAG == crypto_auth_hmacsha512_BYTES, "sizes");

/* prepend_len: the length as LEB128, then the bytes (appendix A.1.1). */
static void lv_add(crypto_hash_sha512_state *st, const void *p, size_t n)
{
	size_t left = n;
	uint8_t b;

	do {
		b = left & 0x7f;
		left >>= 7;
		b |= left ? 0x80 : 0;
		(void)crypto_hash_sha512_update(st, &b, 1);
	} while (left);
	(void)crypto_hash_sha512_update(st, p ? p : "", n);
}

static size_t lv_len(size_t n)
{
	return n + (n < 0x80 ? 1 : n < 0x4000 ? 2 : 3);
}

/* The padding that fills the first block, whatever the password's length
 * (section 8.1). */
static size_t pad_len(size_t prs_len)
{
	const size_t used = lv_len(prs_len) + lv_len(sizeof DSI - 1) + 1;

	return used < H_BLOCK ? H_BLOCK - used : 0;
}

static void calculate_generator(uint8_t g[ELEMENT],
				const struct cpace_input *in)
{
	static const uint8_t zero[H_BLOCK];
	crypto_hash_sha512_state st;
	uint8_t h[H_SIZE];
	const size_t n = strlen(in->password);

	(void)crypto_hash_sha512_init(&st);
	lv_add(&st, DSI, sizeof DSI - 1);
	lv_add(&st, in->password, n);
	lv_add(&st, zero, pad_len(n));
	lv_add(&st, in->ci, in->ci_len);
	lv_add(&st, in->sid, in->sid_len);
	(void)crypto_hash_sha512_final(&st, h);
	(void)crypto_core_ristretto255_from_hash(g, h);
	sodium_memzero(h, sizeof h);
	sodium_memzero(&st, sizeof st);
}

int cpace_begin(struct cpace *c, bool initiator,
		const struct cpace_input *in)
{
	uint8_t g[ELEMENT];
	int err;

	if (sodium_init() < 0)
		return ENOSYS;
	if (in->ci_len > CPACE_CI_MAX || in->sid_len > SID_MAX)
		return EMSGSIZE;
	memset(c, 0, sizeof *c);
	c->initiator = initiator;
	if (in->scalar)
		memcpy(c->scalar, in->scalar, sizeof c->scalar);
	else
		crypto_core_ristretto255_scalar_random(c->scalar);
	calculate_generator(g, in);
	err = crypto_scalarmult_ristretto255(c->share, c->scalar, g)
		? EACCES : 0;
	sodium_memzero(g, sizeof g);
	return err;
}

static void hash_isk(struct cpace *c, const struct cpace_input *in,
		     const uint8_t K[ELEMENT])
{
	crypto_hash_sha512_state st;

	(void)crypto_hash_sha512_init(&st);
	lv_add(&st, DSI_ISK, sizeof DSI_ISK - 1);
	lv_add(&st, in->sid, in->sid_len);
	lv_add(&st, K, ELEMENT);
	lv_add(&st, c->initiator ? c->share : c->peer, CPACE_SHARE);
	lv_add(&st, "ADa", 3);
	lv_add(&st, c->initiator ? c->peer : c->share, CPACE_SHARE);
	lv_add(&st, "ADb", 3);
	(void)crypto_hash_sha512_final(&st, c->isk);
	sodium_memzero(&st, sizeof st);
}

static void hash_mac_key(struct cpace *c, const struct cpace_input *in)
{
	crypto_hash_sha512_state st;

	(void)crypto_hash_sha512_init(&st);
	(void)crypto_hash_sha512_update(&st, (const uint8_t *)DSI_MAC,
					sizeof DSI_MAC - 1);
	if (in->sid_len)
		(void)crypto_hash_sha512_update(&st, in->sid, in->sid_len);
	(void)crypto_hash_sha512_update(&st, c->isk, sizeof c->isk);
	(void)crypto_hash_sha512_final(&st, c->mac_key);
	sodium_memzero(&st, sizeof st);
}

int cpace_finish(struct cpace *c, const struct cpace_input *in,
		 const uint8_t share[CPACE_SHARE])
{
	uint8_t K[ELEMENT];

	/* fails for what is no element, and for the neutral one */
	if (crypto_scalarmult_ristretto255(K, c->scalar, share))
		return EACCES;
	memcpy(c->peer, share, sizeof c->peer);
	hash_isk(c, in, K);
	hash_mac_key(c, in);
	sodium_memzero(K, sizeof K);
	sodium_memzero(c->scalar, sizeof c->scalar);
	return 0;
}

static void make_tag(const struct cpace *c, bool initiator,
		     const uint8_t share[CPACE_SHARE], uint8_t tag[CPACE_TAG])
{
	crypto_auth_hmacsha512_state st;
	const uint8_t len[2] = { CPACE_SHARE, 3 };

	(void)crypto_auth_hmacsha512_init(&st, c->mac_key,
					  sizeof c->mac_key);
	(void)crypto_auth_hmacsha512_update(&st, &len[0], 1);
	(void)crypto_auth_hmacsha512_update(&st, share, CPACE_SHARE);
	(void)crypto_auth_hmacsha512_update(&st, &len[1], 1);
	(void)crypto_auth_hmacsha512_update(&st, (const uint8_t *)
					    (initiator ? "ADa" : "ADb"), 3);
	(void)crypto_auth_hmacsha512_final(&st, tag);
	sodium_memzero(&st, sizeof st);
}

void cpace_tag(const struct cpace *c, uint8_t tag[CPACE_TAG])
{
	make_tag(c, c->initiator, c->share, tag);
}

bool cpace_verify(const struct cpace *c, const uint8_t tag[CPACE_TAG])
{
	uint8_t want[CPACE_TAG];
	bool ok;

	make_tag(c, !c->initiator, c->peer, want);
	ok = !sodium_memcmp(want, tag, sizeof want);
	sodium_memzero(want, sizeof want);
	return ok;
}

void cpace_clear(struct cpace *c)
{
	sodium_memzero(c, sizeof *c);
}
