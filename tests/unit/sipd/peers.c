/*
 * peers.c: tests of sipd/peers.c and known.c: who is who, what sipd.conf
 * overrules, and known_peers in the hands of several processes and of people.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sipd/log.h"
#include "sipd/peers.h"
#include "tests/unit/fail.h"
#include "tests/unit/unit.h"

static char dir[64], conffile[96], known[96], logfile[96];
static struct conf *conf;
static struct peers *peers;
static const uint8_t fp1[32] = { 1 }, fp2[32] = { 2 }, fp3[32] = { 3 };

static void write_to(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static const char *slurp(const char *path)
{
	static char buf[8192];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, sizeof buf - 1, f) : 0;

	if (f)
		fclose(f);
	buf[n] = '\0';
	return buf;
}

static void setup(const char *text)
{
	struct conf_error e;
	char all[2048];

	unit_folder(dir, sizeof dir);
	snprintf(conffile, sizeof conffile, "%s/sipd.conf", dir);
	snprintf(known, sizeof known, "%s/known_peers", dir);
	snprintf(logfile, sizeof logfile, "%s/log", dir);
	snprintf(all, sizeof all, "[sipd]\nstate=%s\nallow=file\n%s", dir,
		 text);
	write_to(conffile, all);
	log_open(logfile, LOG_LV_WARN);
	if (conf_load(&conf, conffile, &e))
		printf("%s\n", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
	CU_ASSERT_EQUAL_FATAL(peers_alloc(&peers, conf), 0);
}

static void teardown(void)
{
	peers = mem_deref(peers);
	conf = mem_deref(conf);
	log_close();
	log_open("stderr", LOG_LV_WARN);
	unlink(conffile);
	unlink(known);
	unlink(logfile);
	CU_ASSERT_EQUAL(rmdir(dir), 0);         /* nothing was left behind */
}

static struct peer resolve(const char *text)
{
	struct peer p;
	char why[256];

	memset(&p, 0, sizeof p);
	if (peers_resolve(peers, text, &p, why, sizeof why))
		printf("%s\n", why);
	CU_ASSERT_STRING_NOT_EQUAL(p.name, "");
	return p;
}

static void test_resolve(void)
{
	struct peer p;
	char why[256];

	setup("[account work]\naddress=me@b.c\n"
	      "[peer bob]\naddress=bob@example.org;transport=tls\n"
	      "account=work\nallow=pipe\n");
	p = resolve("bob");
	CU_ASSERT_STRING_EQUAL(p.name, "bob");
	CU_ASSERT_STRING_EQUAL(p.address,
			       "sip:bob@example.org;transport=tls");
	CU_ASSERT_STRING_EQUAL(p.account, "work");
	CU_ASSERT_STRING_EQUAL(p.rights.allow, "pipe");
	CU_ASSERT(p.configured && !p.pinned);
	p = resolve("bob@Example.org");         /* the same as he is there */
	CU_ASSERT_STRING_EQUAL(p.name, "bob");
	CU_ASSERT_STRING_EQUAL(p.address,
			       "sip:bob@example.org;transport=tls");
	p = resolve("sip:bob@example.org;transport=tcp");
	CU_ASSERT_STRING_EQUAL(p.name, "bob");
	CU_ASSERT_STRING_EQUAL(p.address,
			       "sip:bob@example.org;transport=tcp");
	p = resolve("192.0.2.7:5070");
	CU_ASSERT_STRING_EQUAL(p.name, "sip:192.0.2.7:5070");
	CU_ASSERT_STRING_EQUAL(p.address, "sip:192.0.2.7:5070");
	CU_ASSERT_STRING_EQUAL(p.rights.allow, "");
	CU_ASSERT(!p.configured && !p.pinned);

	CU_ASSERT_EQUAL(peers_resolve(peers, "bbob", &p, why, sizeof why),
			EINVAL);
	CU_ASSERT_STRING_EQUAL(why, "There is no [peer bbob]; did you mean"
			       " 'bob'?");
	CU_ASSERT_EQUAL(peers_resolve(peers, "desk", &p, why, sizeof why),
			EINVAL);
	CU_ASSERT_STRING_EQUAL(why, "'desk' is neither a [peer] of sipd.conf"
			       " nor a SIP address: it has neither '@' nor '.' in it; "
			       "write sip:desk if it is a host.");
	CU_ASSERT_EQUAL(peers_resolve(peers, "a\x1b[2J\n", &p, why,
				      sizeof why), EINVAL);
	CU_ASSERT_PTR_NULL(strpbrk(why, "\x1b\n"));
	CU_ASSERT_EQUAL(peers_resolve(peers, "", &p, why, sizeof why),
			EINVAL);
	teardown();
}

