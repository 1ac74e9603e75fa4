/*
 * ends.c: tests tunnels/pipe.c between descriptors of all kinds: both ways,
 * half-close, back-pressure, who stops reading.
 */
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "tests/unit/tunnels/pipe/piping.h"

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

UNIT_SUITE("pipe/ends",
	{ "both_ways", test_both_ways },
	{ "flood", test_flood },
	{ "back_pressure", test_back_pressure },
	{ "files", test_files },
	{ "sockets", test_sockets },
	{ "terminal", test_terminal },
	{ "flags", test_flags },
	{ "closed_stdout", test_closed_stdout },
	{ "full", test_full },
	{ "lost", test_lost })
