/*
 * resume.c: transfers by the tunnel file that are cut at any byte, and what is
 * there already: what has a name is whole, and nothing is sent twice.
 */
#include "tests/unit/tunnels/filerig.h"
#include "tunnels/file/filestage.h"
#include "tunnels/file/filestore.h"

/* The unfinished file of the first try cut at any length, or damaged. */
static void test_resume(void)
{
	static const size_t cut[] = { 1, 65535, 65536, 99999, 300000, 700000,
				      999999, 1000000, 1000001 };

	fresh_disk();
	fill(at("src/f"), 1000000, 3);
	sh("mkdir %s/in", dir);
	for (size_t i = 0; i < 2 * sizeof cut / sizeof cut[0]; i++) {
		const char *part = at("in/.f.dialtone-part");
		struct sending s;
		bool bad = i & 1;

		sh("cp %s/src/f %s", dir, part);
		CU_ASSERT_EQUAL(truncate(part, (off_t)cut[i / 2]), 0);
		if (bad)
			sh("printf X | dd of=%s bs=1 seek=%zu conv=notrunc "
			   "status=none", part, cut[i / 2] / 2);
		send_all(&s, ARGV("f"));
		CU_ASSERT_EQUAL(s.r.a.err, 0);
		CU_ASSERT_EQUAL(s.r.b.err, 0);
		CU_ASSERT_EQUAL(s.r.a.bytes, 1000000);
		CU_ASSERT_EQUAL(s.r.b.bytes, 1000000);
		/* what was there is not sent again; a little comes before
		 * it is known */
		if (!bad && cut[i / 2] <= 1000000)
			CU_ASSERT(rig_carried(&s.r) <= 1000000 - cut[i / 2] +
				  260000);
		rig_close(&s.r);
		sh("cd %s && cmp src/f in/f && rm in/f", dir);
		nothing_left();
	}
	sweep();
}

/* The same under its name: neither stored nor sent again. */
static void test_had(void)
{
	struct sending s;

	fresh();
	fill(at("src/f"), 3000000, 3);
	sh("cd %s && mkdir in && cp src/f in/f", dir);
	send_all(&s, ARGV("f"));
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "1 was there already"));
	CU_ASSERT(rig_carried(&s.r) < 300000);
	rig_close(&s.r);
	nothing_left();
	/* one byte differs, near the end */
	sh("cd %s && printf X | dd of=in/f bs=1 seek=2999000 conv=notrunc "
	   "status=none", dir);
	send_all(&s, ARGV("f"));
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	rig_close(&s.r);
	sh("cd %s && cmp src/f 'in/f (1)' && ! cmp -s src/f in/f", dir);
	nothing_left();
	sweep();
}

/* A large file that is to take the place of another of its size was cut: it
 * goes on, though that other looks as if it might be the same. */
static void test_resume_over(void)
{
	struct sending s;

	fresh();
	fill(at("src/f"), 3000000, 3);
	sh("mkdir %s/in", dir);
	fill(at("in/f"), 3000000, 4);
	sh("cd %s && head -c 2500000 src/f > in/.f.dialtone-part", dir);
	sending_init(&s, ARGV("--overwrite", "f"));
	s.conf.key[1] = "overwrite";
	s.conf.value[1] = "yes";
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT(rig_carried(&s.r) < 800000);
	rig_close(&s.r);
	sh("cd %s && cmp src/f in/f", dir);
	nothing_left();
	/* one that is cut before it is known leaves none */
	sending_init(&s, ARGV("f"));
	s.r.cut = 30000;
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_NOT_EQUAL(s.r.a.err, 0);
	rig_close(&s.r);
	nothing_left();
	sweep();
}

/* Cut at any byte, 200 times: what has a name is whole, and the next time
 * brings the rest; now and then another file is there by then. */
