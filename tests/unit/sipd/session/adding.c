/*
 * adding.c: tunnels that are added to a running session: by either side, by
 * both at once, refused; and candidates that come late.
 */
#include "tests/unit/sipd/session/asker.h"

static bool has_file(const struct side *at)
{
	char file[128];
	struct stat st;

	(void)re_snprintf(file, sizeof file, "%s/inbox/hello", at->dir);
	return !stat(file, &st) && st.st_size == 6;
}

/* By the caller, then by the callee: files within the forward's session. */
static void test_add(void)
{
	struct asker f, a;
	char file[128];

	friends("file, forward 127.0.0.1:9");
	begin(&f);
	hello(file, sizeof file, &alice);
	for (int i = 0; i < 12; i++) {  /* more often than there are lines */
		ask_for(&a, &alice, bob_uri, "file", file);
		CU_ASSERT_PTR_EQUAL(a.s, f.s);
		CU_ASSERT(until(is_over, &a));
		CU_ASSERT(a.open);
		CU_ASSERT_EQUAL(a.reason, REASON_DONE);
		CU_ASSERT_EQUAL(sessions(&alice), 1);
	}
	CU_ASSERT(has_file(&bob));
	hello(file, sizeof file, &bob);
	ask_for(&a, &bob, alice_uri, "file", file);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT(has_file(&alice));
	CU_ASSERT_EQUAL(sessions(&bob), 1);
	finish(&f);
}

/* A session has a thousand numbers for tunnels: the next has one of its own. */
static void test_many(void)
{
	struct asker f, a;
	char file[128], there[128];
	int i = 0;

	friends("file, forward 127.0.0.1:9");
	begin(&f);
	hello(file, sizeof file, &alice);
	(void)re_snprintf(there, sizeof there, "%s/inbox/hello", bob.dir);
	do {
		ask_for(&a, &alice, bob_uri, "file", file);
		CU_ASSERT_FATAL(until(is_over, &a));
		CU_ASSERT_EQUAL_FATAL(a.reason, REASON_DONE);
		CU_ASSERT_EQUAL(unlink(there), 0);
	} while (a.s == f.s && ++i < 1024);
	CU_ASSERT_PTR_NOT_EQUAL(a.s, f.s);
	finish(&f);
}

static bool has_late(struct session *s, void *arg)
{
	struct session_info in;
	struct sa sa;
	(void)arg;

	session_info(s, &in);
	(void)sa_set_str(&sa, late_addr, 4000);
	for (size_t i = 0; in.remote_desc && i < in.remote_desc->candc; i++)
		if (sa_cmp(&in.remote_desc->candv[i].addr, &sa, SA_ALL))
			return true;
	return false;
}

static bool knows_late(void *arg)
{
	return board_apply(bob.board, has_late, arg) != NULL;
}

/* A candidate that is found while it rings is told when it is answered. */
static void test_late_candidate(void)
{
	struct asker f;

	friends("file, forward 127.0.0.1:9");
	map_late = true;
	begin(&f);
	CU_ASSERT_FALSE(map_late);
	CU_ASSERT(until(knows_late, NULL));
	finish(&f);
}

/* Both at the same moment: 491, and both come through. */
static void test_glare(void)
{
	struct asker f, a, b;
	char fa[128], fb[128];

	friends("file, forward 127.0.0.1:9");
	begin(&f);
	hello(fa, sizeof fa, &alice);
	hello(fb, sizeof fb, &bob);
	ask_for(&a, &alice, bob_uri, "file", fa);
	ask_for(&b, &bob, alice_uri, "file", fb);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT_EQUAL(b.reason, REASON_DONE);
	CU_ASSERT(has_file(&alice));
	CU_ASSERT(has_file(&bob));
	finish(&f);
}

/* What is not allowed is refused, and nothing else suffers. */
static void test_add_refused(void)
{
	struct asker f, a;
	char file[128];

	friends("forward 127.0.0.1:9, pipe");
	begin(&f);
	hello(file, sizeof file, &alice);
	ask_for(&a, &alice, bob_uri, "file", file);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_FALSE(a.open);
	CU_ASSERT_EQUAL(a.reason, REASON_NOT_ALLOWED);
	/* allowed, but nobody is at its other end */
	ask_for(&a, &alice, bob_uri, "pipe", NULL);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_EQUAL(a.reason, REASON_REFUSED);
	/* it was no line of the session: the next one is taken */
	ask_for(&a, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, &a));
	CU_ASSERT_PTR_EQUAL(a.s, f.s);
	board_drop(alice.board, &a);
	CU_ASSERT_FALSE(a.over);        /* nobody is told any more */
	finish(&f);
}

UNIT_SUITE("session/adding",
	{ "add", test_add },
	{ "many", test_many },
	{ "late candidate", test_late_candidate },
	{ "glare", test_glare },
	{ "add refused", test_add_refused })
