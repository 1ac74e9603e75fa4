/*
 * file.c: tests tunnels/file.c and its helpers: trees there and back, names,
 * resuming, what disks do. What a peer may not do: fileliar.c.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/filerig.h"
#include "tunnels/ending.h"
#include "tunnels/file/filestore.h"
#include "tunnels/file/filewire.h"

static void nothing_left(void)
{
	sh("test -z \"$(find %s/in -name '*dialtone*')\"", dir);
}

static void test_one(void)
{
	struct sending s;
	struct stat a, b;

	fresh_disk();
	fill(at("src/report.pdf"), 3000000, 1);
	sh("chmod 640 %s/src/report.pdf; touch -d '2001-02-03 04:05:06.5' "
	   "%s/src/report.pdf", dir, dir);
	send_all(&s, ARGV("report.pdf"));
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_EQUAL(s.r.b.err, 0);
	CU_ASSERT_EQUAL(s.r.a.bytes, 3000000);
	CU_ASSERT_EQUAL(s.r.a.total, 3000000);
	CU_ASSERT_EQUAL(s.r.b.bytes, 3000000);
	CU_ASSERT_EQUAL(s.r.b.files, 1);
	rig_close(&s.r);
	sh("cmp %s/src/report.pdf %s/in/report.pdf", dir, dir);
	CU_ASSERT_EQUAL(stat(at("src/report.pdf"), &a), 0);
	CU_ASSERT_EQUAL(stat(at("in/report.pdf"), &b), 0);
	CU_ASSERT_EQUAL(a.st_mode, b.st_mode);
	CU_ASSERT_EQUAL(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
	CU_ASSERT_EQUAL(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
	CU_ASSERT_EQUAL(stat(at("in"), &b), 0);
	CU_ASSERT_EQUAL(b.st_mode & 0777, 0700);
	nothing_left();
	sweep();
}

static void test_tree(void)
{
	fresh();
	sh("cd %s/src && mkdir -p t/a/b/c t/empty t/ro && : > t/zero && "
	   "echo x > 't/new\nline' && echo y > \"t/\xff\xfe\" && "
	   "echo z > t/a/-rf && ln -s ../../etc t/a/link && "
	   "ln -s gone t/dangling && echo q > t/ro/file && "
	   "mkfifo t/ff0 && rm t/ff0 && chmod 555 t/ro && "
	   "touch -d 2010-01-01 t/a/b/c t/a t", dir);
	for (int i = 0; i < 300; i++) {
		char name[64];

		snprintf(name, sizeof name, "src/t/a/b/f%d", i);
		fill(at(name), (size_t)(i * i * 7 % 100000), (unsigned)i);
	}
	sh("touch -d 2011-01-01 %s/src/t/a/b", dir);
	(void)send_ok(ARGV("t"));
	sh("cd %s && diff -r --no-dereference src/t in/t", dir);
	sh("cd %s/src && find . -mindepth 1 ! -type l "
	   "-printf '%%P %%m %%T@ %%y %%l\\n' | sort > ../l1; cd ../in && "
	   "find . -mindepth 1 ! -type l -printf '%%P %%m %%T@ %%y %%l\\n' | "
	   "sort > ../l2; diff ../l1 ../l2", dir);
	nothing_left();
	/* again: the same is there already, nothing is added */
	(void)send_ok(ARGV("t"));
	sh("cd %s && diff -r --no-dereference src/t in/t", dir);
	sweep();
}

static void test_several(void)
{
	fresh();
	sh("cd %s/src && mkdir -p d/e && echo 1 > d/e/f && echo 2 > g && "
	   "echo 3 > ./-h && ln -s g k", dir);
	(void)send_ok(ARGV("g", "d/", "k", "--", "-h"));
	sh("cd %s && diff src/g in/g && diff -r src/d in/d && "
	   "diff src/-h in/-h && diff src/k in/k && test ! -L in/k", dir);
	(void)send_ok(ARGV("."));
	sh("cd %s && diff -r src in/src", dir);
	sweep();
}

