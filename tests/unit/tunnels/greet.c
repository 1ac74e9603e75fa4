/*
 * greet.c: tests of tunnels/greet.c: both ends show the same six words, new
 * ones each time; not with a man in the middle, and not with a caller that
 * chooses its nonce when it knows the callee's.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/tunnels/rig.h"

static struct rig rig;

static void begin(void)
{
	static const struct tunnel_ask ask = { .argc = 0 };

	rig_open(&rig, "greet");
	CU_ASSERT_EQUAL(rig_offer(&rig, &ask), 0);
	CU_ASSERT_EQUAL(rig_answer(&rig, &ask), 0);
}

static void run(void)
{
	rig_start(&rig);
	rig_wait(&rig);
}

static unsigned words(const char *text)
{
	unsigned n = 1;

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

static void test_same(void)
{
	char last[sizeof rig.a.why] = "";

	for (size_t i = 0; i < 4; i++) {
		begin();
		rig.piece = i & 1;
		run();
		CU_ASSERT_EQUAL(rig.a.err, 0);
		CU_ASSERT_EQUAL(rig.b.err, 0);
		CU_ASSERT_STRING_EQUAL(rig.a.why, rig.b.why);
		CU_ASSERT_STRING_NOT_EQUAL(rig.a.why, last);
		CU_ASSERT_EQUAL(words(rig.a.why), 6);
		strcpy(last, rig.a.why);
		rig_close(&rig);
	}
}

/* He passes on every byte, but each of them sees a key of his. */
static void test_man_in_the_middle(void)
{
	begin();
	memset(rig.b.remote_fp, 'm', DESC_FP_SIZE);
	run();
	CU_ASSERT_EQUAL(rig.a.err, 0);
	CU_ASSERT_EQUAL(rig.b.err, EBADMSG);    /* the commitment is to keys */
	rig_close(&rig);
	begin();
	memset(rig.a.remote_fp, 'm', DESC_FP_SIZE);
	memset(rig.b.remote_fp, 'm', DESC_FP_SIZE);
	run();
	CU_ASSERT(rig.b.err || strcmp(rig.a.why, rig.b.why));
	rig_close(&rig);
}

/* The callee's side alone is real; its words would be the liar's choice. */
static struct stream *liar;

static void liar_closed(struct stream *s, int err, uint64_t code, void *arg)
{
	(void)s;
	(void)err;
	(void)code;
	(void)arg;
	liar = NULL;
}

static void liar_speaks(void *arg)
{
	static const struct stream_handlers h = { .closeh = liar_closed };
	static const uint8_t commit[5 + 33] = { 1, 0, 0, 0, 33, 1, 7 };
	static const uint8_t reveal[5 + 32] = { 3, 0, 0, 0, 32, 9 };
	(void)arg;

	CU_ASSERT_EQUAL(stream_open(&liar, rig.a.flow, 0, &h, NULL), 0);
	(void)stream_write(liar, commit, sizeof commit);
	(void)stream_write(liar, reveal, sizeof reveal);
	stream_fin(liar);
}

static void test_liar(void)
{
	begin();
	rig.a.t = mem_deref(rig.a.t);
	rig_start(&rig);
	fake_call(rig.loop, liar_speaks, NULL);
	CU_ASSERT(rig_until(&rig, rig_b_done));
	CU_ASSERT_EQUAL(rig.b.err, EBADMSG);
	rig_close(&rig);
}

UNIT_SUITE("greet",
	   { "the same words", test_same },
	   { "a man in the middle", test_man_in_the_middle },
	   { "a liar", test_liar })
