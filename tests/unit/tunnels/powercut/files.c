/*
 * files.c: tests tunnels/file.c against the end of the power: after each call
 * that the receiver has made, whatever of it the disk has kept (diskcut.h),
 *
 *   - a name stands for the whole right file, or is not there
 *   - the next try brings all of it, and leaves nothing else
 *   - once the sender has been told that all is there, all is
 */
#include "tests/unit/tunnels/powercut/diskcalls.h"
#include "tests/unit/tunnels/powercut/diskcut.h"
#include "tests/unit/tunnels/filerig.h"

enum { FILE_MAX = 1 << 20, RESUME_EACH = 7 };

struct scene {
	char *const *argv;
	const char *conf[4];            /* of the receiver: key, value... */
	bool over;                      /* what is in "old" gives way */
	bool written;                   /* by others, and not synced */
	int step;                       /* calls from cut to cut; 0: 1 */
};

static int first, told;                 /* calls of before; and before the
                                           sender knew */

static void told_handler(void)
{
	pthread_mutex_lock(&disk.lock);
	told = disk.n;
	pthread_mutex_unlock(&disk.lock);
}

static size_t slurp(uint8_t *buf, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(buf, 1, FILE_MAX, f);
	fclose(f);
	return n;
}

static bool same_bytes(const char *a, const char *b)
{
	static uint8_t x[FILE_MAX], y[FILE_MAX];
	const size_t n = slurp(x, a);

	return n == slurp(y, b) && !memcmp(x, y, n);
}

/* The whole right file? Or what it is to replace. */
static bool right_file(const struct scene *c, const char *src,
		       const char *old, const char *in)
{
	struct stat a, b;

	if (!lstat(src, &a) && S_ISREG(a.st_mode) && same_bytes(src, in) &&
	    !lstat(in, &b) && a.st_mode == b.st_mode &&
	    a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
	    a.st_mtim.tv_nsec == b.st_mtim.tv_nsec)
		return true;
	return (c->over || c->written) && !access(old, F_OK) &&
		same_bytes(c->written ? src : old, in);
}

/* What is in `in` is in `src` too, and the same. */
static bool right_names(const struct scene *c, const char *src,
			const char *old, const char *in)
{
	char s[DISK_PATH], o[DISK_PATH], i[DISK_PATH];
	DIR *d = opendir(in);
	bool ok = true;
	struct dirent *de;
	struct stat st;

	while (d && ok && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
		    strstr(de->d_name, "dialtone-"))
			continue;
		snprintf(s, sizeof s, "%s/%s", src, de->d_name);
		snprintf(o, sizeof o, "%s/%s", old, de->d_name);
		snprintf(i, sizeof i, "%s/%s", in, de->d_name);
		ok = !lstat(i, &st);
		if (ok && S_ISDIR(st.st_mode))
			ok = right_names(c, s, o, i);
		else if (ok && S_ISREG(st.st_mode))
			ok = right_file(c, s, o, i);
		if (!ok)
			printf("not right: %s\n", i);
	}
	if (d)
		closedir(d);
	return ok;
}

static void scene_send(const struct scene *c, bool recorded)
{
	struct sending s;

	sending_init(&s, c->argv);
	for (int i = 0; i < 2 && c->conf[2 * i]; i++) {
		s.conf.key[1 + i] = c->conf[2 * i];
		s.conf.value[1 + i] = c->conf[2 * i + 1];
	}
	if (recorded) {
		disklog_start(dir, !c->written);
		first = disklog_count();
		s.r.a.doneh = told_handler;
	}
	rig_call(&s.r, &s.a, &s.b);
	rig_wait(&s.r);
	if (s.r.a.err || s.r.b.err)
		printf("%s\n%s\n", s.r.a.why, s.r.b.why);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_EQUAL(s.r.b.err, 0);
	rig_close(&s.r);
	if (recorded)
		disklog_stop();
}

/* Equal, with the modes of the folders that are ours as well. What a cut
 * leaves of the stage is swept by the next that comes. */
static bool all_there(const struct scene *c, bool times)
{
	return !sh_status("cd %s && test -d in && diff -r --no-dereference -x '.dialtone-stage-*' src in &&"
	   " for d in src in; do (cd $d; find . -name '.dialtone-stage-*' "
	   "-prune -o -mindepth 1 ! -type l %s -printf '%%P %%m %%y %s\\0' |"
	   " sort -z > ../list.$d); done && (%s cmp list.src list.in)", dir,
	   c->over ? "! -type d" : "", times ? "%T@" : "",
	   c->written ? "true ||" : "");
}

static void clear(const char *name)
{
	sh("cd %s && chmod -R u+rwX %s 2>/dev/null; rm -rf %s", dir, name,
	   name);
}

