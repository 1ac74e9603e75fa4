/*
 * trees.c: files and trees by the tunnel file: whatever is sent arrives with
 * names, kinds, bytes, modes, times and holes.
 */
#include <fcntl.h>
#include <pthread.h>
#include "tests/unit/tunnels/filerig.h"
#include "tunnels/file/filebatch.h"

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

/* Several batches at once: a folder is left after its last file, whichever
 * batch that is in. */
static void test_batches(void)
{
	fresh();
	sh("mkdir -p %s/src/t && cd %s/src/t && for d in $(seq 40); do mkdir "
	   "$d; for i in $(seq 17); do echo $i > $d/$i; done; chmod 555 $d; "
	   "touch -d 2001-02-03 $d; done", dir, dir);
	(void)send_ok(ARGV("t"));
	sh("cd %s && diff -r src in && for d in src in; do (cd $d; find t "
	   "-mindepth 1 -printf '%%P %%m %%T@\n' | sort > ../list.$d); done; "
	   "cmp list.src list.in; chmod -R u+w src in", dir);
	sweep();
}

/* A batch on a thread of its own, as filequeue.c runs them. */
struct runner {
	pthread_t thread;
	struct filebatch *batch;
	_Atomic bool done;
};

static void *run_batch(void *arg)
{
	struct runner *r = arg;

	filebatch_run(r->batch);
	r->done = true;
	return NULL;
}

static void add_file(struct filebatch *b, uint64_t entry, const char *text)
{
	struct fileop *op;

	CU_ASSERT_EQUAL_FATAL(fileop_alloc(&op, FILEOP_SMALL, "", "f"), 0);
	op->data = mem_alloc(strlen(text), NULL);
	memcpy(op->data, text, strlen(text));
	op->size = strlen(text);
	op->entry = entry;
	op->mode = 0644;
	filebatch_add(b, op);
}

/* Whoever is sooner ready: names are given in the order of the turns. One
 * that is never run holds nobody up. */
static void test_turns(void)
{
	struct filestage *stage;
	struct filebatch *b[3];
	struct runner last = { .done = false };
	int root;

	fresh();
	sh("mkdir %s/in", dir);
	root = open(at("in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(filestage_alloc(&stage, root), 0);
	close(root);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(filebatch_alloc(&b[i], stage,
						      FILESTORE_RENAME), 0);
	add_file(b[0], 1, "first");
	add_file(b[2], 2, "last");
	mem_deref(b[1]);
	last.batch = b[2];
	pthread_create(&last.thread, NULL, run_batch, &last);
	/* it gets no further than to its turn */
	for (int i = 0; i < 200 && !last.done; i++)
		usleep(1000);
	CU_ASSERT(!last.done);
	filebatch_run(b[0]);
	pthread_join(last.thread, NULL);
	CU_ASSERT_EQUAL(b[0]->err + b[2]->err, 0);
	mem_deref(b[0]);
	mem_deref(b[2]);
	filestage_unref(stage);
	sh("cd %s/in && test $(cat f) = first && test $(ls -A | wc -l) = 2 &&"
	   " test $(cat f?*) = last", dir);
	sweep();
}

UNIT_SUITE("file/trees",
	{ "one", test_one },
	{ "tree", test_tree },
	{ "several", test_several },
	{ "long", test_long },
	{ "compress", test_compress },
	{ "sparse", test_sparse },
	{ "any_tree", test_any_tree },
	{ "many", test_many },
	{ "batches", test_batches },
	{ "turns", test_turns },
	{ "big", test_big })