static void test_pin(void)
{
	struct peer p;

	setup("");
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp1, &p), ENOENT);
	CU_ASSERT_EQUAL(peers_pin(peers, "Bob@Example.org", "Bob B", fp1), 0);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp1, &p), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "Bob B");
	CU_ASSERT_STRING_EQUAL(p.address, "sip:Bob@example.org");
	CU_ASSERT_STRING_EQUAL(p.rights.allow, "file");
	CU_ASSERT(p.pinned && !p.configured);
	p = resolve("Bob@example.org");
	CU_ASSERT(p.pinned && !memcmp(p.fp, fp1, 32));

	/* another key for the same address replaces it */
	CU_ASSERT_EQUAL(peers_pin(peers, "sip:Bob@example.org",
				  "sip:Bob@exam", fp2), 0);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp1, &p), ENOENT);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "sip:Bob@example.org");

	CU_ASSERT_EQUAL(peers_unpin(peers, "sip:x@y.z"), ENOENT);
	CU_ASSERT_EQUAL(peers_unpin(peers, "sip:Bob@EXAMPLE.org:5060"), 0);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), ENOENT);
	CU_ASSERT_EQUAL(peers_unpin(peers, "sip:Bob@example.org"), ENOENT);

	CU_ASSERT_EQUAL(peers_pin(peers, "a b", NULL, fp1), EINVAL);
	CU_ASSERT_EQUAL(peers_pin(peers, "a@b.c", "x\n" "y", fp1), EINVAL);
	teardown();
}

#define FP2 "02000000000000000000000000000000000000000000000000000000000000" \
	"00"

static void test_overruled(void)
{
	struct peer p;

	setup("[peer bob]\naddress=bob@b.org\nfingerprint=" FP2 "\n"
	      "[peer carol]\naddress=carol@b.org\nallow=pipe\n"
	      "[peer key]\nfingerprint=03" "0000000000000000000000000000000"
	      "0000000000000000000000000000000\n");
	/* sipd.conf has another key for bob */
	CU_ASSERT_EQUAL(peers_pin(peers, "bob@b.org", NULL, fp1), 0);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp1, &p), ENOENT);
	CU_ASSERT_EQUAL(peers_by_address(peers, "sip:bob@b.org", &p), 0);
	CU_ASSERT(!memcmp(p.fp, fp2, 32));
	/* but the same key at another address counts */
	CU_ASSERT_EQUAL(peers_pin(peers, "eve@b.org", NULL, fp1), 0);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp1, &p), 0);
	CU_ASSERT_STRING_EQUAL(p.address, "sip:eve@b.org");
	/* carol has none: the pinned one is hers, with her rights */
	CU_ASSERT_EQUAL(peers_pin(peers, "carol@b.org", NULL, fp1), 0);
	CU_ASSERT_EQUAL(peers_by_address(peers, "sip:carol@b.org", &p), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "carol");
	CU_ASSERT_STRING_EQUAL(p.rights.allow, "pipe");
	CU_ASSERT(p.pinned && p.configured);
	/* but not a key that is somebody else's */
	CU_ASSERT_EQUAL(peers_pin(peers, "carol@b.org", NULL, fp2), 0);
	CU_ASSERT_EQUAL(peers_by_address(peers, "sip:carol@b.org", &p), 0);
	CU_ASSERT(!p.pinned);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "bob");
	/* a peer known by its key only is called where it was pinned */
	CU_ASSERT_STRING_EQUAL(resolve("key").address, "");
	CU_ASSERT_EQUAL(peers_pin(peers, "k@b.org", NULL, fp3), 0);
	CU_ASSERT_STRING_EQUAL(resolve("key").address, "sip:k@b.org");
	CU_ASSERT_STRING_EQUAL(resolve("k@b.org").name, "key");
	teardown();
}

