/*
 * get.c: tests tunnels/get.c: what is fetched, from where, and what is not
 * given to anybody.
 */
#include <sys/fsuid.h>
#include <sys/wait.h>
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/filerig.h"
#include "tunnels/file/filefolder.h"
#include "tunnels/file/filemay.h"
#include "tunnels/file/filewire.h"
#include "tunnels/record.h"

/* alice fetches argv from dir/src into dir/in, or where it says. */
static void get_init(struct sending *s, char *const *argv)
{
	sending_kind(s, "get", argv);
	snprintf(s->cwd, sizeof s->cwd, "%s/in", dir);
	snprintf(s->inbox, sizeof s->inbox, "%s/src", dir);
	s->b.allow = s->inbox;
}

static void get_all(struct sending *s, char *const *argv)
{
	get_init(s, argv);
	rig_call(&s->r, &s->a, &s->b);
	rig_wait(&s->r);
}

static void get_ok(char *const *argv)
{
	struct sending s;

	get_all(&s, argv);
	if (s.r.a.err)
		printf("get: %s\n", s.r.a.why);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_EQUAL(s.r.b.err, 0);
	rig_close(&s.r);
}

/* Who asked hears it at once; who was asked gives him 2 s to go. */
static void get_fails(const char *text, char *const *argv)
{
	struct sending s;

	get_init(&s, argv);
	rig_call(&s.r, &s.a, &s.b);
	CU_ASSERT(rig_until(&s.r, rig_a_done));
	CU_ASSERT_NOT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, text));
	if (!strstr(s.r.a.why, text))
		printf("get says: %s\n", s.r.a.why);
	rig_close(&s.r);
	sh("test -z \"$(ls -A %s/in 2> /dev/null)\"", dir);
}

static void test_get(void)
{
	char abs[128];

	fresh();
	sh("cd %s/src && mkdir -p t/u t/empty && echo 1 > t/u/x && ln -s x "
	   "t/u/l && : > zero && echo 2 > 'a b'", dir);
	fill(at("src/t/big"), 3000000, 1);
	snprintf(abs, sizeof abs, "%s/src/zero", dir);
	get_ok(ARGV("t", "a b", abs));
	sh("cd %s && diff -r --no-dereference src in && test -L in/t/u/l",
	   dir);
	sweep();
}

static void test_into(void)
{
	fresh();
	sh("cd %s/src && mkdir -p t/u && echo 1 > t/u/x && echo 2 > y", dir);
	get_ok(ARGV("--into", "deep/er", "--", "t/u"));
	sh("cd %s && cmp src/t/u/x in/deep/er/u/x", dir);
	get_ok(ARGV("."));
	sh("cd %s && diff -r src in/src", dir);
	/* our own files are ours to overwrite, if we say so */
	sh("echo other > %s/in/y", dir);
	get_ok(ARGV("y"));
	sh("cd %s && cmp src/y 'in/y (1)' && grep -q other in/y", dir);
	get_ok(ARGV("--overwrite", "y"));
	sh("cd %s && cmp src/y in/y", dir);
	sweep();
}

static void test_nobody_goes(void)
{
	struct sending s;

	fresh();
	get_all(&s, ARGV("nothing"));
	CU_ASSERT_EQUAL(s.r.a.err, ENOENT);
	CU_ASSERT_EQUAL(s.r.b.err, ENOENT);
	rig_close(&s.r);
	sweep();
}

static void test_outside(void)
{
	char sibling[160], above[160];

	fresh();
	sh("cd %s && mkdir -p src/d src2 secret && echo 1 > secret/x && echo 2 "
	   "> src2/x && ln -s ../secret src/away && ln -s ../secret/x src/xl "
	   "&& ln -s d src/in && echo 3 > src/d/ok && mkfifo src/pipe", dir);
	snprintf(sibling, sizeof sibling, "%s/src2/x", dir);
	snprintf(above, sizeof above, "%s/src/../secret/x", dir);
	get_fails("No such file", ARGV("nothing"));
	get_fails("leads out", ARGV("../secret/x"));
	get_fails("leads out", ARGV("d/../../secret/x"));
	get_fails("No such file", ARGV("/etc/passwd"));
	get_fails("No such file", ARGV(sibling));
	get_fails("leads out", ARGV(above));
	get_fails("leads out", ARGV("away/x"));
	get_fails("leads out", ARGV("away"));
	get_fails("leads out", ARGV("xl"));
	get_fails("leads out", ARGV("in/ok"));
	get_fails("neither a file", ARGV("pipe"));
	get_fails("cannot give it", ARGV("d", "nothing"));
	/* a tree with such links in it: they come as links */
	get_ok(ARGV("d/../d"));
	sh("cd %s && cmp src/d/ok in/d/ok", dir);
	sweep();
}