/* Cut after the n-th call, look, and go on from there. */
static void scene_cut(const struct scene *c, int n, enum disk_how how,
		      uint32_t seed)
{
	bool ok = true;

	disklog_cut(n, how, seed, at("in"));
	clear("in.pool");
	/* what others have left half is theirs */
	if (!c->written || n >= told)
		ok = right_names(c, at("src"), at("old"), at("in"));
	if (n >= told)
		ok = ok && all_there(c, true);
	else if (!c->written && (n + (int)how) % RESUME_EACH == 0) {
		scene_send(c, false);
		/* what is looked for in a folder gives it a new time */
		ok = ok && all_there(c, false) &&
		     !sh_status("test -z \"$(find %s/in -name '*dialtone*')\"",
				dir);
	}
	CU_ASSERT(ok);
	if (!ok)
		printf("cut after call %d of %d, told after %d; kept %d\n", n,
		       disklog_count(), told, how);
	clear("in");
}

/* "old" is what the folder holds before. */
static void scene_run(const struct scene *c)
{
	int n;

	if (!access(at("old"), F_OK))
		sh("cd %s && cp -a old in", dir);
	scene_send(c, true);
	n = disklog_count();
	CU_ASSERT(told > first + 2 && told <= n);
	clear("in");
	for (int i = first; i <= n; i += c->step ? c->step : 1)
		for (int how = 0; how < DISK_HOWS; how++)
			scene_cut(c, i, how, (uint32_t)i);
	disklog_free();
	sweep();
}

static void test_few(void)
{
	const struct scene c = { .argv = ARGV("big", "small", "d") };

	fresh();
	fill(at("src/big"), 150000, 1);
	sh("mkdir %s/old; cd %s/src && mkdir -p d/e/f && echo 1 > d/e/f/one && ln -s x d/l && "
	   "echo 2 > small && chmod 640 small && chmod 750 d/e && "
	   "touch -d 2001-02-03 d/e/f/one d/e d", dir, dir);
	scene_run(&c);
}

/* The folder itself is new. */
static void test_first(void)
{
	const struct scene c = { .argv = ARGV("f") };

	fresh();
	sh("echo 1 > %s/src/f", dir);
	scene_run(&c);
}

/* Nothing but it is new where it is. */
static void test_folder(void)
{
	const struct scene c = { .argv = ARGV("d") };

	fresh();
	sh("cd %s && mkdir -p old src/d && echo 1 > src/d/f", dir);
	scene_run(&c);
}

static void test_many(void)
{
	const struct scene c = { .argv = ARGV("t") };

	fresh();
	sh("cd %s/src && mkdir -p t/a/b t/empty && : > t/zero && "
	   "for i in 1 2 3 4 5 6; do echo $i > t/$i; echo $i > t/a/b/$i; done;"
	   " ln -s 1 t/a/l; touch -d 2001-02-03 t/a/b t/a", dir);
	fill(at("src/t/a/big"), 80000, 1);
	fill(at("src/t/big"), 90000, 2);
	scene_run(&c);
}

/* So many that two batches are under way at once: the first is of 256. */
static void test_batches(void)
{
	const struct scene c = { .argv = ARGV("t"), .step = 211 };

	fresh();
	sh("mkdir -p %s/src/t/a && cd %s/src/t/a && for i in $(seq 290); do "
	   "echo $i > $i; done; touch -d 2001-02-03 .", dir, dir);
	scene_run(&c);
}

/* From an unfinished one of another time, right or wrong in the middle. */
static void test_resumed(void)
{
	const struct scene c = { .argv = ARGV("f", "g") };

	fresh();
	fill(at("src/f"), 200000, 1);
	fill(at("src/g"), 200000, 2);
	sh("cd %s && mkdir old && head -c 120000 src/f > "
	   "old/.f.dialtone-part && (head -c 9000 src/g; head -c 90000 src/f) >"
	   " old/.g.dialtone-part", dir);
	scene_run(&c);
}

static void test_holes(void)
{
	const struct scene c = { .argv = ARGV("f") };

	fresh();
	sh("cd %s && truncate -s 400000 src/f && echo x >> src/f && "
	   "mkdir old && head -c 200000 /dev/zero | tr '\\0' y > "
	   "old/.f.dialtone-part", dir);
	scene_run(&c);
}

static void test_overwrite(void)
{
	const struct scene c = { .argv = ARGV("--overwrite", "f", "d"),
				 .conf = { "overwrite", "yes" },
				 .over = true };

	fresh();
	fill(at("src/f"), 100000, 1);
	sh("cd %s && mkdir -p src/d old && echo new > src/d/g && "
	   "cp -a src/d old && echo old > old/d/g && echo old > old/f", dir);
	scene_run(&c);
}

/* What somebody else has put there is on the disk too before it counts. */
static void test_had(void)
{
	const struct scene c = { .argv = ARGV("f", "g"), .written = true };

	fresh();
	fill(at("src/f"), 100000, 1);
	sh("cd %s && echo 1 > src/g && cp -r src old", dir);
	scene_run(&c);
}

UNIT_SUITE("tunnels/powercut/files",
	{ "few", test_few },
	{ "first", test_first },
	{ "folder", test_folder },
	{ "many", test_many },
	{ "batches", test_batches },
	{ "resumed", test_resumed },
	{ "holes", test_holes },
	{ "overwrite", test_overwrite },
	{ "had", test_had })