static void test_cut_anywhere(void)
{
	uint64_t total = 0;
	struct sending s;

	fresh();
	sh("cd %s/src && mkdir -p t/e/f t/empty && : > t/zero && "
	   "ln -s nowhere t/link && echo small > t/e/small && "
	   "truncate -s 400000 t/sparse && echo x >> t/sparse", dir);
	fill(at("src/t/big"), 300000, 1);
	fill(at("src/t/e/big"), 150000, 2);
	srand(1);
	for (int i = 0; i <= 200; i++) {
		sending_init(&s, ARGV("t"));
		s.r.cut = i ? 1 + (uint64_t)rand() % total : 0;
		rig_call(&s.r, &s.a, &s.b);
		rig_wait(&s.r);
		if (!i)
			total = rig_carried(&s.r);
		CU_ASSERT(i ? s.r.a.err : !s.r.a.err);
		rig_close(&s.r);
		if (i) {
			sh("cd %s/in/t 2>/dev/null || exit 0; find . -type f "
			   "! -name '.*' -exec cmp {} ../../src/t/{} ';' | "
			   "grep -q . && exit 1; exit 0", dir);
			if (i % 5 == 0)
				fill(at("src/t/big"), 300000 + (size_t)i,
				     (unsigned)i);
			send_all(&s, ARGV("t"));
			CU_ASSERT_EQUAL(s.r.a.err, 0);
			rig_close(&s.r);
		}
		/* a changed one got another name if the old was complete */
		sh("cd %s && if test -e 'in/t/big (1)'; then mv "
		   "'in/t/big (1)' in/t/big; fi && diff -r --no-dereference "
		   "src/t in/t && rm -r in", dir);
	}
	CU_ASSERT(total > 450000);
	sweep();
}

static void down_handler(void *arg)
{
	fakeflow_down(arg, ENOTCONN);
}

/* The flow is lost after so many bytes; what has come is kept. */
static void test_cut(void)
{
	struct stat st;

	fresh();
	fill(at("src/f"), 30000000, 4);
	for (int i = 0; i < 3; i++) {
		struct sending s;

		sending_init(&s, ARGV("f"));
		cut_at = 1;
		rig_call(&s.r, &s.a, &s.b);
		CU_ASSERT(rig_until(&s.r, cut_reached));
		fake_call(s.r.loop, down_handler, s.r.a.flow);
		rig_wait(&s.r);
		CU_ASSERT_NOT_EQUAL(s.r.a.err, 0);
		CU_ASSERT_NOT_EQUAL(s.r.b.err, 0);
		rig_close(&s.r);
		CU_ASSERT_EQUAL(stat(at("in/.f.dialtone-part"), &st), 0);
		CU_ASSERT(st.st_size > 0);
		CU_ASSERT_NOT_EQUAL(stat(at("in/f"), &st), 0);
	}
	(void)send_ok(ARGV("f"));
	sh("cd %s && cmp src/f in/f", dir);
	nothing_left();
	sweep();
}

static void drop_handler(void *arg)
{
	mem_deref(arg);
}

/* mem_deref in the middle, of either side, is a clean end. */
static void test_deref(void)
{
	fresh();
	fill(at("src/f"), 30000000, 4);
	sh("cd %s/src && for i in $(seq 50); do echo $i > g$i; done", dir);
	for (int i = 0; i < 6; i++) {
		struct sending s;

		sending_init(&s, ARGV("."));
		rig_call(&s.r, &s.a, &s.b);
		cut_at = (size_t)i * 1000;
		CU_ASSERT(rig_until(&s.r, cut_reached));
		if (i & 1) {
			struct tunnel *t = s.r.a.t;

			s.r.a.t = NULL;
			fake_call(s.r.loop, drop_handler, t);
			CU_ASSERT(rig_until(&s.r, rig_b_done));
			CU_ASSERT_NOT_EQUAL(s.r.b.err, 0);
		}
		else if (i & 2) {
			struct tunnel *t = s.r.b.t;

			s.r.b.t = NULL;
			fake_call(s.r.loop, drop_handler, t);
			CU_ASSERT(rig_until(&s.r, rig_a_done));
			CU_ASSERT_NOT_EQUAL(s.r.a.err, 0);
		}
		rig_close(&s.r);
	}
	sweep();
}