static void test_folders(void)
{
	struct filewalk_arg arg = { NULL, NULL, NULL };
	char list[256];
	int fd;

	fresh();
	sh("cd %s && mkdir -p 'one/a b' two && echo 1 > two/x && echo 2 > "
	   "'one/a b/y' && echo 3 > one/x", dir);
	CU_ASSERT_TRUE(filefolder_ok("/"));
	CU_ASSERT_TRUE(filefolder_ok("/srv/share"));
	CU_ASSERT_TRUE(filefolder_ok("/srv/a b /srv/c"));
	CU_ASSERT_FALSE(filefolder_ok(""));
	CU_ASSERT_FALSE(filefolder_ok("share"));
	snprintf(list, sizeof list, "%s/one/a b/ %s/two", dir, dir);
	CU_ASSERT_EQUAL(filefolder_find(&arg, &fd, list, "x"), 0);
	CU_ASSERT_STRING_EQUAL(arg.name, "x");
	close(fd);
	mem_deref(arg.path);
	mem_deref(arg.name);
	mem_deref(arg.shown);
	memset(&arg, 0, sizeof arg);
	CU_ASSERT_EQUAL(filefolder_find(&arg, &fd, list, at("one/a b/y")), 0);
	CU_ASSERT_STRING_EQUAL(arg.name, "y");
	close(fd);
	mem_deref(arg.path);
	mem_deref(arg.name);
	mem_deref(arg.shown);
	memset(&arg, 0, sizeof arg);
	CU_ASSERT_EQUAL(filefolder_find(&arg, &fd, list, at("one/x")),
			ENOENT);
	CU_ASSERT_EQUAL(filefolder_find(&arg, &fd, list, at("one")), ENOENT);
	CU_ASSERT_EQUAL(filefolder_find(&arg, &fd, list, ""), ENOENT);
	sweep();
}

/* What cannot be read is told to who asked for it. */
static void test_partly(void)
{
	struct sending s;

	fresh();
	sh("cd %s/src && mkdir d && echo 1 > d/a && mkfifo d/p", dir);
	get_all(&s, ARGV("d"));
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "d/p: not received"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "1 of the files"));
	rig_close(&s.r);
	sh("cd %s && cmp src/d/a in/d/a", dir);
	sweep();
}

static void test_words(void)
{
	struct sending s;

	fresh();
	get_init(&s, ARGV("--into"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	CU_ASSERT_STRING_EQUAL(s.why, "--into needs a value.");
	rig_close(&s.r);
	get_init(&s, ARGV("--", ""));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	rig_close(&s.r);
	get_init(&s, ARGV("-x"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "option -x"));
	rig_close(&s.r);
	get_init(&s, ARGV("x"));
	s.b.allow = "";
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&s.r, &s.b), EACCES);
	rig_close(&s.r);
	get_init(&s, ARGV("x"));
	s.b.allow = "relative";
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), 0);
	CU_ASSERT_EQUAL(rig_answer(&s.r, &s.b), EACCES);
	rig_close(&s.r);
	sweep();
}

/* As somebody who may write nothing but what is open to all. */
static void offer_as_nobody(void)
{
	struct sending s;

	get_init(&s, ARGV("x"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.why, "Permission denied. Name an"));
	rig_close(&s.r);
	get_init(&s, ARGV("--into", (char *)at("open/d"), "x"));
	CU_ASSERT_EQUAL(rig_offer(&s.r, &s.a), 0);
	rig_close(&s.r);
}

