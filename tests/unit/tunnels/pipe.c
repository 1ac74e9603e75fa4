/*
 * pipe.c: tests tunnels/pipe.c and its helpers: descriptors of all kinds,
 * half-close, commands and how they end.
 */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "tests/unit/fail.h"
#include "tests/unit/tunnels/flood.h"
#include "tests/unit/tunnels/rig.h"

struct piping {
	struct rig r;
	struct rig_conf conf;
	struct tunnel_ask a, b;
	char why[256];
	int a_in, a_out, b_in, b_out;   /* our ends */
};

/* fds: the tunnel's ends, closed here once it has taken them. */
static void piping_call(struct piping *p, int a_in, int a_out, int b_in,
			int b_out, const char *command)
{
	rig_open(&p->r, "pipe");
	p->conf.key[0] = command ? "command" : NULL;
	p->conf.value[0] = command;
	p->a = (struct tunnel_ask){ .fd_in = a_in, .fd_out = a_out,
		.peer = "bob", .why = p->why, .why_size = sizeof p->why };
	p->b = (struct tunnel_ask){ .fd_in = b_in, .fd_out = b_out,
		.peer = "alice", .confh = rig_confh, .arg = &p->conf,
		.why = p->why, .why_size = sizeof p->why };
	rig_call(&p->r, &p->a, &p->b);
	if (a_in >= 0)
		close(a_in);
	if (a_out >= 0)
		close(a_out);
	if (b_in >= 0)
		close(b_in);
	if (b_out >= 0)
		close(b_out);
}

/* Pipes on all sides; with a command none at b's. */
static void piping_open(struct piping *p, const char *command)
{
	int v[4][2];

	memset(p, 0, sizeof *p);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(pipe2(v[i], O_CLOEXEC), 0);
	p->a_in = v[0][1];
	p->a_out = v[1][0];
	p->b_in = v[2][1];
	p->b_out = v[3][0];
	if (command) {
		close(v[2][0]);
		close(v[3][1]);
		piping_call(p, v[0][0], v[1][1], -1, -1, command);
	}
	else
		piping_call(p, v[0][0], v[1][1], v[2][0], v[3][1], NULL);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void piping_close(struct piping *p)
{
	close_fd(&p->a_in);
	close_fd(&p->a_out);
	close_fd(&p->b_in);
	close_fd(&p->b_out);
	rig_close(&p->r);
}

static void put(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)),
			(ssize_t)strlen(text));
}

/* Exactly these bytes come. */
static void expect(int fd, const char *text)
{
	char buf[256];
	size_t n = 0;

	while (n < strlen(text)) {
		ssize_t k = read(fd, buf + n, strlen(text) - n);

		if (k <= 0)
			break;
		n += (size_t)k;
	}
	CU_ASSERT_EQUAL(n, strlen(text));
	CU_ASSERT_EQUAL(memcmp(buf, text, n), 0);
}

static void expect_end(int fd)
{
	char c;

	CU_ASSERT_EQUAL(read(fd, &c, 1), 0);
}

static void test_both_ways(void)
{
	struct piping p;

	piping_open(&p, NULL);
	put(p.a_in, "hello");
	expect(p.b_out, "hello");
	put(p.b_in, "and back");
	expect(p.a_out, "and back");
	/* half-close: the other direction goes on */
	close_fd(&p.a_in);
	expect_end(p.b_out);
	put(p.b_in, "still here");
	expect(p.a_out, "still here");
	rig_lock();
	CU_ASSERT_FALSE(p.r.a.done);
	rig_unlock();
	close_fd(&p.b_in);
	expect_end(p.a_out);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	CU_ASSERT_EQUAL(p.r.b.err, 0);
	piping_close(&p);
}

static void hang_up(int fd)
{
	close(fd);
}

