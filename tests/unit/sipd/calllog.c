/*
 * calllog.c: tests of sipd/calllog.c: one line a call whatever a peer says,
 * rotation, torn lines, the tail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sipd/calllog.h"
#include "tests/unit/fail.h"
#include "tests/unit/unit.h"

static char dir[64], file[96], old[96], head[128];
static struct calllog *cl;

static void setup(void)
{
	unit_folder(dir, sizeof dir);
	snprintf(file, sizeof file, "%s/calls", dir);
	snprintf(old, sizeof old, "%s/calls.1", dir);
	snprintf(head, sizeof head, "%s/calls.head", dir);
	CU_ASSERT_EQUAL_FATAL(calllog_alloc(&cl, file, false), 0);
}

static void teardown(void)
{
	cl = mem_deref(cl);
	unlink(file);
	unlink(old);
	unlink(head);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

struct lines {
	unsigned n;
	char first[4096], last[4096];
};

static void take(const char *line, void *arg)
{
	struct lines *ls = arg;

	if (!ls->n++)
		str_ncpy(ls->first, line, sizeof ls->first);
	str_ncpy(ls->last, line, sizeof ls->last);
}

static struct lines tail(const char *path, size_t n)
{
	struct lines ls = { 0, "", "" };

	CU_ASSERT_EQUAL(calllog_tail(path, n, take, &ls), 0);
	return ls;
}

static int write_id(const char *id)
{
	struct calllog_entry e = { .id = id };

	return calllog_write(cl, &e);
}

static void test_line(void)
{
	uint8_t fp[32] = { 0xab };
	struct calllog_entry e = {
		.started = 1700000000123ULL, .duration = 4500,
		.incoming = true, .id = "s1", .callid = "x@y",
		.peer = "bob", .address = "sip:bob@b.org", .fp = fp,
		.tunnel = "file,pipe", .allowed = true, .reason = "done",
		.path = "direct", .rx = 1ULL << 40, .tx = 7,
	};
	struct stat st;

	setup();
	CU_ASSERT_EQUAL(calllog_write(cl, &e), 0);
	CU_ASSERT_STRING_EQUAL(tail(file, 9).first,
		"{\"time\":\"2023-11-14T22:13:20.123Z\",\"duration_ms\":4500,"
		"\"direction\":\"in\",\"session\":\"s1\",\"call_id\":\"x@y\","
		"\"peer\":\"bob\",\"address\":\"sip:bob@b.org\",\"key\":"
		"\"AB:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
		"00:00:00:00:00:00:00:00:00:00:00:00:00\","
		"\"tunnel\":\"file,pipe\",\"verdict\":\"allowed\","
		"\"reason\":\"done\",\"path\":\"direct\","
		"\"rx\":1099511627776,\"tx\":7,\"prev\":\""
		"00000000000000000000000000000000"
		"00000000000000000000000000000000\"}");
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	teardown();
}

/* What a peer says must stay inside its string. */
static void test_hostile(void)
{
	struct calllog_entry e = {
		.id = NULL, .peer = "x\"},\n{\"a\\\r\t\x1b[2J\x7f",
		.address = "\xff\xc0\xaf \xc3\xa9 \xed\xa0\x80 \xc2\x9b"
			   " \xf0\x9f\x98\x80 \xe2\x82",
	};
	struct odict *od = NULL;
	char line[4096];
	struct lines ls;

	setup();
	CU_ASSERT_EQUAL(calllog_write(cl, &e), 0);
	ls = tail(file, 9);
	CU_ASSERT_EQUAL(ls.n, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(ls.first, "\"peer\":\"x\\\"},\\u000a{"
		"\\\"a\\\\\\u000d\\u0009\\u001b[2J\\u007f\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(ls.first, "\"address\":\"\\ufffd"
		"\\ufffd\\ufffd \xc3\xa9 \\ufffd\\ufffd\\ufffd \\ufffd"
		" \xf0\x9f\x98\x80 \\ufffd\\ufffd\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(ls.first, "\"key\":null"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ls.first, "\"verdict\":\"denied\""));
	str_ncpy(line, ls.first, sizeof line);
	CU_ASSERT_EQUAL(json_decode_odict(&od, 8, line, strlen(line), 8), 0);
	mem_deref(od);
	teardown();
}

static void test_long(void)
{
	static char text[100000];
	struct lines ls;

	setup();
	memset(text, '\n', sizeof text - 1);
	CU_ASSERT_EQUAL(write_id(text), 0);
	ls = tail(file, 9);
	CU_ASSERT_EQUAL(ls.n, 1);
	CU_ASSERT(strlen(ls.first) < 4000);
	CU_ASSERT_EQUAL(ls.first[strlen(ls.first) - 1], '}');
	teardown();
}

