/*
 * rights.c: tests of sipd/rights.c: hours of every form, and whose line
 * counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sipd/explain.h"
#include "sipd/hours.h"
#include "sipd/peers.h"
#include "tests/unit/unit.h"

/* Of a week that begins on Monday, 5 January 2026, UTC. */
static time_t at(unsigned day, unsigned hour, unsigned minute)
{
	return (time_t)(1767571200 + 86400 * day + 3600 * hour +
			60 * minute);
}

static void test_hours(void)
{
	static const char *const badv[] = {
		"x", "mon", "mon 8:00-18:00", "08:00", "08:00-", "08:60-09:00",
		"25:00-26:00", "08:00-08:00", "mon-fir 08:00-18:00",
		"mon-fri 08:00-18:00;", "08:00-18:00 x", "24:00-08:00",
	};
	static const char week[] = "mon-fri 08:00-18:00,sat 09:00-12:00";
	static const char night[] = "fri 22:00-06:00";
	static const char around[] = "sat-mon 10:00-11:00";

	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < sizeof badv / sizeof badv[0]; i++)
		CU_ASSERT_FALSE(hours_ok(badv[i]));
	CU_ASSERT_TRUE(hours_ok(week));
	CU_ASSERT_TRUE(hours_ok("00:00-24:00"));
	CU_ASSERT_TRUE(hours_now("", at(0, 3, 0)));
	CU_ASSERT_TRUE(hours_now(week, at(0, 8, 0)));
	CU_ASSERT_TRUE(hours_now(week, at(4, 17, 59)));
	CU_ASSERT_FALSE(hours_now(week, at(4, 18, 0)));
	CU_ASSERT_FALSE(hours_now(week, at(0, 7, 59)));
	CU_ASSERT_TRUE(hours_now(week, at(5, 9, 30)));
	CU_ASSERT_FALSE(hours_now(week, at(6, 9, 30)));
	CU_ASSERT_TRUE(hours_now(night, at(4, 23, 0)));
	CU_ASSERT_TRUE(hours_now(night, at(5, 5, 59)));
	CU_ASSERT_FALSE(hours_now(night, at(5, 23, 0)));
	CU_ASSERT_FALSE(hours_now(night, at(4, 5, 0)));
	CU_ASSERT_TRUE(hours_now(around, at(6, 10, 0)));
	CU_ASSERT_TRUE(hours_now(around, at(0, 10, 0)));
	CU_ASSERT_FALSE(hours_now(around, at(1, 10, 0)));
}

static struct conf *load(const char *text, char *why, size_t size)
{
	char file[64];
	struct conf *c = NULL;
	struct conf_error ce;
	const int fd = unit_file(file, sizeof file);

	CU_ASSERT_EQUAL(write(fd, text, strlen(text)),
			(ssize_t)strlen(text));
	close(fd);
	if (conf_load(&c, file, &ce))
		(void)str_ncpy(why, ce.text, size);
	unlink(file);
	return c;
}

static struct rights of(const struct conf *c, const char *name)
{
	struct rights r;

	for (struct le *le = c->peerl.head; le; le = le->next) {
		const struct conf_peer *p = le->data;

		if (!strcmp(p->name, name))
			rights_of(&r, c, p);
	}
	return r;
}