/* Every byte value, both ways at once, more than any buffer holds. */
static void test_flood(void)
{
	enum { SIZE = 10000019 };
	struct piping p;
	struct flood f[4];

	piping_open(&p, NULL);
	f[0] = (struct flood){ .fd = p.a_in, .n = SIZE, .seed = 1 };
	f[1] = (struct flood){ .fd = p.b_in, .n = SIZE, .seed = 2 };
	f[2] = (struct flood){ .fd = p.b_out, .seed = 1 };
	f[3] = (struct flood){ .fd = p.a_out, .seed = 2 };
	f[0].endh = f[1].endh = hang_up;
	flood_start(f);
	rig_wait(&p.r);
	flood_join(f);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	p.a_in = p.b_in = -1;
	piping_close(&p);
}

/* A reader that does not read stops the writer, and only it. */
static void test_back_pressure(void)
{
	struct piping p;
	char buf[4096] = "x";
	size_t n = 0, got = 0;
	int idle = 0;
	ssize_t k;

	piping_open(&p, NULL);
	fcntl(p.a_in, F_SETFL, O_NONBLOCK);
	while (idle < 20) {
		k = write(p.a_in, buf, sizeof buf);
		if (k > 0)
			n += (size_t)k;
		idle = k > 0 ? 0 : idle + 1;
		if (k <= 0)
			usleep(10000);
	}
	/* pipes, the stream's buffer and window, and no more */
	CU_ASSERT(n >= 128 * 1024);
	CU_ASSERT(n <= 512 * 1024);
	put(p.b_in, "free");
	expect(p.a_out, "free");
	close_fd(&p.a_in);
	while ((k = read(p.b_out, buf, sizeof buf)) > 0)
		got += (size_t)k;
	CU_ASSERT_EQUAL(got, n);
	close_fd(&p.b_in);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	piping_close(&p);
}

static void test_files(void)
{
	char in[64], out[64], cmd[200], buf[1000];
	struct piping p;
	int fi = unit_file(in, sizeof in), fo = unit_file(out, sizeof out);
	int null, null2;

	memset(&p, 0, sizeof p);
	p.a_in = p.a_out = p.b_in = p.b_out = -1;
	for (int i = 0; i < 3000; i++) {
		memset(buf, i, sizeof buf);
		CU_ASSERT_EQUAL(write(fi, buf, sizeof buf), 1000);
	}
	CU_ASSERT_EQUAL(lseek(fi, 1000, SEEK_SET), 1000);
	null = open("/dev/null", O_RDONLY);
	null2 = open("/dev/null", O_WRONLY);
	piping_call(&p, fi, null2, null, fo, NULL);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	CU_ASSERT_EQUAL(p.r.b.err, 0);
	piping_close(&p);
	snprintf(cmd, sizeof cmd, "tail -c +1001 %s | cmp - %s", in, out);
	CU_ASSERT_EQUAL(system(cmd), 0);
	unlink(in);
	unlink(out);
}

static void test_sockets(void)
{
	struct piping p;
	int a[2], b[2];

	memset(&p, 0, sizeof p);
	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   a), 0);
	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   b), 0);
	piping_call(&p, a[0], dup(a[0]), b[0], dup(b[0]), NULL);
	p.a_in = a[1];
	p.b_in = b[1];
	p.a_out = p.b_out = -1;
	put(a[1], "to b");
	expect(b[1], "to b");
	put(b[1], "to a");
	expect(a[1], "to a");
	CU_ASSERT_EQUAL(fcntl(a[1], F_GETFL) & O_NONBLOCK, 0);
	shutdown(a[1], SHUT_WR);
	shutdown(b[1], SHUT_WR);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	piping_close(&p);
}