static void test_rotation(void)
{
	setup();
	CU_ASSERT_EQUAL(write_id("one"), 0);
	CU_ASSERT_EQUAL(rename(file, old), 0);
	CU_ASSERT_EQUAL(write_id("two"), 0);
	CU_ASSERT_EQUAL(tail(old, 9).n, 1);
	CU_ASSERT_EQUAL(tail(file, 9).n, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(tail(file, 9).first, "two"));
	unlink(file);
	CU_ASSERT_EQUAL(write_id("three"), 0);
	CU_ASSERT_EQUAL(tail(file, 9).n, 1);
	/* nothing to write to: an error, and well again afterwards */
	unlink(file);
	mkdir(file, 0700);
	CU_ASSERT_NOT_EQUAL(write_id("four"), 0);
	rmdir(file);
	CU_ASSERT_EQUAL(write_id("five"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(tail(file, 9).first, "five"));
	teardown();
}

/* A crash left half a line: the next one begins on its own. */
static void test_torn(void)
{
	struct lines ls;
	int fd;

	setup();
	cl = mem_deref(cl);
	fd = open(file, O_WRONLY | O_APPEND);
	CU_ASSERT_EQUAL(write(fd, "{\"half", 6), 6);
	close(fd);
	CU_ASSERT_EQUAL(tail(file, 1).n, 1);
	CU_ASSERT_EQUAL(calllog_alloc(&cl, file, false), 0);
	CU_ASSERT_EQUAL(write_id("whole"), 0);
	CU_ASSERT_EQUAL(write_id("more"), 0);
	ls = tail(file, 9);
	CU_ASSERT_EQUAL(ls.n, 3);
	CU_ASSERT_STRING_EQUAL(ls.first, "{\"half");
	CU_ASSERT_PTR_NOT_NULL(strstr(tail(file, 2).first, "whole"));
	teardown();
}

static void test_tail(void)
{
	struct lines ls;
	char id[16];

	setup();
	ls = tail(file, 3);
	CU_ASSERT_EQUAL(ls.n, 0);
	for (unsigned i = 0; i < 1000; i++) {   /* several blocks long */
		snprintf(id, sizeof id, "n%u.", i);
		CU_ASSERT_EQUAL(write_id(id), 0);
	}
	CU_ASSERT_EQUAL(tail(file, 0).n, 0);
	for (unsigned n = 1; n <= 1000; n += 111) {
		ls = tail(file, n);
		CU_ASSERT_EQUAL(ls.n, n);
		snprintf(id, sizeof id, "\"n%u.\"", 1000 - n);
		CU_ASSERT_PTR_NOT_NULL(strstr(ls.first, id));
		CU_ASSERT_PTR_NOT_NULL(strstr(ls.last, "\"n999.\""));
	}
	CU_ASSERT_EQUAL(tail(file, 1000).n, 1000);
	CU_ASSERT_EQUAL(tail(file, SIZE_MAX).n, 1000);
	CU_ASSERT_EQUAL(calllog_tail("/nonexistent", 1, take, &ls), ENOENT);
	CU_ASSERT_EQUAL(calllog_tail(dir, 1, take, &ls), EBADMSG);
	teardown();
}

static void write_hundred(void)
{
	struct calllog *l = NULL;
	struct calllog_entry e = { .id = "x" };

	if (calllog_alloc(&l, file, false))
		_exit(1);
	for (unsigned i = 0; i < 100; i++)
		if (calllog_write(l, &e))
			_exit(2);
	_exit(0);
}

static void whole(const char *line, void *arg)
{
	CU_ASSERT(line[0] == '{' && line[strlen(line) - 1] == '}');
	++*(unsigned *)arg;
}

static void test_processes(void)
{
	unsigned n = 0;
	int st;

	setup();
	for (unsigned i = 0; i < 4; i++)
		if (fork() == 0)
			write_hundred();
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT(wait(&st) > 0);
		CU_ASSERT_EQUAL(st, 0);
	}
	CU_ASSERT_EQUAL(calllog_tail(file, 9999, whole, &n), 0);
	CU_ASSERT_EQUAL(n, 400);
	teardown();
}

static void test_full_disk(void)
{
	struct calllog *l = NULL;

	/* a device is refused, whatever it does with what is written */
	CU_ASSERT_EQUAL(calllog_alloc(&l, "/dev/full", false), EBADMSG);
	CU_ASSERT_EQUAL(calllog_alloc(&l, "/nonexistent/x", false), ENOENT);
	CU_ASSERT_PTR_NULL(l);
}

static int use(void *arg)
{
	struct calllog_entry e = { .id = arg };
	struct calllog *l = NULL;
	int err = calllog_alloc(&l, file, false);

	if (!err)
		err = calllog_write(l, &e);
	mem_deref(l);
	return err;
}

static void test_no_memory(void)
{
	char id[600];

	setup();
	memset(id, '\n', sizeof id - 1);        /* grows the buffer */
	id[sizeof id - 1] = '\0';
	FAIL_EACH(use, id);
	CU_ASSERT_EQUAL(tail(file, 9).n, 1);
	teardown();
}

UNIT_SUITE("calllog",
	   { "line", test_line },
	   { "hostile", test_hostile },
	   { "long", test_long },
	   { "rotation", test_rotation },
	   { "torn", test_torn },
	   { "tail", test_tail },
	   { "processes", test_processes },
	   { "full disk", test_full_disk },
	   { "no memory", test_no_memory })
