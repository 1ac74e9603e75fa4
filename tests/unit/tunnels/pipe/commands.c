/*
 * commands.c: tests tunnels/pipe.c where a command is the far end: how it
 * ends, and what becomes of it; and the words.
 */
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/pipe/piping.h"

static void test_command(void)
{
	struct piping p;

	piping_open(&p, "tr a-z A-Z; echo $DIALTONE_PEER; exec 1>&-; "
		    "test -z \"$SECRET\"");
	put(p.a_in, "shout");
	close_fd(&p.a_in);
	expect(p.a_out, "SHOUTalice\n");
	expect_end(p.a_out);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	CU_ASSERT_EQUAL(p.r.b.err, 0);
	piping_close(&p);
}

static void ends_with(const char *command, int err, const char *why)
{
	struct piping p;

	piping_open(&p, command);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, err);
	if (why)
		CU_ASSERT_PTR_NOT_NULL(strstr(p.r.a.why, why));
	CU_ASSERT_EQUAL(p.r.b.err, 0);
	piping_close(&p);
}

static void test_status(void)
{
	/* it ends while our input is open: that is its end, too */
	ends_with("exit 0", 0, NULL);
	ends_with("exit 3", ECANCELED, "exit status 3");
	ends_with("kill -9 $$", ECANCELED, "signal 9");
	ends_with("no-such-command-here", ECANCELED, "not found");
	ends_with("read x <&1; exec >&-; exec <&-; sleep 0.1; exit 0", 0,
		  NULL);
}

/* head ends before its input does. */
static void test_early_command(void)
{
	struct piping p;
	struct flood f = { .endh = hang_up, .n = 5000000, .seed = 1 };

	signal(SIGPIPE, SIG_IGN);
	piping_open(&p, "head -c 3");
	f.fd = p.a_in;
	p.a_in = -1;
	pthread_create(&f.t, NULL, flood_write, &f);
	rig_wait(&p.r);
	pthread_join(f.t, NULL);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	piping_close(&p);
	signal(SIGPIPE, SIG_DFL);
}

/* The group of a command is ended with the tunnel, and reaped. */
static void test_deref(void)
{
	struct piping p;
	char buf[32] = "";
	int tries = 0;
	pid_t pid;

	piping_open(&p, "echo $$; trap '' HUP; cat; sleep 100 & wait");
	CU_ASSERT(read(p.a_out, buf, sizeof buf - 1) > 0);
	pid = atoi(buf);
	CU_ASSERT(pid > 1);
	piping_close(&p);
	while (pid > 1 && !kill(-pid, 0) && tries++ < 400)
		usleep(10000);
	CU_ASSERT_EQUAL(kill(-pid, 0), -1);
	/* before anything was said */
	piping_open(&p, NULL);
	piping_close(&p);
}

static void test_words(void)
{
	char *const words[] = { (char *)"cat", NULL };
	struct tunnel_ask ask = { .fd_in = -1, .fd_out = -1 };
	char why[256] = "";
	struct rig r;

	ask.why = why;
	ask.why_size = sizeof why;
	rig_open(&r, "pipe");
	CU_ASSERT_EQUAL(rig_offer(&r, &ask), EINVAL);
	r.offer = mem_deref(r.offer);
	ask.argv = words;
	ask.argc = 1;
	CU_ASSERT_EQUAL(rig_offer(&r, &ask), EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no words"));
	r.offer = mem_deref(r.offer);
	ask.argc = 0;
	ask.fd_in = 0;
	ask.fd_out = 1;
	CU_ASSERT_EQUAL(rig_offer(&r, &ask), 0);
	ask.fd_in = ask.fd_out = -1;
	CU_ASSERT_EQUAL(rig_answer(&r, &ask), ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "dial wait pipe"));
	rig_close(&r);
}

static void test_no_memory(void)
{
	struct piping p;
	struct rig_asks w = { &p.r, &p.a, &p.b };

	memset(&p, 0, sizeof p);
	rig_open(&p.r, "pipe");
	p.conf.key[0] = "command";
	p.conf.value[0] = "cat";
	p.a = (struct tunnel_ask){ .fd_in = 0, .fd_out = 1, .peer = "bob" };
	p.b = (struct tunnel_ask){ .fd_in = -1, .fd_out = -1,
		.peer = "alice", .confh = rig_confh, .arg = &p.conf };
	FAIL_EACH(rig_words, &w);
	rig_close(&p.r);
}

UNIT_SUITE("pipe/commands",
	{ "command", test_command },
	{ "status", test_status },
	{ "early_command", test_early_command },
	{ "deref", test_deref },
	{ "words", test_words },
	{ "no_memory", test_no_memory })