static void test_existing(void)
{
	struct sending s;

	fresh_disk();
	sh("cd %s && echo new > src/a.txt && mkdir in && echo old > in/a.txt",
	   dir);
	send_all(&s, ARGV("a.txt"));
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "a (1).txt"));
	rig_close(&s.r);
	sh("cd %s && test \"$(cat in/a.txt)\" = old && "
	   "cmp src/a.txt 'in/a (1).txt'", dir);
	(void)send_ok(ARGV("a.txt"));   /* a (1).txt is the same */
	sh("cd %s && test $(ls in | wc -l) = 2", dir);
	fill(at("src/big.tar.gz"), 400000, 5);
	fill(at("in/big.tar.gz"), 400000, 6);
	(void)send_ok(ARGV("big.tar.gz"));
	sh("cd %s && cmp src/big.tar.gz 'in/big (1).tar.gz'", dir);
	/* the same under its name: not stored again */
	sh("cd %s && cp src/big.tar.gz in/big.tar.gz && "
	   "rm 'in/big (1).tar.gz'", dir);
	(void)send_ok(ARGV("big.tar.gz"));
	sh("cd %s && test $(ls in | wc -l) = 3", dir);
	nothing_left();
	sweep();
}

/* --overwrite: a file or a link gives way, a folder does not; and only if
 * the receiver's configuration agrees. */
static void test_overwrite(void)
{
	struct sending s;

	fresh();
	sh("cd %s && mkdir -p src/d in/d/deep && echo new > src/a && "
	   "echo old > in/a && ln -s new src/d/l && ln -s old in/d/l && "
	   "echo new > src/d/deep && echo new > src/d/k && ln -s /etc/passwd "
	   "in/d/k", dir);
	fill(at("src/big"), 300000, 1);
	fill(at("in/big"), 300000, 2);
	sending_init(&s, ARGV("--overwrite", "a"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&s.r, &s.b), EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "overwrite in [file]"));
	rig_close(&s.r);
	sending_init(&s, ARGV("--overwrite", "a", "big", "d"));
	s.conf.key[1] = "overwrite";
	s.conf.value[1] = "yes";
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, EIO);        /* deep is a folder there */
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "d/deep"));
	rig_close(&s.r);
	sh("cd %s && cmp src/a in/a && cmp src/big in/big && test $(ls in | "
	   "wc -l) = 3 && test \"$(readlink in/d/l)\" = new && test ! -L "
	   "in/d/k && cmp src/d/k in/d/k && test -d in/d/deep && test -s "
	   "/etc/passwd", dir);
	/* what the user did not say is not done */
	sending_init(&s, ARGV("--overwrite", "--rename", "a"));
	s.conf.key[1] = "overwrite";
	s.conf.value[1] = "yes";
	sh("echo third > %s/in/a", dir);
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	rig_close(&s.r);
	sh("cd %s && cmp src/a 'in/a (1)'", dir);
	nothing_left();
	sweep();
}

static void test_names(void)
{
	char out[FILESTORE_NAME], name[256];

	filestore_name(out, "a.txt", 2);
	CU_ASSERT_STRING_EQUAL(out, "a (2).txt");
	filestore_name(out, ".bashrc", 1);
	CU_ASSERT_STRING_EQUAL(out, ".bashrc (1)");
	filestore_name(out, "x.tar.xz", 1);
	CU_ASSERT_STRING_EQUAL(out, "x (1).tar.xz");
	memset(name, 'n', 255);
	name[255] = '\0';
	filestore_name(out, name, 3);
	CU_ASSERT_EQUAL(strlen(out), 255);
	CU_ASSERT_STRING_EQUAL(out + 251, " (3)");
	CU_ASSERT_TRUE(filewire_name_ok("a"));
	CU_ASSERT_TRUE(filewire_name_ok("..."));
	CU_ASSERT_TRUE(filewire_name_ok("\n"));
	CU_ASSERT_FALSE(filewire_name_ok(""));
	CU_ASSERT_FALSE(filewire_name_ok("."));
	CU_ASSERT_FALSE(filewire_name_ok(".."));
	CU_ASSERT_FALSE(filewire_name_ok("a/b"));
	CU_ASSERT_FALSE(filewire_name_ok("/etc"));
	CU_ASSERT_FALSE(filewire_name_ok(".x.dialtone-part"));
	CU_ASSERT_FALSE(filewire_name_ok(".dialtone-stage-1"));
}

