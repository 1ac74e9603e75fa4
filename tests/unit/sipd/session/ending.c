/*
 * ending.c: tunnels that end in a running session: which of the rest goes on,
 * and what the session's end is to whom.
 */
#include "tests/unit/sipd/session/asker.h"

/* Whoever began may go first: the rest of the session stays. */
static void test_drop(void)
{
	struct asker f, g;

	friends("forward 127.0.0.1:9");
	begin(&f);
	ask_for(&g, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, &g));
	board_drop(alice.board, &f);
	CU_ASSERT_EQUAL(sessions(&alice), 1);
	/* the dropped line is used again */
	ask_for(&f, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, &f));
	CU_ASSERT_PTR_EQUAL(f.s, g.s);
	board_drop(alice.board, &g);
	finish(&f);
}

static bool is_later(void *arg)
{
	unsigned *turns = arg;

	return ++*turns > 8;
}

/* A pipe that ends well when *in is closed. */
static void pipe_open(struct asker *a, struct side *side, const char *to,
		      int *in)
{
	int p[2], fd[2];

	CU_ASSERT_EQUAL(pipe2(p, O_CLOEXEC), 0);
	*in = p[1];
	fd[0] = p[0];
	fd[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ask_with(a, side, to, "pipe", NULL, fd);
	CU_ASSERT(until(is_open, a));
	CU_ASSERT(until(settled, NULL));
}

/* An offer of one who has not heard yet that a tunnel is over does not bring
 * it back: here it ends while both wait after a 491. */
static void test_drop_glare(void)
{
	struct asker f, g, a, b;
	char fa[128], fb[128];
	unsigned turns = 0;
	int in;

	friends("file, pipe, forward 127.0.0.1:9\n[pipe]\ncommand = cat");
	begin(&f);
	pipe_open(&g, &alice, bob_uri, &in);
	hello(fa, sizeof fa, &alice);
	hello(fb, sizeof fb, &bob);
	ask_for(&a, &alice, bob_uri, "file", fa);
	ask_for(&b, &bob, alice_uri, "file", fb);
	CU_ASSERT(until(is_later, &turns));
	(void)close(in);        /* the end of its input */
	CU_ASSERT(until(is_over, &g));
	CU_ASSERT_EQUAL(g.reason, REASON_DONE);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT_EQUAL(b.reason, REASON_DONE);
	finish(&f);
}

/* Each ends its own, and both are all there is. */
static void test_last_two(void)
{
	struct asker a, b;
	int in_a, in_b;

	friends("pipe\n[pipe]\ncommand = cat");
	pipe_open(&a, &alice, bob_uri, &in_a);
	pipe_open(&b, &bob, alice_uri, &in_b);
	CU_ASSERT_EQUAL(sessions(&alice), 1);
	(void)close(in_a);
	(void)close(in_b);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT_EQUAL(b.reason, REASON_DONE);
	CU_ASSERT(until(no_sessions, NULL));
	both_close();
}

/* What one side calls done is not, if the other has asked for more. */
static void test_done_too_early(void)
{
	struct asker f, b;
	int in;

	friends("pipe, forward 127.0.0.1:9\n[pipe]\ncommand = cat");
	begin(&f);
	pipe_open(&b, &bob, alice_uri, &in);
	CU_ASSERT_TRUE(session_owes(b.s));
	CU_ASSERT_FALSE(session_owes(f.s));
	session_hangup(f.s, REASON_DONE, NULL);
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(b.reason, REASON_PEER_STOPPED);
	(void)close(in);
	both_close();
}

static bool any_session(struct session *s, void *arg)
{
	(void)s;
	(void)arg;
	return true;
}

/* The peer ends the session of both: what it cuts off is no success, and the
 * forward, which would have gone on for ever, is none the worse for it. */
static void test_cut_off(void)
{
	struct asker f, a;
	int in;

	friends("pipe, forward 127.0.0.1:9\n[pipe]\ncommand = cat");
	begin(&f);
	pipe_open(&a, &alice, bob_uri, &in);
	CU_ASSERT_EQUAL(sessions(&alice), 1);
	session_hangup(board_apply(bob.board, any_session, NULL),
		       REASON_LOCAL_HANGUP, NULL);
	CU_ASSERT(until(is_over, &f));
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_EQUAL(f.reason, REASON_PEER_HANGUP);
	CU_ASSERT_EQUAL(a.reason, REASON_PEER_STOPPED);
	(void)close(in);
	both_close();
}

UNIT_SUITE("session/ending",
	{ "drop", test_drop },
	{ "drop and glare", test_drop_glare },
	{ "the last two", test_last_two },
	{ "done too early", test_done_too_early },
	{ "cut off", test_cut_off })
