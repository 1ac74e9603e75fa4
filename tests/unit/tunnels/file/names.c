/*
 * names.c: names that are taken at the receiver of a file, in the way, or
 * none; what a peer may not do with them: ../fileliar.c.
 */
#include "tests/unit/tunnels/filerig.h"
#include "tunnels/ending.h"
#include "tunnels/file/filestore.h"
#include "tunnels/file/filewire.h"

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
	   "in/d/k && ln -s crash in/d/.l.dialtone-part", dir);
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
	   "/etc/passwd && rm in/d/.l.dialtone-part", dir);
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

/* Names and texts of the peer's cannot write to the terminal. */
static void test_plain(void)
{
	char out[64];

	(void)re_snprintf(out, sizeof out, "%H", plain_print,
			  "a\033[2Jb\n\xc2\x9bz\xc3\xa9");
	CU_ASSERT_STRING_EQUAL(out, "a\\x1b[2Jb\\x0a\\xc2\\x9bz\xc3\xa9");
}

UNIT_SUITE("file/names",
	{ "existing", test_existing },
	{ "overwrite", test_overwrite },
	{ "names", test_names },
	{ "in_the_way", test_in_the_way },
	{ "plain", test_plain })