/* A name as long as names may be has an unfinished file too. */
static void test_long(void)
{
	char name[256], path[400];

	fresh();
	memset(name, 'n', 255);
	name[255] = '\0';
	snprintf(path, sizeof path, "%s/src/%s", dir, name);
	fill(path, 100000, 1);
	(void)send_ok(ARGV(name));
	sh("cd %s && diff -r src in", dir);
	sweep();
}

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
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "1 were there already"));
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

/* What shrinks is packed if asked to, what does not is not; both arrive, and
 * after a cut they go on. */
static void test_compress(void)
{
	struct sending s;
	uint64_t all;
	int tries, err;

	fresh();
	sh("cd %s/src && seq 400000 > text && head -c 3000000 /dev/urandom > "
	   "noise && cat text noise text > mix", dir);
	sending_init(&s, ARGV("--no-compress", "text", "noise", "mix"));
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	all = rig_carried(&s.r);
	rig_close(&s.r);
	sh("cd %s && diff -r src in && rm -r in", dir);
	sending_init(&s, ARGV("--compress", "text", "noise", "mix"));
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_EQUAL(s.r.a.bytes, s.r.a.total);
	CU_ASSERT_EQUAL(s.r.b.bytes, s.r.a.total);
	CU_ASSERT(rig_carried(&s.r) < all * 8 / 10);
	CU_ASSERT(rig_carried(&s.r) > 6000000);
	rig_close(&s.r);
	sh("cd %s && diff -r src in && rm -r in", dir);
	for (tries = 0, err = 1; err && tries < 40; tries++) {
		sending_init(&s, ARGV("--compress", "mix"));
		s.r.cut = 700000;
		rig_call(&s.r, &s.a, &s.b);
		rig_wait(&s.r);
		err = s.r.a.err;
		rig_close(&s.r);
	}
	CU_ASSERT(tries > 3 && tries < 40);
	sh("cd %s && cmp src/mix in/mix", dir);
	nothing_left();
	sweep();
}

static off_t blocks(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_blocks * 512;
}

/* Holes stay holes, also where old bytes have to go; 5 GB in no time. */
static void test_sparse(void)
{
	static const char *const old[] = { "", "truncate -s 7M", "fill" };

	fresh_disk();
	sh("cd %s/src && truncate -s 5G f && for i in 0 1 1000 5119; do "
	   "head -c 300000 /dev/urandom | dd of=f bs=1M seek=$i conv=notrunc "
	   "status=none; done && truncate -s 3000000 hole", dir);
	for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
		const char *part = at("in/.f.dialtone-part");

		sh("mkdir %s/in", dir);
		if (!strcmp(old[i], "fill"))
			fill(part, 5000000, 8);
		else if (*old[i])
			sh("%s %s", old[i], part);
		(void)send_ok(ARGV("f", "hole"));
		sh("cd %s && for i in 0 1 2 3 999 1000 1001 5119; do for d in"
		   " src in; do dd if=$d/f bs=1M skip=$i count=1 status=none |"
		   " md5sum; done | uniq | wc -l | grep -qx 1 || exit 1; done &&"
		   " cmp src/hole in/hole && test $(stat -c %%s in/f) = "
		   "5368709120", dir);
		CU_ASSERT(blocks(at("in/f")) < 20000000);
		CU_ASSERT_EQUAL(blocks(at("in/hole")), 0);
		nothing_left();
		sh("rm -r %s/in", dir);
	}
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

/* A name of any bytes but the two that no name has. */
static void any_name(char *name, size_t max)
{
	size_t n = 1 + (size_t)rand() % (rand() % 8 ? 12 : max - 20);

	for (size_t i = 0; i < n; i++) {
		do
			name[i] = (char)(rand() % 255 + 1);
		while (name[i] == '/');
	}
	name[n] = '\0';
}