static void test_garbled(void)
{
	static const char odd[] =
		"# my friends\n"
		"\n"
		"AB:CD bob@b.org\n"
		FP2 "\n"
		FP2 " not-an-address\n"
		"  " FP2 "\tsips:Dora@B.org \t Dora D\r\n"
		FP2 " eve@b.org \x1b[2J\n"
		"\xff\xfe garbage";
	struct peer p;

	setup("");
	write_to(known, odd);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), 0);
	CU_ASSERT_STRING_EQUAL(p.address, "sip:Dora@b.org;transport=tls");
	CU_ASSERT_STRING_EQUAL(p.name, "Dora D");
	CU_ASSERT_EQUAL(peers_by_address(peers, "sip:eve@b.org", &p), ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(slurp(logfile), "known_peers:3: skip"));
	CU_ASSERT_PTR_NOT_NULL(strstr(slurp(logfile), "known_peers:8: skip"));
	CU_ASSERT_PTR_NULL(strstr(slurp(logfile), "known_peers:1:"));

	/* written again, every line is still there as it was */
	CU_ASSERT_EQUAL(peers_pin(peers, "x@y.z", NULL, fp1), 0);
	CU_ASSERT(!strncmp(slurp(known), odd, strlen(odd)));
	CU_ASSERT_PTR_NOT_NULL(strstr(slurp(known), "garbage\n01:00:"));
	CU_ASSERT_EQUAL(peers_pin(peers, "Dora@b.org", NULL, fp3), 0);
	CU_ASSERT_PTR_NULL(strstr(slurp(known), "Dora D"));
	CU_ASSERT_PTR_NOT_NULL(strstr(slurp(known), "# my friends\n\nAB:CD"));
	teardown();
}

/* Another process, or an editor. */
static void test_changed_outside(void)
{
	struct peer p;

	setup("");
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), ENOENT);
	write_to(known, FP2 " a@b.org\n");
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), 0);
	write_to(known, FP2 " aa@b.org\n");
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), 0);
	CU_ASSERT_STRING_EQUAL(p.address, "sip:aa@b.org");
	unlink(known);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), ENOENT);
	write_to(known, FP2 " a@b.org\n");
	chmod(known, 0666);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(slurp(logfile), "chmod 600"));
	CU_ASSERT_EQUAL(peers_pin(peers, "x@y.z", NULL, fp1), EPERM);
	chmod(known, 0600);
	CU_ASSERT_EQUAL(peers_by_fp(peers, fp2, &p), 0);
	teardown();
}

static void pin_ten(unsigned me)
{
	struct peers *ps = NULL;
	char address[64];

	if (peers_alloc(&ps, conf))
		_exit(1);
	for (unsigned i = 0; i < 10; i++) {
		uint8_t fp[32] = { (uint8_t)(me + 1), (uint8_t)i };

		snprintf(address, sizeof address, "p%u-%u@b.org", me, i);
		if (peers_pin(ps, address, NULL, fp))
			_exit(2);
	}
	_exit(0);
}

static void count(const struct peer *p, void *arg)
{
	CU_ASSERT_TRUE(p->pinned);
	++*(unsigned *)arg;
}

/* Four processes pin ten keys each at the same time: none is lost. */
static void test_processes(void)
{
	unsigned n = 0;
	struct stat s;
	int st;

	setup("");
	for (unsigned i = 0; i < 4; i++)
		if (fork() == 0)
			pin_ten(i);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(wait(&st) > 0);
		CU_ASSERT_EQUAL(st, 0);
	}
	peers_apply(peers, count, &n);
	CU_ASSERT_EQUAL(n, 40);
	CU_ASSERT_EQUAL(stat(known, &s), 0);
	CU_ASSERT_EQUAL(s.st_mode & 07777, 0600);
	teardown();
}

