/*
 * words.c: the words of the tunnel file and what its two sides say to them.
 */
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/filerig.h"

static void test_offer(void)
{
	struct sending s;

	fresh();
	sh("cd %s/src && echo 1 > f && mkfifo p && echo 2 > secret && "
	   "chmod 0 secret", dir);
	sending_init(&s, ARGV("f", "gone"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EPERM);
	CU_ASSERT_STRING_EQUAL(s.why, "gone cannot be sent: No such file or"
			       " directory.");
	rig_close(&s.r);
	sending_init(&s, ARGV("p"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "neither"));
	rig_close(&s.r);
	sending_init(&s, ARGV("-x"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "option -x"));
	rig_close(&s.r);
	sending_init(&s, ARGV("--"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	rig_close(&s.r);
	sending_init(&s, ARGV("/"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	rig_close(&s.r);
	if (geteuid()) {
		sending_init(&s, ARGV("secret"));
		CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EPERM);
		rig_close(&s.r);
	}
	sweep();
}

static void test_answer(void)
{
	struct sending s;

	fresh();
	fill(at("src/f"), 5000, 1);
	sending_init(&s, ARGV("f"));
	s.conf.key[1] = "max-size";
	s.conf.value[1] = "4999";
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&s.r, &s.b), EFBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "at most 4999"));
	rig_close(&s.r);
	/* who does not say how much it is, is held to it all the same */
	sending_init(&s, ARGV("f", "f"));
	s.conf.key[1] = "max-size";
	s.conf.value[1] = "9999";
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, EFBIG);
	CU_ASSERT_EQUAL(s.r.b.err, EFBIG);
	rig_close(&s.r);
	/* what the folder holds counts, what is there already not twice */
	sh("rm -rf %s/in && mkdir %s/in", dir, dir);
	fill(at("in/g"), 6000, 1);
	fill(at("src/h"), 200000, 1);
	for (int i = 0; i < 3; i++) {
		sending_init(&s, ARGV("f", "h"));
		s.conf.key[1] = "quota";
		s.conf.value[1] = i ? "217000" : "210999";
		rig_call(&s.r, &s.a, &s.b);
		rig_wait(&s.r);
		CU_ASSERT_EQUAL(s.r.a.err, i ? 0 : EDQUOT);
		rig_close(&s.r);
	}
	sh("cd %s && cmp src/h in/h && rm -r in", dir);
	sending_init(&s, ARGV("f"));
	s.conf.key[0] = NULL;
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&s.r, &s.b), ENOENT);
	rig_close(&s.r);
	sending_init(&s, ARGV("f"));
	s.b.allow = at("other/deep");
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	rig_close(&s.r);
	sh("cd %s && cmp src/f other/deep/f", dir);
	/* a folder that cannot be made */
	sending_init(&s, ARGV("f"));
	s.b.allow = at("src/f/in");
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, ENOTDIR);
	CU_ASSERT_EQUAL(s.r.b.err, ENOTDIR);
	rig_close(&s.r);
	sweep();
}

static void test_no_memory(void)
{
	struct sending s;
	struct rig_asks w = { &s.r, &s.a, &s.b };

	fresh();
	fill(at("src/f"), 5000, 1);
	sending_init(&s, ARGV("f"));
	FAIL_EACH(rig_words, &w);
	rig_close(&s.r);
	sweep();
}

UNIT_SUITE("file/words",
	{ "offer", test_offer },
	{ "answer", test_answer },
	{ "no_memory", test_no_memory })
