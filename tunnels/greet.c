/*
 * greet.c: the tunnel kind `greet`: at first contact both ends get the same
 * six words, unless somebody stands between them; two people compare them by
 * voice. It comes before the tunnels of the call and carries nothing.
 *
 *   caller  --COMMIT version, hash of nonce A-->  callee
 *           <--NONCE nonce B--------------------
 *           --REVEAL nonce A------------------->
 *
 *   words = SHA-256(label, both fingerprints, A, B), the first 48 bits
 *
 * The caller has committed itself before it sees B, and the callee has said B
 * before it sees A (as RFC 6189 section 4.1 has it): a man in the middle, who
 * has one greeting with each of them, gets one try to have both show the same,
 * and cannot search for keys or nonces that do.
 *
 * Done without an error, the words are the text of the report.
 */
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <re.h>
#include "tunnels/pair/codewords.h"
#include "tunnels/pair/parley.h"
#include "tunnels/tunnel.h"

enum greet_type {
	GREET_COMMIT = 1,       /* u8 version, hash */
	GREET_NONCE  = 2,       /* nonce B */
	GREET_REVEAL = 3,       /* nonce A */
};

enum {
	GREET_VERSION = 1,
	NONCE = 32,
	HASH  = 32,
	WORDS = 6,
};

struct tunnel {
	bool caller;
	struct parley parley;
	uint8_t fpv[2][DESC_FP_SIZE];   /* of caller and callee */
	uint8_t noncev[2][NONCE];
	uint8_t commit[HASH];           /* callee: the caller's */
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	parley_stop(&t->parley);
}

/* label, both fingerprints, then n nonces from the first on */
static int hash(uint8_t h[HASH], const struct tunnel *t, const char *label,
		size_t n)
{
	uint8_t buf[64 + 2 * DESC_FP_SIZE + 2 * NONCE];
	const size_t len = strlen(label);

	/* hashed, no text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(buf, label, len);
	memcpy(buf + len, t->fpv, sizeof t->fpv);
	memcpy(buf + len + sizeof t->fpv, t->noncev, n * NONCE);
	return EVP_Digest(buf, len + sizeof t->fpv + n * NONCE, h, NULL,
			  EVP_sha256(), NULL) == 1 ? 0 : ENOMEM;
}

static int commitment(uint8_t h[HASH], const struct tunnel *t)
{
	return hash(h, t, "dialtone greet commit 1", 1);
}

static int tell_words(struct tunnel *t)
{
	uint8_t h[HASH];
	char text[WORDS * 12];
	int err = hash(h, t, "dialtone greet words 1", 2);

	if (err)
		return err;
	codewords_print(text, sizeof text, h, WORDS);
	parley_over(&t->parley, 0, text);
	return 0;
}

static int say_commit(struct tunnel *t)
{
	uint8_t body[1 + HASH] = { GREET_VERSION };
	int err = commitment(body + 1, t);

	return err ? err : parley_say(&t->parley, GREET_COMMIT, body,
				      sizeof body, GREET_NONCE);
}

static int take_commit(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;

	if (n < 1 + HASH || *p != GREET_VERSION)
		return EBADMSG;
	memcpy(t->commit, p + 1, HASH);
	return parley_say(&t->parley, GREET_NONCE, t->noncev[1], NONCE,
			  GREET_REVEAL);
}

static int take_nonce(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;
	int err;

	if (n < NONCE)
		return EBADMSG;
	memcpy(t->noncev[1], p, NONCE);
	err = parley_say(&t->parley, GREET_REVEAL, t->noncev[0], NONCE, 0);
	return err ? err : tell_words(t);
}

static int take_reveal(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;
	uint8_t h[HASH];
	int err;

	if (n < NONCE)
		return EBADMSG;
	memcpy(t->noncev[0], p, NONCE);
	err = commitment(h, t);
	if (!err && CRYPTO_memcmp(h, t->commit, HASH))
		err = EBADMSG;          /* not what it had settled on */
	return err ? err : tell_words(t);
}

static parley_take_h *const takev[] = {
	[GREET_COMMIT] = take_commit, [GREET_NONCE] = take_nonce,
	[GREET_REVEAL] = take_reveal,
};

static int tunnel_alloc(struct tunnel **tp, bool caller)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);

	if (!t)
		return ENOMEM;
	t->caller = caller;
	if (RAND_bytes(t->noncev[caller ? 0 : 1], NONCE) != 1) {
		mem_deref(t);
		return ENOSYS;
	}
	*tp = t;
	return 0;
}

static int greet_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		       struct desc_media *local)
{
	(void)ask;
	(void)local;
	return tunnel_alloc(tp, true);
}

static int greet_answer(struct tunnel **tp, const struct tunnel_ask *ask,
			const struct desc_media *remote,
			struct desc_media *local)
{
	(void)ask;
	(void)remote;
	(void)local;
	return tunnel_alloc(tp, false);
}

static int greet_start(struct tunnel *t, const struct desc_media *remote,
		       const struct tunnel_way *way,
		       const struct tunnel_events *ev)
{
	const struct parley_conf conf = {
		.caller = t->caller, .first = GREET_COMMIT, .takev = takev,
		.arg = t,
	};
	int err;
	(void)remote;

	memcpy(t->fpv[t->caller ? 0 : 1], way->local_fp, DESC_FP_SIZE);
	memcpy(t->fpv[t->caller ? 1 : 0], way->remote_fp, DESC_FP_SIZE);
	err = parley_start(&t->parley, &conf, way, ev);
	return err || !t->caller ? err : say_commit(t);
}

const struct tunnel_kind greet_tunnel = {
	.name   = "greet",
	.need   = FLOW_STREAM,
	.first  = true,
	.offer  = greet_offer,
	.answer = greet_answer,
	.start  = greet_start,
};
