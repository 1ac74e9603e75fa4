/*
 * pair.c: the tunnel kind `pair`: two people who have told each other a short
 * code learn that the keys at both ends of this flow are theirs, and nobody's
 * in between. It carries nothing and ends by itself; whoever asked for it pins
 * the peer's key when it is done without an error.
 *
 *   caller  --HELLO version, share-->  callee
 *           <--SHARE share, tag------          one guess is used up
 *           --PROOF tag------------->          the callee is sure
 *           <--DONE------------------          the caller knows it
 *
 * CPace (cpace.h) over both fingerprints as the channel's identifier: a man in
 * the middle has two channels with other keys, where the same code does not
 * agree.
 */
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <re.h>
#include "tunnels/ask.h"
#include "tunnels/pair/cpace.h"
#include "tunnels/pair/parley.h"
#include "tunnels/tunnel.h"

enum pair_type {
	PAIR_HELLO = 1, /* u8 version, share */
	PAIR_SHARE = 2, /* share, tag */
	PAIR_PROOF = 3, /* tag */
	PAIR_DONE  = 4,
};

enum { PAIR_VERSION = 1, CODE_MAX = 64 };

struct tunnel {
	bool caller;
	char code[CODE_MAX];
	struct parley parley;
	uint8_t ci[2 * DESC_FP_SIZE];
	struct cpace cpace;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	parley_stop(&t->parley);
	cpace_clear(&t->cpace);
	OPENSSL_cleanse(t->code, sizeof t->code);
}

static struct cpace_input input(const struct tunnel *t)
{
	const struct cpace_input in = {
		.password = t->code, .ci = t->ci, .ci_len = sizeof t->ci,
	};

	return in;
}

static int say_hello(struct tunnel *t)
{
	uint8_t body[1 + CPACE_SHARE] = { PAIR_VERSION };

	memcpy(body + 1, t->cpace.share, CPACE_SHARE);
	return parley_say(&t->parley, PAIR_HELLO, body, sizeof body,
			  PAIR_SHARE);
}

/* Callee: the caller's share has come. */
static int take_hello(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;
	const struct cpace_input in = input(t);
	uint8_t body[CPACE_SHARE + CPACE_TAG];

	if (n < 1 + CPACE_SHARE || *p != PAIR_VERSION)
		return EBADMSG;
	if (cpace_finish(&t->cpace, &in, p + 1))
		return EACCES;
	memcpy(body, t->cpace.share, CPACE_SHARE);
	cpace_tag(&t->cpace, body + CPACE_SHARE);
	return parley_say(&t->parley, PAIR_SHARE, body, sizeof body,
			  PAIR_PROOF);
}

/* Caller: the callee's, and whether it knows the code. */
static int take_share(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;
	const struct cpace_input in = input(t);
	uint8_t tag[CPACE_TAG];

	if (n < CPACE_SHARE + CPACE_TAG)
		return EBADMSG;
	if (cpace_finish(&t->cpace, &in, p) ||
	    !cpace_verify(&t->cpace, p + CPACE_SHARE))
		return EACCES;
	cpace_tag(&t->cpace, tag);
	return parley_say(&t->parley, PAIR_PROOF, tag, sizeof tag,
			  PAIR_DONE);
}

static int take_proof(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;

	if (n < CPACE_TAG)
		return EBADMSG;
	if (!cpace_verify(&t->cpace, p))
		return EACCES;
	parley_last(&t->parley, PAIR_DONE);
	return 0;
}

static int take_done(void *arg, const uint8_t *p, size_t n)
{
	struct tunnel *t = arg;
	(void)p;
	(void)n;

	parley_over(&t->parley, 0, "");
	return 0;
}

static parley_take_h *const takev[] = {
	[PAIR_HELLO] = take_hello, [PAIR_SHARE] = take_share,
	[PAIR_PROOF] = take_proof, [PAIR_DONE] = take_done,
};

static int tunnel_alloc(struct tunnel **tp, bool caller, const char *code)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);

	if (!t)
		return ENOMEM;
	t->caller = caller;
	(void)str_ncpy(t->code, code, sizeof t->code);
	*tp = t;
	return 0;
}

static int pair_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		      struct desc_media *local)
{
	(void)local;
	if (ask->argc != 1 || strlen(ask->argv[0]) >= CODE_MAX)
		return ask_refuse(ask, EINVAL, "Which code? Write `dial pair"
				  " CODE PEER`.");
	return tunnel_alloc(tp, true, ask->argv[0]);
}

static int pair_answer(struct tunnel **tp, const struct tunnel_ask *ask,
		       const struct desc_media *remote,
		       struct desc_media *local)
{
	const char *code = ask->confh("code", ask->arg);
	(void)remote;
	(void)local;

	if (!str_isset(code))
		return ask_refuse(ask, EACCES, "no pairing is under way");
	return tunnel_alloc(tp, false, code);
}

static int pair_start(struct tunnel *t, const struct desc_media *remote,
		      const struct tunnel_way *way,
		      const struct tunnel_events *ev)
{
	const struct parley_conf conf = {
		.caller = t->caller, .first = PAIR_HELLO, .takev = takev,
		.disagreement = "The code is another one on the other side,"
			" or somebody stands between the two of you.",
		.arg = t,
	};
	const uint8_t *caller = t->caller ? way->local_fp : way->remote_fp;
	const uint8_t *callee = t->caller ? way->remote_fp : way->local_fp;
	struct cpace_input in;
	int err;
	(void)remote;

	memcpy(t->ci, caller, DESC_FP_SIZE);
	memcpy(t->ci + DESC_FP_SIZE, callee, DESC_FP_SIZE);
	in = input(t);
	err = cpace_begin(&t->cpace, t->caller, &in);
	if (!err)
		err = parley_start(&t->parley, &conf, way, ev);
	return err || !t->caller ? err : say_hello(t);
}

const struct tunnel_kind pair_tunnel = {
	.name   = "pair",
	.need   = FLOW_STREAM,
	.offer  = pair_offer,
	.answer = pair_answer,
	.start  = pair_start,
};
