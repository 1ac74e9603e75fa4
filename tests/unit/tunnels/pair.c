/*
 * pair.c: tests of tunnels/pair.c: who knows the code and sees the same keys
 * is told so on both sides; everybody else fails on both, whatever is sent.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/tunnels/rig.h"
#include "tunnels/record.h"

static struct rig rig;

static int begin(const char *caller, const char *callee)
{
	static char code[128];
	char *argv[1] = { code };
	static char why[256];
	struct rig_conf conf = { { "code" }, { callee } };
	const struct tunnel_ask a = {
		.argv = argv, .argc = 1, .confh = rig_confh, .why = why,
		.why_size = sizeof why,
	};
	const struct tunnel_ask b = {
		.confh = rig_confh, .arg = &conf, .why = why,
		.why_size = sizeof why,
	};
	int err;

	snprintf(code, sizeof code, "%s", caller);
	err = rig_offer(&rig, &a);

	return err ? err : rig_answer(&rig, &b);
}

static void run(const char *caller, const char *callee)
{
	CU_ASSERT_EQUAL(begin(caller, callee), 0);
	rig_start(&rig);
	rig_wait(&rig);
}

static void test_agree(void)
{
	rig_open(&rig, "pair");
	run("velvet-harbor-417", "velvet-harbor-417");
	CU_ASSERT_EQUAL(rig.a.err, 0);
	CU_ASSERT_EQUAL(rig.b.err, 0);
	rig_close(&rig);
}

static void test_pieces(void)
{
	rig_open(&rig, "pair");
	rig.piece = 1;
	run("velvet-harbor-417", "velvet-harbor-417");
	CU_ASSERT_EQUAL(rig.a.err, 0);
	CU_ASSERT_EQUAL(rig.b.err, 0);
	rig_close(&rig);
}

/* The callee's side knows that it is over before it says so: the caller hangs
 * up then, and who has not heard by then has no pairing. */
static unsigned said;

static void count_said(void)
{
	CU_ASSERT_EQUAL(rig.b.done, said++ > 0);
}

static void test_order(void)
{
	rig_open(&rig, "pair");
	rig.by_event = true;
	rig.commith = count_said;
	said = 0;
	run("velvet-harbor-417", "velvet-harbor-417");
	CU_ASSERT_EQUAL(rig.a.err, 0);
	CU_ASSERT_EQUAL(rig.b.err, 0);
	CU_ASSERT_EQUAL(said, 2);       /* its share, and that it is done */
	rig_close(&rig);
}

static void test_wrong_code(void)
{
	rig_open(&rig, "pair");
	run("velvet-harbor-418", "velvet-harbor-417");
	CU_ASSERT_EQUAL(rig.a.err, EACCES);
	CU_ASSERT_EQUAL(rig.b.err, EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.a.why, "somebody stands between"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.b.why, "somebody stands between"));
	rig_close(&rig);
}

/* He has a flow with each of them, by a key of his own, and passes on every
 * byte of the tunnel: what the two fakeflows do here. */
static void test_man_in_the_middle(void)
{
	uint8_t *const seen[2] = { rig.a.remote_fp, rig.b.remote_fp };

	for (size_t i = 0; i < 3; i++) {
		rig_open(&rig, "pair");
		if (i != 1)
			memset(seen[0], 'm', DESC_FP_SIZE);
		if (i != 0)
			memset(seen[1], 'm', DESC_FP_SIZE);
		run("velvet-harbor-417", "velvet-harbor-417");
		CU_ASSERT_EQUAL(rig.a.err, EACCES);
		CU_ASSERT_EQUAL(rig.b.err, EACCES);
		rig_close(&rig);
	}
}

static void test_no_code(void)
{
	rig_open(&rig, "pair");
	CU_ASSERT_EQUAL(begin("velvet-harbor-417", NULL), EACCES);
	rig_close(&rig);
	rig_open(&rig, "pair");
	CU_ASSERT_EQUAL(begin("velvet-harbor-417-velvet-harbor-417-velvet-"
			      "harbor-417-velvet-harbor-417", "x"), EINVAL);
	rig_close(&rig);
}

/* A caller that says something else: the callee's side alone is real. */
struct liar {
	struct stream *s;
	const void *bytes;
	size_t n;
};

static struct liar liar;

static void liar_closed(struct stream *s, int err, uint64_t code, void *arg)
{
	(void)s;
	(void)err;
	(void)code;
	(void)arg;
	liar.s = NULL;
}

static void liar_speaks(void *arg)
{
	static const struct stream_handlers h = { .closeh = liar_closed };
	(void)arg;

	CU_ASSERT_EQUAL(stream_open(&liar.s, rig.a.flow, 0, &h, NULL), 0);
	CU_ASSERT_EQUAL(stream_write(liar.s, liar.bytes, liar.n), liar.n);
	stream_fin(liar.s);
}

static void lie(const void *bytes, size_t n, int want)
{
	rig_open(&rig, "pair");
	CU_ASSERT_EQUAL(begin("a", "a"), 0);
	rig.a.t = mem_deref(rig.a.t);
	rig_start(&rig);
	liar.bytes = bytes;
	liar.n = n;
	fake_call(rig.loop, liar_speaks, NULL);
	CU_ASSERT(rig_until(&rig, rig_b_done));
	CU_ASSERT_EQUAL(rig.b.err, want);
	rig_close(&rig);
}

static void test_liars(void)
{
	static const uint8_t short_hello[] = { 1, 0, 0, 0, 2, 1, 9 };
	static const uint8_t proof_first[5 + 64] = { 3, 0, 0, 0, 64 };
	static const uint8_t too_long[] = { 1, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t version_2[5 + 33] = { 1, 0, 0, 0, 33, 2 };
	static const uint8_t neutral[5 + 33] = { 1, 0, 0, 0, 33, 1 };

	lie(short_hello, sizeof short_hello, EBADMSG);
	lie(proof_first, sizeof proof_first, EBADMSG);
	lie(too_long, sizeof too_long, EBADMSG);
	lie(version_2, sizeof version_2, EBADMSG);
	lie(neutral, sizeof neutral, EACCES);
}

UNIT_SUITE("pair",
	   { "who knows the code", test_agree },
	   { "in pieces", test_pieces },
	   { "who hears it first", test_order },
	   { "who does not", test_wrong_code },
	   { "a man in the middle", test_man_in_the_middle },
	   { "no code", test_no_code },
	   { "liars", test_liars })