/* What a crash has left in the stage is swept by the next that comes. */
static void test_stale(void)
{
	fresh();
	sh("cd %s && mkdir -p in/.dialtone-stage-0badf00d && "
	   "echo 1 > in/.dialtone-stage-0badf00d/7 && echo 2 > src/f", dir);
	(void)send_ok(ARGV("f"));
	nothing_left();
	sweep();
}

/* Two at once, the same name: neither harms the other. */
static void test_two(void)
{
	struct sending s;
	char part[FILESTORE_NAME];
	int root, fd;
	bool made;

	fresh();
	fill(at("src/f"), 500000, 1);
	sh("mkdir %s/in", dir);
	CU_ASSERT_EQUAL(filestore_folder(&root, at("in"), &made), 0);
	CU_ASSERT_FALSE(made);
	CU_ASSERT_EQUAL(filestore_part(&fd, part, root, "f"), 0);
	CU_ASSERT_STRING_EQUAL(part, ".f.dialtone-part");
	CU_ASSERT_EQUAL(write(fd, "other", 5), 5);
	send_all(&s, ARGV("f"));
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	rig_close(&s.r);
	sh("cd %s && cmp src/f in/f && test \"$(cat in/%s)\" = other", dir,
	   part);
	close(fd);
	close(root);
	sweep();
}

/* What a receive leaves to its threads, in the open folder. */
static struct filestage *leave(int root)
{
	struct filestage *s = NULL;

	CU_ASSERT_EQUAL_FATAL(filestage_alloc(&s, root), 0);
	filestage_leave(filestage_ref(s));
	return s;
}

static void no_handler(void *arg)
{
	(void)arg;
}

/* Time for a receive that does not wait: it would have all by then. */
static void dawdle(struct rig *r)
{
	for (int i = 0; i < 200 && !r->a.done; i++) {
		fake_call(r->loop, no_handler, NULL);
		usleep(1000);
	}
}

/* The receive before this one was cut with the file complete, and still gives
 * it its name: this one begins after that, and finds it. One that is dropped
 * meanwhile goes at once; another folder's is not waited for. */
static void test_tail(void)
{
	char part[FILESTORE_NAME], as[FILESTORE_NAME];
	struct filestage *tail, *other;
	struct sending s;
	int root, src, fd;
	bool made;

	fresh();
	fill(at("src/f"), 3000000, 1);
	sh("mkdir %s/in", dir);
	CU_ASSERT_EQUAL_FATAL(filestore_folder(&root, at("in"), &made), 0);
	CU_ASSERT_EQUAL_FATAL(filestore_folder(&src, at("src"), &made), 0);
	CU_ASSERT_EQUAL_FATAL(filestore_part(&fd, part, root, "f"), 0);
	sh("cat %s/src/f > %s/in/%s", dir, dir, part);
	tail = leave(root);
	other = leave(src);
	sending_init(&s, ARGV("f"));
	rig_call(&s.r, &s.a, &s.b);
	rig_close(&s.r);

	sending_init(&s, ARGV("f"));
	rig_call(&s.r, &s.a, &s.b);
	dawdle(&s.r);
	CU_ASSERT_FALSE(s.r.a.done);
	CU_ASSERT_EQUAL(filestore_place(root, part, root, "f",
					FILESTORE_RENAME, as, &made), 0);
	close(fd);
	filestage_unref(tail);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "1 was there already"));
	CU_ASSERT(rig_carried(&s.r) < 300000);
	rig_close(&s.r);
	filestage_unref(other);
	nothing_left();
	sh("cd %s && cmp src/f in/f && test \"$(ls in)\" = f", dir);
	close(src);
	close(root);
	sweep();
}

UNIT_SUITE("file/resume",
	{ "resume", test_resume },
	{ "had", test_had },
	{ "resume_over", test_resume_over },
	{ "cut_anywhere", test_cut_anywhere },
	{ "cut", test_cut },
	{ "deref", test_deref },
	{ "stale", test_stale },
	{ "two", test_two },
	{ "tail", test_tail })
