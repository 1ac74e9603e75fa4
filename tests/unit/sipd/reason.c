/*
 * reason.c: tests of the words, exit codes and sentences of sipd/reason.c, and of
 * what an end or a peer's word means here (sipd/callend.c).
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "sipd/callend.h"
#include "tests/unit/unit.h"

static void test_names(void)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *name = reason_name((enum reason)i);

		CU_ASSERT(strlen(name) > 2);
		for (const char *p = name; *p; p++)
			CU_ASSERT(islower((unsigned char)*p) || *p == '-');
		CU_ASSERT_EQUAL(reason_find(name), (enum reason)i);
	}
	CU_ASSERT_EQUAL(reason_find("no-such"), REASON_NONE);
	CU_ASSERT_EQUAL(reason_find(NULL), REASON_NONE);
	CU_ASSERT_STRING_EQUAL(reason_name((enum reason)999), "internal");
}

static void test_texts(void)
{
	char buf[512];

	for (unsigned i = 0; i < REASON_COUNT; i++) {
		CU_ASSERT_EQUAL(reason_text(buf, sizeof buf, (enum reason)i,
					    "bob"), 0);
		CU_ASSERT_PTR_NULL(strchr(buf, '%'));
		CU_ASSERT(strlen(buf) > 4);
		CU_ASSERT_EQUAL(buf[strlen(buf) - 1], '.');
	}
	reason_text(buf, sizeof buf, REASON_PEER_HANGUP, "bob");
	CU_ASSERT_STRING_EQUAL(buf, "bob ended the session.");
	reason_text(buf, sizeof buf, REASON_PEER_HANGUP, NULL);
	CU_ASSERT_STRING_EQUAL(buf, "The peer ended the session.");
	reason_text(buf, sizeof buf, REASON_LOCAL_HANGUP, "");
	CU_ASSERT_STRING_EQUAL(buf, "You ended the session with the peer.");
}

static void test_hostile_peer(void)
{
	char buf[64];

	reason_text(buf, sizeof buf, REASON_BUSY, "a%s\n\x1b[2J\x7f");
	CU_ASSERT_STRING_EQUAL(buf, "a%s??[2J? is busy: try again later.");
}

static void test_bounds(void)
{
	char buf[8];

	memset(buf, 'x', sizeof buf);
	CU_ASSERT_EQUAL(reason_text(buf, 6, REASON_BUSY, "bob"), EOVERFLOW);
	CU_ASSERT_STRING_EQUAL(buf, "bob i");
	CU_ASSERT_EQUAL(buf[6], 'x');
	CU_ASSERT_EQUAL(reason_text(buf, 1, REASON_BUSY, "bob"), EOVERFLOW);
	CU_ASSERT_STRING_EQUAL(buf, "");
	CU_ASSERT_EQUAL(reason_text(buf, 0, REASON_BUSY, "bob"), EINVAL);
}

static void test_exits(void)
{
	CU_ASSERT_EQUAL(reason_exit(REASON_DONE), 0);
	CU_ASSERT_EQUAL(reason_exit(REASON_BAD_ADDRESS), 2);
	CU_ASSERT_EQUAL(reason_exit(REASON_INTERRUPTED), 130);
	CU_ASSERT_EQUAL(reason_exit(REASON_NO_PATH), 1);
}

/* What came of a call before it was answered. */
static enum reason of(int err, bool server, uint16_t scode, const char *said)
{
	struct call_end end = { .err = err, .server = server, .scode = scode };
	const char *text;
	enum reason r;

	str_ncpy(end.text, "nothing answers at that address", sizeof end.text);
	r = callend_reason(&end, false, &text);
	CU_ASSERT_STRING_EQUAL(text, said);
	return r;
}

/* Who is not there: the peer, or the server that would know it? */
static void test_not_there(void)
{
	static const char said[] = "nothing answers at that address";

	CU_ASSERT_EQUAL(of(ECONNREFUSED, false, 0, ""), REASON_UNREACHABLE);
	CU_ASSERT_EQUAL(of(ETIMEDOUT, false, 0, said), REASON_UNREACHABLE);
	CU_ASSERT_EQUAL(of(EHOSTUNREACH, false, 0, said),
			REASON_NAME_NOT_FOUND);
	CU_ASSERT_EQUAL(of(ETIMEDOUT, true, 0, said), REASON_NO_SERVER);
	CU_ASSERT_EQUAL(of(EHOSTUNREACH, true, 0, said), REASON_NO_SERVER);
	CU_ASSERT_EQUAL(of(EPROTO, true, 0, said), REASON_BAD_PEER);
	CU_ASSERT_EQUAL(of(EACCES, true, 0, said), REASON_TLS_FAILED);
	CU_ASSERT_EQUAL(of(0, false, 408, said), REASON_NO_ANSWER);
}

static enum reason says(const char *word)
{
	struct call_end end = { .by_peer = true };
	const char *text;
	enum reason r;

	str_ncpy(end.key, word, sizeof end.key);
	r = callend_reason(&end, false, &text);
	CU_ASSERT_STRING_EQUAL(text, "");
	return r;
}

static void test_theirs(void)
{
	CU_ASSERT_EQUAL(says("unknown-here"), REASON_UNKNOWN_THERE);
	CU_ASSERT_EQUAL(says("interrupted"), REASON_PEER_HANGUP);
	/* the caller gave up: it was not the caller who did not answer */
	CU_ASSERT_EQUAL(says("no-answer"), REASON_PEER_HANGUP);
	CU_ASSERT_EQUAL(says("not-allowed"), REASON_NOT_ALLOWED);
}

UNIT_SUITE("reason",
	   { "names", test_names },
	   { "texts", test_texts },
	   { "hostile peer", test_hostile_peer },
	   { "bounds", test_bounds },
	   { "exits", test_exits },
	   { "not there", test_not_there },
	   { "the peer's word", test_theirs })