static void any_tree(const char *path, int depth)
{
	const int n = rand() % 9;

	for (int i = 0; i < n; i++) {
		char name[256], full[4096];
		struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
					  { rand(), rand() % 1000000000 } };

		any_name(name, sizeof name);
		if (!strcmp(name, ".") || !strcmp(name, "..") ||
		    strlen(path) + strlen(name) > 3000)
			continue;
		snprintf(full, sizeof full, "%s/%s", path, name);
		switch (rand() % 6) {
		case 0:
			if (depth < 6 && !mkdir(full, 0777))
				any_tree(full, depth + 1);
			break;
		case 1:
			(void)!symlink(name + rand() % (int)strlen(name), full);
			continue;
		default:
			if (!access(full, F_OK))
				continue;
			fill(full, (size_t)(rand() % 3 ? rand() % 3000 :
					    rand() % 200000),
			     (unsigned)rand());
		}
		(void)chmod(full, (mode_t)(rand() & 077) | 0700);
		(void)utimensat(AT_FDCWD, full, ts, AT_SYMLINK_NOFOLLOW);
	}
}

/* Whatever tree there is, the same arrives: names, kinds, bytes, modes and
 * times; and a second time nothing of it (but folders that were looked into
 * for an unfinished file have a new time). */
static void test_any_tree(void)
{
	char top[256];

	srand(7);
	for (int i = 0; i < 40; i++) {
		fresh();
		snprintf(top, sizeof top, "%s/src/t", dir);
		(void)mkdir(top, 0755);
		any_tree(top, 0);
		for (int k = 0; k < 2; k++) {
			(void)send_ok(ARGV("t"));
			sh("cd %s && diff -r --no-dereference src/t in/t && "
			   "for d in src in; do (cd $d; find . -mindepth 1 ! "
			   "-type l %s -printf '%%P %%m %%y %%T@\\0' | "
			   "sort -z > ../list.$d); done; cmp list.src list.in",
			   dir, k ? "! -type d" : "");
		}
		sweep();
	}
}

static size_t cut_at;

static bool cut_reached(struct rig *r)
{
	return r->b.bytes >= cut_at || r->a.done;
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

static void test_offer(void)
{
	struct sending s;

	fresh();
	sh("cd %s/src && echo 1 > f && mkfifo p && echo 2 > secret && "
	   "chmod 0 secret", dir);
	sending_init(&s, ARGV("f", "gone"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
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
		CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
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

/* What cannot be sent is told, the rest arrives. */
static void test_partly(void)
{
	struct sending s;

	fresh();
	sh("cd %s/src && mkdir d && echo 1 > d/a && mkfifo d/b && echo 3 > d/c"
	   " && echo 4 > d/.z.dialtone-part", dir);
	send_all(&s, ARGV("d"));
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "2 of 5"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "d/b: not sent"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, ".z.dialtone-part"));
	rig_close(&s.r);
	sh("cd %s && cmp src/d/a in/d/a && cmp src/d/c in/d/c", dir);
	sweep();
}

static void change_handler(void *arg)
{
	(void)arg;
	sh("echo more >> %s/src/f", dir);
}

static void test_changed(void)
{
	struct sending s;

	fresh();
	fill(at("src/f"), 30000000, 4);
	sending_init(&s, ARGV("f"));
	rig_call(&s.r, &s.a, &s.b);
	cut_at = 1;
	CU_ASSERT(rig_until(&s.r, cut_reached));
	fake_call(s.r.loop, change_handler, NULL);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "changed"));
	rig_close(&s.r);
	sh("test -z \"$(ls -A %s/in)\"", dir);
	sweep();
}