/* Where nothing can be stored nobody is called for it. */
static void test_folder(void)
{
	fresh();
	sh("cd %s && mkdir in open && : > f && chmod 777 open && chmod 755 ."
	   " in", dir);
	CU_ASSERT_EQUAL(filemay_store(dir), 0);
	CU_ASSERT_EQUAL(filemay_store(at("no/such//folder/")), 0);
	CU_ASSERT_EQUAL(filemay_store("no/such"), filemay_store("."));
	CU_ASSERT_EQUAL(filemay_store(at("f")), ENOTDIR);
	CU_ASSERT_EQUAL(filemay_store(""), EINVAL);
	sh("test \"$(ls -A %s)\" = \"$(printf 'f\nin\nopen\nsrc')\"", dir);
	/* root alone can be somebody else; to files only, for who looks for
	 * leaks asks who we are */
	if (!geteuid()) {
		(void)setfsuid(65534);
		CU_ASSERT_EQUAL(filemay_store(at("in")), EACCES);
		CU_ASSERT_EQUAL(filemay_store(at("in/new")), EACCES);
		offer_as_nobody();
		(void)setfsuid(0);
	}
	sweep();
}

static void test_no_memory(void)
{
	struct sending s;
	struct rig_asks w = { &s.r, &s.a, &s.b };

	fresh();
	get_init(&s, ARGV("--into", "d", "f", "g"));
	FAIL_EACH(rig_words, &w);
	rig_close(&s.r);
	sweep();
}

/* A wish by hand that is none. */
struct wisher {
	struct sending s;
	struct stream *stream;
	const uint8_t *p;
	size_t n;
};

static void wisher_close(struct stream *s, int err, uint64_t code, void *arg)
{
	(void)s;
	(void)err;
	(void)code;
	((struct wisher *)arg)->stream = NULL;
}

static void wish_handler(void *arg)
{
	static const struct stream_handlers h = { .closeh = wisher_close };
	struct wisher *w = arg;

	CU_ASSERT_EQUAL(stream_open(&w->stream, w->s.r.a.flow, 0, &h, w), 0);
	CU_ASSERT_EQUAL(stream_write(w->stream, w->p, w->n), w->n);
	stream_fin(w->stream);
}

static void test_nonsense(void)
{
	static const struct {
		const char *p;
		size_t n;
	} v[] = {
		{ "\1\0\0\0\1\1", 6 },            /* asks for nothing */
		{ "\12\0\0\0\0", 5 },              /* no HELLO */
		{ "\1\0\0\0\1\1\12\0\0\0\0", 11 },
		{ "\1\0\0\0\1\0", 6 },
		{ "\1\0\0\0\1\1\22\0\0\0\5\0\3a\0b", 16 },
		{ "\1\0\0\0\1\1\6\0\0\0\1x", 12 },
		{ "\22\377\377\377\377", 5 },
	};

	fresh();
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		struct wisher w = { .p = (const uint8_t *)v[i].p,
				    .n = v[i].n };
		struct desc_media *m;

		get_init(&w.s, ARGV("x"));
		CU_ASSERT_EQUAL(desc_alloc(&w.s.r.offer), 0);
		CU_ASSERT_EQUAL(media_add(w.s.r.offer, &m, DESC_QUIC,
					  "get"), 0);
		CU_ASSERT_EQUAL(desc_param_set(m, "v", "1"), 0);
		CU_ASSERT_EQUAL(rig_answer(&w.s.r, &w.s.b), 0);
		rig_start(&w.s.r);
		fake_call(w.s.r.loop, wish_handler, &w);
		CU_ASSERT(rig_until(&w.s.r, rig_b_done));
		CU_ASSERT_EQUAL(w.s.r.b.err, EBADMSG);
		rig_close(&w.s.r);
	}
	sweep();
}

UNIT_SUITE("tunnels/get",
	{ "get", test_get },
	{ "into", test_into },
	{ "nobody goes", test_nobody_goes },
	{ "outside", test_outside },
	{ "folders", test_folders },
	{ "partly", test_partly },
	{ "words", test_words },
	{ "folder", test_folder },
	{ "nonsense", test_nonsense },
	{ "no_memory", test_no_memory })
