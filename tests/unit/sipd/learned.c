/*
 * Tests sipd/learned.c and housekeep.c: what is kept, forgotten, and made of
 * files that others have written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "sipd/housekeep.h"
#include "tests/unit/fail.h"
#include "tests/unit/unit.h"

static char dir[64], file[128];
static struct learned *l;
static const time_t t = 1000000;

static void begin(void)
{
	unit_folder(dir, sizeof dir);
	(void)re_snprintf(file, sizeof file, "%s/learned", dir);
}

static void end(void)
{
	l = mem_deref(l);
	(void)unlink(file);
	/* nothing else was left */
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void again(time_t now)
{
	l = mem_deref(l);
	CU_ASSERT_EQUAL_FATAL(learned_alloc(&l, file, now), 0);
}

static bool is(const char *kind, const char *key, time_t now,
	       const char *value)
{
	const char *v = learned_get(l, kind, key, now);

	return value ? v && !strcmp(v, value) : !v;
}

static void test_kept(void)
{
	struct stat st;

	begin();
	again(t);
	CU_ASSERT(is("a", "k", t, NULL));
	CU_ASSERT_EQUAL(learned_set(l, "a", "k", "1", t, 100), 0);
	CU_ASSERT_EQUAL(learned_set(l, "b", "k", "2", t, 200), 0);
	CU_ASSERT_EQUAL(learned_set(l, "a", "k", "3", t, 100), 0);
	CU_ASSERT(is("a", "k", t + 99, "3") && is("a", "k", t + 100, NULL));
	CU_ASSERT_EQUAL_FATAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	again(t + 1);
	CU_ASSERT(is("a", "k", t + 1, "3") && is("b", "k", t + 1, "2"));
	again(t + 150);
	CU_ASSERT(is("a", "k", t + 1, NULL) && is("b", "k", t + 150, "2"));
	/* no words */
	CU_ASSERT_EQUAL(learned_set(l, "a b", "k", "1", t, 9), EINVAL);
	CU_ASSERT_EQUAL(learned_set(l, "a", "", "1", t, 9), EINVAL);
	CU_ASSERT_EQUAL(learned_set(l, "a", "k", "1\n2", t, 9), EINVAL);
	end();
}

/* What another process has written meanwhile stays. */
static void test_two(void)
{
	struct learned *other;

	begin();
	again(t);
	CU_ASSERT_EQUAL_FATAL(learned_alloc(&other, file, t), 0);
	CU_ASSERT_EQUAL(learned_set(other, "a", "x", "1", t, 100), 0);
	CU_ASSERT_EQUAL(learned_set(l, "a", "y", "2", t, 100), 0);
	CU_ASSERT_EQUAL(learned_set(other, "a", "z", "3", t, 100), 0);
	mem_deref(other);
	again(t);
	CU_ASSERT(is("a", "x", t, "1") && is("a", "y", t, "2") &&
		  is("a", "z", t, "3"));
	end();
}

static void write_as(const char *text, mode_t mode)
{
	FILE *f = fopen(file, "w");

	CU_ASSERT_FATAL(f != NULL);
	(void)fputs(text, f);
	(void)fclose(f);
	(void)chmod(file, mode);
}

static void test_hostile(void)
{
	static const char text[] =
		"a k 1 1000100\n"
		"a\n"
		"\n"
		"a k2 1 99999999999999999999\n"
		"a k3 1 1000100 more\n"
		"a k4 1 -5\n"
		"a k5 1 4000000000\n"          /* in the far future */
		"a %s%s%n 1 1000100\n"
		"a k6 1 1000100";               /* cut */

	begin();
	write_as(text, 0600);
	again(t);
	CU_ASSERT(is("a", "k", t, "1") && is("a", "%s%s%n", t, "1"));
	for (int i = 2; i <= 6; i++) {
		char key[8];

		(void)re_snprintf(key, sizeof key, "k%d", i);
		CU_ASSERT(is("a", key, t, NULL));
	}
	/* others may write it */
	write_as(text, 0666);
	again(t);
	CU_ASSERT(is("a", "k", t, NULL));
	/* very long lines */
	{
		FILE *f = fopen(file, "w");

		for (int i = 0; f && i < 100000; i++)
			(void)fputc(i % 5000 ? 'x' : ' ', f);
		(void)fputs("\na k 1 1000100\n", f);
		(void)fclose(f);
		(void)chmod(file, 0600);
	}
	again(t);
	CU_ASSERT(is("a", "k", t, "1"));
	/* it cannot be written: known here all the same */
	(void)unlink(file);
	CU_ASSERT_EQUAL(mkdir(file, 0700), 0);
	CU_ASSERT(learned_set(l, "a", "q", "5", t, 50) != 0);
	CU_ASSERT(is("a", "q", t, "5"));
	(void)rmdir(file);
	end();
}

/* What would be forgotten first makes room. */
static void test_many(void)
{
	char key[16];

	begin();
	again(t);
	for (int i = 0; i < LEARNED_MAX + 10; i++) {
		(void)re_snprintf(key, sizeof key, "%d", i);
		CU_ASSERT_EQUAL(learned_set(l, "a", key, "1", t, 1000 + i),
				0);
	}
	CU_ASSERT(is("a", "9", t, NULL) && is("a", "10", t, "1"));
	again(t);
	CU_ASSERT(is("a", "9", t, NULL) && is("a", "10", t, "1"));
	end();
}

static void count(const char *key, const char *value, void *arg)
{
	CU_ASSERT_STRING_EQUAL(key, "10.0.0.2,203.0.113.9");
	CU_ASSERT_STRING_EQUAL(value, "7,60");
	++*(int *)arg;
}

static void test_house(void)
{
	uint8_t one[MAPPER_NONCE_SIZE], two[MAPPER_NONCE_SIZE];
	struct sa local, mapped;
	int n = 0;

	begin();
	again(time(NULL));
	CU_ASSERT_EQUAL(housekeep_nonce(l, one), 0);
	again(time(NULL));
	CU_ASSERT_EQUAL(housekeep_nonce(l, two), 0);
	CU_ASSERT(!memcmp(one, two, sizeof one));
	(void)sa_set_str(&local, "10.0.0.2", 5000);
	(void)sa_set_str(&mapped, "203.0.113.9", 6000);
	housekeep_forgets(l, &local, &mapped, 7, 60);
	again(time(NULL));
	learned_apply(l, "nat", time(NULL), count, &n);
	CU_ASSERT_EQUAL(n, 1);
	(void)unlink(file);
	again(time(NULL));
	CU_ASSERT_EQUAL(housekeep_nonce(l, two), 0);
	CU_ASSERT(memcmp(one, two, sizeof one));
	end();
}

static int fail_run(void *arg)
{
	struct learned *x = NULL;
	int err = learned_alloc(&x, file, t);
	(void)arg;

	if (!err)
		err = learned_set(x, "a", "k", "1", t, 100);
	mem_deref(x);
	return err;
}

static void test_nomem(void)
{
	begin();
	FAIL_EACH(fail_run, NULL);
	end();
}

UNIT_SUITE("learned",
	{ "kept", test_kept },
	{ "two processes", test_two },
	{ "hostile", test_hostile },
	{ "many", test_many },
	{ "house", test_house },
	{ "no memory", test_nomem })