/* A name that is taken by something else, and links that lead away. */
static void test_in_the_way(void)
{
	struct sending s;

	fresh();
	sh("cd %s && mkdir -p src/d/e away in && echo 1 > src/d/e/f && "
	   "echo 2 > src/d/g && ln -s ../away in/d", dir);
	send_all(&s, ARGV("d"));
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "in the way"));
	rig_close(&s.r);
	sh("test -z \"$(ls -A %s/away)\"", dir);
	sh("cd %s && rm in/d && mkdir in/d && ln -s /etc/passwd in/d/g && "
	   "ln -s ../../away in/d/e", dir);
	send_all(&s, ARGV("d"));
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	rig_close(&s.r);
	sh("cd %s && test -L in/d/g && cmp src/d/g 'in/d/g (1)' && "
	   "test -z \"$(ls -A away)\" && test ! -e in/f && test ! -e in/d/f",
	   dir);
	/* an unfinished file that is a trap */
	fill(at("src/big"), 200000, 1);
	sh("cd %s && ln -s ../away/x in/.big.dialtone-part", dir);
	(void)send_ok(ARGV("big"));
	sh("cd %s && cmp src/big in/big && test ! -e away/x", dir);
	sweep();
}

/* In a child: a small file system of its own, or a limit on file sizes. */
static int full_disk_child(void)
{
	struct sending s;
	bool ok;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", at("in"), "tmpfs", 0, "size=1m"))
		return 77;
	send_all(&s, ARGV("big"));
	ok = s.r.a.err == ENOSPC && s.r.b.err == ENOSPC &&
	     strstr(s.r.a.why, "the disk there is full");
	rig_close(&s.r);
	ok = ok && !sh_status("test -z \"$(ls -A %s/in)\"", dir);
	send_all(&s, ARGV("many"));
	ok = ok && s.r.a.err == ENOSPC && s.r.b.err == ENOSPC;
	rig_close(&s.r);
	ok = ok && !sh_status("test -z \"$(find %s/in -name '*dialtone*')\"",
			      dir);
	/* what got its name is whole */
	ok = ok && !sh_status("cd %s/in/many && for f in *; do "
			      "cmp $f ../../src/many/$f || exit 1; done",
			      dir);
	return ok ? 0 : 1;
}

static void test_full_disk(void)
{
	int status;
	pid_t pid;

	fresh_disk();
	sh("mkdir %s/in %s/src/many", dir, dir);
	fill(at("src/big"), 3000000, 1);
	for (int i = 0; i < 60; i++) {
		char name[64];

		snprintf(name, sizeof name, "src/many/f%d", i);
		fill(at(name), 50000, (unsigned)i);
	}
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(full_disk_child());
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	sweep();
}

/* Mounts inside the inbox: nothing can be renamed into them from outside. */
static int mounts_child(void)
{
	struct sending s;
	bool ok;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", at("in/d/fs"), "tmpfs", 0, "size=9m") ||
	    mount(at("other"), at("in/d/bind"), NULL, MS_BIND, NULL))
		return 77;
	for (int i = 0; i < 2; i++) {
		send_all(&s, i ? ARGV("d/bind") : ARGV("d"));
		ok = !s.r.a.err && !s.r.b.err;
		if (!ok)
			printf("%s\n", s.r.a.notes);
		rig_close(&s.r);
		if (!ok)
			return 1;
		if (i)          /* few are synced otherwise */
			continue;
		ok = !sh_status("cd %s && diff -r --no-dereference src/d in/d"
				" && mkdir in/bind && for d in src/d in/d; do "
				"(cd $d; find . -mindepth 2 ! -type l -printf "
				"'%%P %%m %%y %%T@\n' | sort > %s/l.${d%%/*});"
				" done; diff l.src l.in", dir, dir);
		if (!ok || mount(at("other"), at("in/bind"), NULL, MS_BIND,
				 NULL))
			return 1;
	}
	return sh_status("cd %s && test -z \"$(find in -name '*dialtone*')\"",
			 dir) ? 1 : 0;
}