static void test_whose(void)
{
	char why[300];
	struct conf *c = load("[sipd]\nallow = pipe\nper-peer = 9\n"
			      "[peer a]\naddress = a@x.org\ngroup = g\n"
			      "[peer b]\naddress = b@x.org\ngroup = g\n"
			      "allow = vpn\nrate = 2\nhours = 08:00-09:00\n"
			      "[peer c]\naddress = c@x.org\n"
			      "[peer d]\naddress = d@x.org\ngroup = g\n"
			      "allow =\n"
			      "[group g]\nallow = file\nsessions = 3\n"
			      "rate = 7\nduration = 90m\nbytes = 2K\n"
			      "hours = mon 08:00-18:00\nhours = tue "
			      "10:00-11:00\n", why, sizeof why);
	struct rights r;

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	r = of(c, "a");
	CU_ASSERT_STRING_EQUAL(r.allow, "file");
	CU_ASSERT_STRING_EQUAL(r.hours,
			       "mon 08:00-18:00,tue 10:00-11:00");
	CU_ASSERT_EQUAL(r.sessions, 3);
	CU_ASSERT_EQUAL(r.rate, 7);
	CU_ASSERT_EQUAL(r.duration, 5400);
	CU_ASSERT_EQUAL(r.bytes, 2048);
	r = of(c, "b");
	CU_ASSERT_STRING_EQUAL(r.allow, "vpn");
	CU_ASSERT_STRING_EQUAL(r.hours, "08:00-09:00");
	CU_ASSERT_EQUAL(r.rate, 2);
	CU_ASSERT_EQUAL(r.duration, 5400);
	r = of(c, "c");
	CU_ASSERT_STRING_EQUAL(r.allow, "");
	CU_ASSERT_EQUAL(r.sessions, 9);
	CU_ASSERT_EQUAL(r.rate, 0);
	CU_ASSERT_STRING_EQUAL(of(c, "d").allow, "");
	rights_of(&r, c, NULL);
	CU_ASSERT_STRING_EQUAL(r.allow, "pipe");
	mem_deref(c);
}

static void test_refused(void)
{
	static const struct {
		const char *line, *says;
	} v[] = {
		{ "group = h", "there is no [group h]" },
		{ "hours = always", "must be like mon-fri 08:00-18:00" },
		{ "duration = 8x", "must be a time such as 90s" },
		{ "duration = 0", "must be a time such as 90s" },
		{ "duration = 99999d", "must be a time such as 90s" },
		{ "bytes = many", "must be a number of bytes" },
		{ "rate = 0", "must be a number from 1" },
	};
	char text[200], why[300];

	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		struct conf *c;

		snprintf(text, sizeof text, "[group g]\n[peer a]\naddress ="
			 " a@x.org\n%s\n", v[i].line);
		c = load(text, why, sizeof why);
		CU_ASSERT_PTR_NULL(c);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, v[i].says));
	}
}

static void add_line(const char *line, void *arg)
{
	strcat(strcat(arg, line), "\n");
}

static void test_explain(void)
{
	const struct rights r = {
		.allow = "file,forward 127.0.0.1:22", .hours = "",
		.sessions = 4, .duration = 60, .group = "g",
	};
	const struct rights none = { .allow = "", .hours = "" };
	char text[1000] = "";

	rights_explain(&r, add_line, text);
	CU_ASSERT_STRING_EQUAL(text, "is in [group g]\nmay use file\nmay use"
		" forward 127.0.0.1:22\nmay have 4 sessions at once\nis hung"
		" up after 1m\n");
	*text = '\0';
	rights_explain(&none, add_line, text);
	CU_ASSERT_STRING_EQUAL(text, "may do nothing here\n");
}

/* What is said of a key that nobody has pinned is what would be. */
static void test_strangers(void)
{
	static const struct {
		enum conf_unknown unknown;
		char *ca;
		const char *says;
	} v[] = {
		{ UNKNOWN_REJECT, NULL, "calls are refused; with one pinned" },
		{ UNKNOWN_REJECT, "ca", "refused, but if [trust] vouches" },
		{ UNKNOWN_ASK, NULL, "calls ring, and once approved" },
		{ UNKNOWN_PIN, NULL, "the first one shown is pinned" },
	};
	struct peer p = { .rights = { .allow = "", .hours = "" } };
	struct conf c = { .allow = "file" };
	char text[1000];

	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		c.unknown = v[i].unknown;
		c.trust_ca = v[i].ca;
		*text = '\0';
		explain_peer(&c, &p, add_line, text);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, v[i].says));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "may use file"));
	}
	p.pinned = true;
	*text = '\0';
	explain_peer(&c, &p, add_line, text);
	CU_ASSERT_STRING_EQUAL(text, "may do nothing here\n");
}

UNIT_SUITE("rights",
	   { "hours", test_hours },
	   { "whose", test_whose },
	   { "refused", test_refused },
	   { "explain", test_explain },
	   { "strangers", test_strangers })