static bool may(const char *allow, const char *kind, const char *rest)
{
	struct peer p;
	char got[64];
	bool ok;

	memset(&p, 0, sizeof p);
	p.rights.allow = allow;
	ok = peers_may(&p, kind, got, sizeof got);
	CU_ASSERT_STRING_EQUAL(got, rest);
	return ok;
}

static void test_may(void)
{
	struct peer p = { .rights.allow = "forward 127.0.0.1:22222" };
	char small[8];

	CU_ASSERT(!may("", "file", ""));
	CU_ASSERT(may("file", "file", ""));
	CU_ASSERT(!may("files", "file", ""));
	CU_ASSERT(!may("file", "files", ""));
	CU_ASSERT(!may("forward file", "file", ""));
	CU_ASSERT(may(" , pipe ,,file", "file", ""));
	CU_ASSERT(may("file, forward 127.0.0.1:22 \t10.0.0.0/8:80 ,pipe",
		      "forward", "127.0.0.1:22 \t10.0.0.0/8:80"));
	CU_ASSERT(may("forward a:1, pipe, forward b:2", "forward",
		      "a:1 b:2"));
	CU_ASSERT(may("forward, forward b:2", "forward", "b:2"));
	CU_ASSERT(may("all", "file", ""));
	CU_ASSERT(may("*", "file", ""));
	CU_ASSERT(may("forward a:1,*", "forward", "a:1"));
	CU_ASSERT(!peers_may(&p, "forward", small, sizeof small));
	CU_ASSERT_STRING_EQUAL(small, "");
	p.rights.allow = NULL;
	CU_ASSERT(!peers_may(&p, "forward", small, sizeof small));
}

static void list(const struct peer *p, void *arg)
{
	char *s = arg;

	snprintf(s + strlen(s), 256 - strlen(s), "%s %s %d;", p->name,
		 p->address, p->pinned);
}

static void test_apply(void)
{
	char text[256] = "";

	setup("[peer bob]\naddress=bob@b.org\n"
	      "[peer key]\nfingerprint=" FP2 "\n");
	CU_ASSERT_EQUAL(peers_pin(peers, "bob@b.org", "x", fp1), 0);
	CU_ASSERT_EQUAL(peers_pin(peers, "eve@b.org", "", fp3), 0);
	CU_ASSERT_EQUAL(peers_pin(peers, "key@b.org", "x", fp2), 0);
	peers_apply(peers, list, text);
	CU_ASSERT_STRING_EQUAL(text, "bob sip:bob@b.org 1;"
			       "key sip:key@b.org 1;"
			       "sip:eve@b.org sip:eve@b.org 1;");
	teardown();
}

static void test_no_folder(void)
{
	struct peers *ps = NULL;
	struct peer p;

	setup("");
	conf->state = mem_deref(conf->state);
	CU_ASSERT_EQUAL_FATAL(str_dup(&conf->state, "/nonexistent/dialtone"),
			      0);
	CU_ASSERT_EQUAL(peers_alloc(&ps, conf), 0);
	CU_ASSERT_EQUAL(peers_by_fp(ps, fp1, &p), ENOENT);
	CU_ASSERT_EQUAL(peers_pin(ps, "a@b.c", NULL, fp1), ENOENT);
	mem_deref(ps);
	teardown();
}

static int use(void *arg)
{
	struct peers *ps = NULL;
	struct peer p;
	int err = peers_alloc(&ps, conf);

	(void)arg;
	if (!err)
		err = peers_pin(ps, "a@b.org", "A", fp1);
	if (!err)
		err = peers_by_fp(ps, fp1, &p) ? ENOMEM : 0;
	mem_deref(ps);
	return err;
}

static void test_no_memory(void)
{
	setup("");
	write_to(known, FP2 " a@b.org\n# x\n");
	FAIL_EACH(use, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(slurp(known), "# x\n"));
	teardown();
}

UNIT_SUITE("peers",
	   { "resolve", test_resolve },
	   { "pin", test_pin },
	   { "overruled", test_overruled },
	   { "garbled", test_garbled },
	   { "changed outside", test_changed_outside },
	   { "processes", test_processes },
	   { "may", test_may },
	   { "apply", test_apply },
	   { "no folder", test_no_folder },
	   { "no memory", test_no_memory })