static void test_mounts(void)
{
	int status;
	pid_t pid;

	fresh_disk();
	sh("cd %s && mkdir -p in/d/fs in/d/bind other src/d/fs/sub "
	   "src/d/bind/sub && for d in . fs bind fs/sub bind/sub; do for i in "
	   "1 2 3 4; do echo $d$i > src/d/$d/$i; done; ln -s x src/d/$d/l; "
	   "touch -d 2001-02-03 src/d/$d; done", dir);
	fill(at("src/d/fs/big"), 300000, 1);
	fill(at("src/d/bind/sub/big"), 300000, 2);
	sh("touch -d 2001-02-03 %s/src/d/fs %s/src/d/bind/sub "
	   "%s/src/d/bind; chmod -R u=rwX,go= %s/src/d %s/other", dir, dir,
	   dir, dir, dir);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(mounts_child());
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
	sweep();
}

static void test_file_limit(void)
{
	const struct rlimit small = { 1000000, RLIM_INFINITY };
	struct rlimit old;
	struct sending s;

	fresh();
	fill(at("src/big"), 3000000, 1);
	fill(at("src/small"), 1000, 1);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	setrlimit(RLIMIT_FSIZE, &small);
	send_all(&s, ARGV("big", "small"));
	setrlimit(RLIMIT_FSIZE, &old);
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "larger than"));
	rig_close(&s.r);
	sh("cd %s && cmp src/small in/small && test ! -e in/big", dir);
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

/* Names and texts of the peer's cannot write to the terminal. */
static void test_plain(void)
{
	char out[64];

	(void)re_snprintf(out, sizeof out, "%H", plain_print,
			  "a\033[2Jb\n\xc2\x9bz\xc3\xa9");
	CU_ASSERT_STRING_EQUAL(out, "a\\x1b[2Jb\\x0a\\xc2\\x9bz\xc3\xa9");
}

static void test_many(void)
{
	uint64_t t0, t1;

	fresh();
	sh("mkdir %s/src/m && cd %s/src/m && for d in 1 2 3 4 5; do mkdir $d;"
	   " (cd $d; head -c 1024000 /dev/urandom | split -b 1024 -a 4); "
	   "done", dir, dir);
	t0 = clock_ns();
	(void)send_ok(ARGV("m"));
	t1 = clock_ns();
	sh("cd %s && diff -r src/m in/m", dir);
	nothing_left();
	if (getenv("UNIT_TIMES"))
		printf("5000 files: %llu ms\n",
		       (unsigned long long)((t1 - t0) / MSEC));
	sweep();
}

static void test_big(void)
{
	uint64_t t0, t1;

	fresh();
	sh("head -c 200000000 /dev/urandom > %s/src/big", dir);
	t0 = clock_ns();
	(void)send_ok(ARGV("big"));
	t1 = clock_ns();
	sh("cd %s && cmp src/big in/big", dir);
	if (getenv("UNIT_TIMES"))
		printf("200 MB: %llu ms\n",
		       (unsigned long long)((t1 - t0) / MSEC));
	sweep();
}

static int words_run(void *arg)
{
	struct sending *x = arg;

	return rig_words(&x->r, &x->a, &x->b);
}

static void test_no_memory(void)
{
	struct sending s;

	fresh();
	fill(at("src/f"), 5000, 1);
	sending_init(&s, ARGV("f"));
	FAIL_EACH(words_run, &s);
	rig_close(&s.r);
	sweep();
}

UNIT_SUITE("tunnels/file",
	{ "one", test_one },
	{ "tree", test_tree },
	{ "several", test_several },
	{ "existing", test_existing },
	{ "overwrite", test_overwrite },
	{ "names", test_names },
	{ "long", test_long },
	{ "resume", test_resume },
	{ "had", test_had },
	{ "compress", test_compress },
	{ "sparse", test_sparse },
	{ "cut_anywhere", test_cut_anywhere },
	{ "any_tree", test_any_tree },
	{ "cut", test_cut },
	{ "deref", test_deref },
	{ "offer", test_offer },
	{ "answer", test_answer },
	{ "partly", test_partly },
	{ "changed", test_changed },
	{ "in_the_way", test_in_the_way },
	{ "full_disk", test_full_disk },
	{ "mounts", test_mounts },
	{ "file_limit", test_file_limit },
	{ "stale", test_stale },
	{ "two", test_two },
	{ "plain", test_plain },
	{ "many", test_many },
	{ "big", test_big },
	{ "no_memory", test_no_memory })
