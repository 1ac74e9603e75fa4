/*
 * files.c: tests of sipd.conf as a file: where it is looked for, who may read
 * it, what it must not be.
 */
#include <errno.h>
#include "sipd/places.h"
#include "tests/unit/fail.h"
#include "tests/unit/sipd/conf/text.h"

static void test_secrets(void)
{
	static const char text[] =
		"[account]\naddress=a@b.c\npassword=hush\n";
	struct conf *c = NULL;

	setup();
	write_to(file, text, strlen(text), 0644);
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "chmod 600"));
	CU_ASSERT_PTR_NULL(strstr(e.text, "hush"));
	chmod(file, 0640);
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), 0);
	mem_deref(c);

	write_to(side, "hush\n", 5, 0644);
	CU_ASSERT_PTR_NULL(load("[account]\naddress=a@b.c\n"
				"password-file=side\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "chmod 600"));
	chmod(side, 0600);
	CU_ASSERT_PTR_NULL(load("[account]\naddress=a@b.c\npassword=x\n"
				"password-file=side\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "keep one of them"));
	write_to(side, "\n", 1, 0600);
	CU_ASSERT_PTR_NULL(load("[account]\naddress=a@b.c\n"
				"password-file=side\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "first line is empty"));
	teardown();
}

static void test_files(void)
{
	struct conf *c = NULL;
	char text[1024];

	setup();
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "No such file"));
	CU_ASSERT_EQUAL(conf_load(&c, dir, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "is a folder"));
	write_to(file, "[sipd]\nlog=a\0b\n", 15, 0600);
	CU_ASSERT_EQUAL(conf_load(&c, file, &e), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "2: there is a control"));

	memset(text, 'x', sizeof text);
	memcpy(text, "[pipe]\ncommand=", 15);
	strcpy(text + 300, "\n");
	CU_ASSERT_PTR_NULL(load(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "2: this line is longer than"));

	memcpy(text, "[sipd]\ncontrol=", 15);
	strcpy(text + 150, "\n");
	CU_ASSERT_PTR_NULL(load(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "longer than 107 bytes"));

	c = load("");
	CU_ASSERT_PTR_NOT_NULL(c);
	mem_deref(c);
	CU_ASSERT_EQUAL(conf_load(NULL, file, &e), EINVAL);
	teardown();
}

static void test_default_file(void)
{
	char buf[256], path[128], sub[96];

	setup();
	snprintf(sub, sizeof sub, "%s/dialtone", dir);
	snprintf(path, sizeof path, "%s/sipd.conf", sub);
	setenv("XDG_CONFIG_HOME", dir, 1);
	if (access("/etc/dialtone/sipd.conf", F_OK)) {
		CU_ASSERT_EQUAL(places_conf(buf, sizeof buf), ENOENT);
		CU_ASSERT_STRING_EQUAL(buf, "");
	}
	mkdir(sub, 0700);
	write_to(path, "", 0, 0600);
	CU_ASSERT_EQUAL(places_conf(buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, path);
	CU_ASSERT_NOT_EQUAL(places_conf(buf, 4), 0);
	unsetenv("XDG_CONFIG_HOME");
	unlink(path);
	rmdir(sub);
	teardown();
}

static int load_again(void *arg)
{
	struct conf *c = NULL;
	int err = conf_load(&c, file, &e);

	(void)arg;
	mem_deref(c);
	return err;
}

static void test_no_memory(void)
{
	setup();
	mem_deref(load("[account]\naddress=a@b.c\npassword=x\n[peer b]\n"
		       "address=b@c.d\nfingerprint=" FP "\nallow=file\n"
		       "allow=pipe\n[file]\nmax-size=1k\n"));
	FAIL_EACH(load_again, NULL);
	teardown();
}

UNIT_SUITE("conf/files",
	   { "secrets", test_secrets },
	   { "files", test_files },
	   { "default file", test_default_file },
	   { "no memory", test_no_memory })