/* A terminal: ^D ends it, and its flags stay as they were. */
static void test_terminal(void)
{
	struct piping p;
	int master, slave, v[2], w[2];

	memset(&p, 0, sizeof p);
	CU_ASSERT_EQUAL_FATAL(openpty(&master, &slave, NULL, NULL, NULL), 0);
	CU_ASSERT_EQUAL(pipe2(v, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(pipe2(w, O_CLOEXEC), 0);
	piping_call(&p, dup(slave), dup(slave), w[0], v[1], NULL);
	p.a_in = p.a_out = -1;
	p.b_in = w[1];
	p.b_out = v[0];
	put(master, "typed\n");
	expect(v[0], "typed\n");
	CU_ASSERT_EQUAL(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	put(master, "\004");
	expect_end(v[0]);
	close_fd(&p.b_in);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	piping_close(&p);
	close(master);
	close(slave);
}

/* The flags of a shared pipe stay as they were, too. */
static void test_flags(void)
{
	struct piping p;
	int v[2], w[2], x[2];

	memset(&p, 0, sizeof p);
	CU_ASSERT_EQUAL(pipe2(v, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(pipe2(w, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(pipe2(x, O_CLOEXEC), 0);
	piping_call(&p, dup(v[0]), dup(w[1]), dup(x[0]), dup(w[1]), NULL);
	CU_ASSERT_EQUAL(fcntl(v[0], F_GETFL) & O_NONBLOCK, 0);
	CU_ASSERT_EQUAL(fcntl(w[1], F_GETFL) & O_NONBLOCK, 0);
	p.a_in = p.a_out = p.b_in = p.b_out = -1;
	piping_close(&p);
	for (int i = 0; i < 2; i++) {
		close(v[i]);
		close(w[i]);
		close(x[i]);
	}
}

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

/* Our reader goes away: we end well, the far side hears of it. */
static void test_closed_stdout(void)
{
	struct piping p;
	struct flood f = { .endh = hang_up, .n = 5000000, .seed = 1 };

	signal(SIGPIPE, SIG_IGN);
	piping_open(&p, NULL);
	close_fd(&p.a_out);
	f.fd = p.b_in;
	p.b_in = -1;
	pthread_create(&f.t, NULL, flood_write, &f);
	rig_wait(&p.r);
	pthread_join(f.t, NULL);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	CU_ASSERT_EQUAL(p.r.b.err, EPIPE);
	CU_ASSERT_PTR_NOT_NULL(strstr(p.r.b.why, "stopped reading"));
	piping_close(&p);
	signal(SIGPIPE, SIG_DFL);
	/* the same with a command that never ends by itself */
	piping_open(&p, "yes");
	close_fd(&p.a_out);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, 0);
	piping_close(&p);
}

static void test_full(void)
{
	struct piping p;
	int full = open("/dev/full", O_WRONLY), v[2], w[2], x[2];

	memset(&p, 0, sizeof p);
	CU_ASSERT_EQUAL(pipe2(v, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(pipe2(w, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(pipe2(x, O_CLOEXEC), 0);
	piping_call(&p, v[0], w[1], x[0], full, NULL);
	p.a_in = v[1];
	p.a_out = w[0];
	p.b_in = x[1];
	p.b_out = -1;
	put(p.a_in, "lost");
	close_fd(&p.b_in);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.b.err, ENOSPC);
	CU_ASSERT_EQUAL(p.r.a.err, ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(p.r.a.why, "far end"));
	piping_close(&p);
}

static void down_handler(void *arg)
{
	fakeflow_down(arg, ETIMEDOUT);
}

static void test_lost(void)
{
	struct piping p;

	piping_open(&p, NULL);
	put(p.a_in, "x");
	expect(p.b_out, "x");
	fake_call(p.r.loop, down_handler, p.r.a.flow);
	rig_wait(&p.r);
	CU_ASSERT_EQUAL(p.r.a.err, ETIMEDOUT);
	CU_ASSERT_EQUAL(p.r.b.err, ENOTCONN);
	piping_close(&p);
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

UNIT_SUITE("tunnels/pipe",
	{ "both_ways", test_both_ways },
	{ "flood", test_flood },
	{ "back_pressure", test_back_pressure },
	{ "files", test_files },
	{ "sockets", test_sockets },
	{ "terminal", test_terminal },
	{ "flags", test_flags },
	{ "command", test_command },
	{ "status", test_status },
	{ "early_command", test_early_command },
	{ "closed_stdout", test_closed_stdout },
	{ "full", test_full },
	{ "lost", test_lost },
	{ "deref", test_deref },
	{ "words", test_words },
	{ "no_memory", test_no_memory })
