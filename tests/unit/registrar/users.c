/*
 * users.c: the users file, its two forms and its errors with their line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "sdp/base/recompat.h"
#include "sipd/registrar/users.h"

static char why[256];

static int read_text(struct users **up, const char *text)
{
	char file[64];
	const int fd = unit_file(file, sizeof file);
	int err;

	CU_ASSERT_EQUAL(write(fd, text, strlen(text)),
			(ssize_t)strlen(text));
	close(fd);
	why[0] = '\0';
	err = users_read(up, file, "example.org", why, sizeof why);
	unlink(file);
	return err;
}

static const struct user *find(const struct users *u, const char *name)
{
	struct pl pl;

	pl_set_str(&pl, name);
	return users_find(u, &pl);
}

static void test_good(void)
{
	struct users *u = NULL;
	char ha1[DIGEST_HEX];

	CU_ASSERT_EQUAL_FATAL(read_text(&u, "# comment\n\nalice:a:b:c\r\n"
		"bob:example.org:0123456789ABCDEF0123456789abcdef\n"
		"carol:example.org:0123456789abcdef0123456789abcdef:"
		"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef\n"
		"dave:last line"), 0);
	CU_ASSERT_EQUAL(users_count(u), 4);
	digest_ha1(ha1, DIGEST_SHA256, "alice", "example.org", "a:b:c");
	CU_ASSERT_STRING_EQUAL(user_ha1(find(u, "alice"), DIGEST_SHA256),
			       ha1);
	CU_ASSERT_STRING_EQUAL(user_ha1(find(u, "bob"), DIGEST_MD5),
			       "0123456789abcdef0123456789abcdef");
	CU_ASSERT_PTR_NULL(user_ha1(find(u, "bob"), DIGEST_SHA256));
	CU_ASSERT_PTR_NOT_NULL(user_ha1(find(u, "carol"), DIGEST_SHA256));
	CU_ASSERT_PTR_NOT_NULL(find(u, "dave"));
	CU_ASSERT_PTR_NULL(find(u, "Alice"));
	CU_ASSERT_PTR_NULL(find(u, ""));
	mem_deref(u);
}

static void test_bad(void)
{
	static const struct {
		const char *text, *want;
	} badv[] = {
		{ "alice\n", ":1: expected user:password" },
		{ "a:b\n:x\n", ":2: a user name has" },
		{ "a b:c\n", ":1: a user name has" },
		{ "a@b:c\n", ":1: a user name has" },
		{ "a:\n", ":1: the password is empty" },
		{ "a:b\n#\na:c\n", ":3: this user is named twice" },
		{ "a:example.org:12\n", ":1: the hash after the realm" },
		{ "a:example.com:0123456789abcdef0123456789abcdef\n",
		  ":1: the realm here is \"example.org\"" },
	};
	struct users *u = NULL;
	char *text;

	for (size_t i = 0; i < RE_ARRAY_SIZE(badv); i++) {
		CU_ASSERT_EQUAL(read_text(&u, badv[i].text), EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, badv[i].want));
	}
	text = mem_zalloc(2001, NULL);
	memset(text, 'a', 2000);
	CU_ASSERT_EQUAL(read_text(&u, text), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "too long"));
	CU_ASSERT_EQUAL(users_read(&u, "/nowhere/users", "r", why,
				   sizeof why), ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "/nowhere/users: No such file"));
	CU_ASSERT_EQUAL(users_read(&u, "", "r", why, sizeof why), EINVAL);
	CU_ASSERT_PTR_NULL(u);
	mem_deref(text);
}

UNIT_SUITE("registrar/users",
	   { "good", test_good },
	   { "bad", test_bad })
