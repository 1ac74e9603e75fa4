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
#include "tunnels/ending.h"
#include "tunnels/pair/cpace.h"
#include "tunnels/record.h"

enum pair_type {
	PAIR_HELLO = 1, /* u8 version, share */
	PAIR_SHARE = 2, /* share, tag */
	PAIR_PROOF = 3, /* tag */
	PAIR_DONE  = 4,
};

enum { PAIR_VERSION = 1, CODE_MAX = 64 };
#define PATIENCE (30 * SEC)     /* with the peer */

struct tunnel {
	bool caller;
	char code[CODE_MAX];
	struct flow *flow;
	unsigned number;
	struct ending end;
	struct timer timer;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	enum pair_type next;            /* what the peer has to say now */
	uint8_t ci[2 * DESC_FP_SIZE];
	struct cpace cpace;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	ending_stop(&t->end);
	timer_stop(&t->timer);
	if (t->flow && !t->caller)
		(void)flow_listen(t->flow, t->number, NULL, NULL);
	stream_reset(t->s, record_errno_code(ECANCELED));
	mem_deref(t->rd.body);
	mem_deref(t->wr.backlog);
	cpace_clear(&t->cpace);
	OPENSSL_cleanse(t->code, sizeof t->code);
}

static void over(struct tunnel *t, int err, const char *why)
{
	timer_stop(&t->timer);
	ending_set(&t->end, err, "%s", why);
}

static void disagree(struct tunnel *t)
{
	stream_reset(t->s, record_errno_code(EACCES));
	t->s = NULL;
	over(t, EACCES, "The code is another one on the other side, or"
	     " somebody stands between the two of you.");
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
	t->next = PAIR_SHARE;
	return record_write(&t->wr, PAIR_HELLO, body, sizeof body);
}

/* Callee: the caller's share has come. */
static int take_hello(struct tunnel *t, const uint8_t *p, size_t n)
{
	const struct cpace_input in = input(t);
	uint8_t body[CPACE_SHARE + CPACE_TAG];

	if (n < 1 + CPACE_SHARE || *p != PAIR_VERSION)
		return EBADMSG;
	if (cpace_finish(&t->cpace, &in, p + 1))
		return EACCES;
	memcpy(body, t->cpace.share, CPACE_SHARE);
	cpace_tag(&t->cpace, body + CPACE_SHARE);
	t->next = PAIR_PROOF;
	return record_write(&t->wr, PAIR_SHARE, body, sizeof body);
}

/* Caller: the callee's, and whether it knows the code. */
static int take_share(struct tunnel *t, const uint8_t *p, size_t n)
{
	const struct cpace_input in = input(t);
	uint8_t tag[CPACE_TAG];

	if (n < CPACE_SHARE + CPACE_TAG)
		return EBADMSG;
	if (cpace_finish(&t->cpace, &in, p) ||
	    !cpace_verify(&t->cpace, p + CPACE_SHARE))
		return EACCES;
	cpace_tag(&t->cpace, tag);
	t->next = PAIR_DONE;
	return record_write(&t->wr, PAIR_PROOF, tag, sizeof tag);
}

static int take_proof(struct tunnel *t, const uint8_t *p, size_t n)
{
	int err;

	if (n < CPACE_TAG)
		return EBADMSG;
	if (!cpace_verify(&t->cpace, p))
		return EACCES;
	err = record_write(&t->wr, PAIR_DONE, NULL, 0);
	if (!err) {
		stream_fin(t->s);
		over(t, 0, "");
	}
	return err;
}

static int take_done(struct tunnel *t, const uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	stream_fin(t->s);
	over(t, 0, "");
	return 0;
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	static int (*const takev[])(struct tunnel *t, const uint8_t *p,
				    size_t n) = {
		[PAIR_HELLO] = take_hello, [PAIR_SHARE] = take_share,
		[PAIR_PROOF] = take_proof, [PAIR_DONE] = take_done,
	};
	struct tunnel *t = arg;

	if (t->end.set || type >= RECORD_OPTIONAL)
		return 0;
	return type == t->next ? takev[type](t, p, n) : EBADMSG;
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	static const struct record_sink sink = { 0, NULL, record_handler };
	struct tunnel *t = arg;
	int err;

	stream_consumed(s, n);
	err = record_feed(&t->rd, &sink, p, n, t);
	if (err == EACCES)
		disagree(t);
	else if (err)
		over(t, err, "The other side does not follow the protocol"
		     " of pairing.");
}

static void write_handler(struct stream *s, void *arg)
{
	struct tunnel *t = arg;
	(void)s;

	(void)record_flush(&t->wr);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct tunnel *t = arg;
	(void)s;

	t->s = t->wr.s = NULL;
	if (err == ECONNRESET && record_code_errno(code) == EACCES)
		disagree(t);
	else
		over(t, err ? err : ECONNRESET,
		     "The other side has given up.");
}

static const struct stream_handlers handlers = {
	.readh  = read_handler,
	.writeh = write_handler,
	.closeh = close_handler,
};

static void take(struct tunnel *t, struct stream *s)
{
	t->s = t->wr.s = s;
	stream_priority(s, 1);
}

/* One run of the protocol is one guess: a second stream is none. */
static void accept_handler(struct stream *s, void *arg)
{
	struct tunnel *t = arg;

	if (t->s || t->end.set)
		return;
	take(t, s);
	stream_handle(s, &handlers, t);
}

static void timeout_handler(void *arg)
{
	over(arg, ETIMEDOUT, "The other side does not answer.");
}

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

static int refuse(const struct tunnel_ask *ask, int err, const char *why)
{
	(void)re_snprintf(ask->why, ask->why_size, "%s", why);
	return err;
}

static int pair_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		      struct desc_media *local)
{
	(void)local;
	if (ask->argc != 1 || strlen(ask->argv[0]) >= CODE_MAX)
		return refuse(ask, EINVAL, "Which code? Write `dial pair"
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
		return refuse(ask, EACCES, "no pairing is under way");
	return tunnel_alloc(tp, false, code);
}

static int pair_start(struct tunnel *t, const struct desc_media *remote,
		      const struct tunnel_way *way,
		      const struct tunnel_events *ev)
{
	const uint8_t *caller = t->caller ? way->local_fp : way->remote_fp;
	const uint8_t *callee = t->caller ? way->remote_fp : way->local_fp;
	struct cpace_input in;
	struct stream *s;
	int err;
	(void)remote;

	t->number = way->number;
	ending_init(&t->end, way->loop, ev);
	memcpy(t->ci, caller, DESC_FP_SIZE);
	memcpy(t->ci + DESC_FP_SIZE, callee, DESC_FP_SIZE);
	in = input(t);
	err = cpace_begin(&t->cpace, t->caller, &in);
	if (!err)
		err = timer_start(loop_timers(way->loop), &t->timer, PATIENCE,
				  timeout_handler, t);
	if (err)
		return err;
	t->flow = way->flow;
	if (!t->caller) {
		t->next = PAIR_HELLO;
		return flow_listen(t->flow, t->number, accept_handler, t);
	}
	err = stream_open(&s, t->flow, t->number, &handlers, t);
	if (err)
		return err;
	take(t, s);
	return say_hello(t);
}

const struct tunnel_kind pair_tunnel = {
	.name   = "pair",
	.need   = FLOW_STREAM,
	.offer  = pair_offer,
	.answer = pair_answer,
	.start  = pair_start,
};
