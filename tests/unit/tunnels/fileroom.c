/*
 * fileroom.c: tests of tunnels/file/fileroom.c: what is held, as each who
 * receives into a folder reckons it. tests/e2e/file.sh has the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "tunnels/file/fileroom.h"

static struct fileroom *join(const char *folder)
{
	struct fileroom *r = NULL;
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(fileroom_join(&r, fd), 0);
	(void)close(fd);
	return r;
}

static void test_two(void)
{
	struct fileroom *a = join("/"), *b, *other = join("/proc");
	uint64_t a_base = fileroom_unseen(a) + 100, b_base;

	CU_ASSERT_EQUAL(a_base + fileroom_charged(a), 100);
	/* a file of 50, of which 10 were there */
	fileroom_charge(a, 40, 50);
	CU_ASSERT_EQUAL(a_base + fileroom_charged(a), 140);
	/* the count may miss all of that file, half way to its name */
	b = join("/");
	CU_ASSERT_PTR_EQUAL(a, b);
	b_base = fileroom_unseen(b) + 90;
	CU_ASSERT_EQUAL(b_base + fileroom_charged(b), 140);
	/* what either takes both have */
	fileroom_charge(b, 7, 7);
	CU_ASSERT_EQUAL(a_base + fileroom_charged(a), 147);
	CU_ASSERT_EQUAL(b_base + fileroom_charged(b), 147);
	/* it was there already */
	fileroom_charge(b, -(uint64_t)7, 0);
	fileroom_settle(b, 7);
	CU_ASSERT_EQUAL(a_base + fileroom_charged(a), 140);
	CU_ASSERT_EQUAL(fileroom_charged(other), 0);
	/* who leaves leaves what has come */
	fileroom_leave(a, 50);
	CU_ASSERT_EQUAL(b_base + fileroom_charged(b), 140);
	CU_ASSERT_EQUAL(fileroom_unseen(b) + fileroom_charged(b), 0);
	fileroom_leave(b, 0);
	fileroom_leave(other, 0);
	fileroom_leave(NULL, 0);
	a = join("/");
	CU_ASSERT_EQUAL(fileroom_charged(a), 0);
	fileroom_leave(a, 0);
}

static void test_none(void)
{
	struct fileroom *r = NULL;

	CU_ASSERT_EQUAL(fileroom_join(&r, -1), EBADF);
	CU_ASSERT_PTR_NULL(r);
}

UNIT_SUITE("fileroom",
	   { "two", test_two },
	   { "none", test_none })
