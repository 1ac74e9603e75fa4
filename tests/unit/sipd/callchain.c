/*
 * callchain.c: tests of sipd/callchain.c by way of the call log: whatever is
 * done to the lines behind sipd's back shows, and what happens to every log
 * in the course of time does not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sipd/callchain.h"
#include "sipd/calllog.h"
#include "tests/unit/unit.h"

enum { LINES = 6 };

static char dir[64], file[96], old[96], head[128];
static struct calllog *cl;

static void write_lines(struct calllog *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct calllog_entry e = { .id = "x", .started = i + 1 };

		CU_ASSERT_EQUAL(calllog_write(l, &e), 0);
	}
}

static void setup(void)
{
	unit_folder(dir, sizeof dir);
	snprintf(file, sizeof file, "%s/calls", dir);
	snprintf(old, sizeof old, "%s/calls.1", dir);
	snprintf(head, sizeof head, "%s/calls.head", dir);
	CU_ASSERT_EQUAL_FATAL(calllog_alloc(&cl, file, false), 0);
	write_lines(cl, LINES);
}

static void teardown(void)
{
	cl = mem_deref(cl);
	unlink(file);
	unlink(old);
	unlink(head);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* "" or what is broken */
static const char *verify(char *first, char *second)
{
	static struct callchain_report r;
	char *filev[2] = { first, second };

	CU_ASSERT_EQUAL(callchain_verify(filev, second ? 2 : 1, &r), 0);
	return r.broken;
}

/* A whole file, edited by sed(1). */
static void edit(const char *script)
{
	char cmd[400];

	snprintf(cmd, sizeof cmd, "sed -i -e '%s' %s", script, file);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

static void test_unbroken(void)
{
	struct callchain_report r;
	char *filev[1] = { file };
	struct stat st;

	setup();
	CU_ASSERT_EQUAL(callchain_verify(filev, 1, &r), 0);
	CU_ASSERT_STRING_EQUAL(r.broken, "");
	CU_ASSERT_EQUAL(r.lines, LINES);
	CU_ASSERT_EQUAL(stat(head, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	filev[0] = dir;
	CU_ASSERT_NOT_EQUAL(callchain_verify(filev, 1, &r), 0);
	teardown();
}

static void test_edited(void)
{
	static const struct {
		const char *script, *says;
	} v[] = {
		{ "2s/\"rx\":0/\"rx\":1/", "line 3: it does not follow" },
		{ "4d",                    "line 4: it does not follow" },
		{ "6d",                    "line 5: this is not the last" },
		{ "6s/\"tx\":0/\"tx\":9/", "line 6: this is not the last" },
		{ "5,6d",                  "line 4: this is not the last" },
		{ "3i\\\nhello",           "line 3: it names no line" },
		{ "2{h;d};3G",             "line 2: it does not follow" },
	};

	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		setup();
		edit(v[i].script);
		CU_ASSERT_PTR_NOT_NULL(strstr(verify(file, NULL),
					      v[i].says));
		write_lines(cl, 1);     /* writing on does not heal it */
		CU_ASSERT_STRING_NOT_EQUAL(verify(file, NULL), "");
		teardown();
	}
}

static void test_rotated(void)
{
	setup();
	CU_ASSERT_EQUAL(rename(file, old), 0);
	write_lines(cl, LINES);
	CU_ASSERT_STRING_EQUAL(verify(old, file), "");
	CU_ASSERT_STRING_EQUAL(verify(file, NULL), "");
	CU_ASSERT_EQUAL(truncate(old, 300), 0);
	CU_ASSERT_STRING_NOT_EQUAL(verify(old, file), "");
	teardown();
}

/* The head already names a line that a crash kept from being written. */
static void test_crash(void)
{
	char buf[256], last[64];
	FILE *f;

	setup();
	f = fopen(head, "r+");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fread(buf, 1, 130, f), 130);
	memcpy(last, buf, 64);
	memset(buf + 65, 'a', 64);
	rewind(f);
	CU_ASSERT_EQUAL(fwrite(buf, 1, 130, f), 130);
	fclose(f);
	CU_ASSERT_STRING_EQUAL(verify(file, NULL), "");
	write_lines(cl, 1);
	CU_ASSERT_STRING_EQUAL(verify(file, NULL), "");
	teardown();
}

/* From before there were heads, or with one that says nothing. */
static void test_no_head(void)
{
	setup();
	CU_ASSERT_EQUAL(truncate(head, 0), 0);
	CU_ASSERT_STRING_EQUAL(verify(file, NULL), "");
	write_lines(cl, 2);
	CU_ASSERT_STRING_EQUAL(verify(file, NULL), "");
	teardown();
}

static void write_many(void)
{
	struct calllog *l = NULL;

	if (calllog_alloc(&l, file, false))
		_exit(1);
	write_lines(l, 100);
	_exit(0);
}

static void test_processes(void)
{
	int st;

	setup();
	for (unsigned i = 0; i < 4; i++)
		if (fork() == 0)
			write_many();
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(wait(&st) > 0);
		CU_ASSERT_EQUAL(st, 0);
	}
	CU_ASSERT_STRING_EQUAL(verify(file, NULL), "");
	teardown();
}

UNIT_SUITE("callchain",
	   { "unbroken", test_unbroken },
	   { "edited", test_edited },
	   { "rotated", test_rotated },
	   { "crash", test_crash },
	   { "no head", test_no_head },
	   { "processes", test_processes })
