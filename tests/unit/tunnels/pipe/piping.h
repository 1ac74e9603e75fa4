/*
 * piping.h: for the tests of tunnels/pipe.c: two ends of a pipe tunnel, and
 * the descriptors that they were given.
 */
#ifndef DIALTONE_PIPING_H
#define DIALTONE_PIPING_H

#include <fcntl.h>
#include <signal.h>
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
static inline void piping_call(struct piping *p, int a_in, int a_out,
			       int b_in, int b_out, const char *command)
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
static inline void piping_open(struct piping *p, const char *command)
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

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void piping_close(struct piping *p)
{
	close_fd(&p->a_in);
	close_fd(&p->a_out);
	close_fd(&p->b_in);
	close_fd(&p->b_out);
	rig_close(&p->r);
}

static inline void put(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)),
			(ssize_t)strlen(text));
}

/* Exactly these bytes come. */
static inline void expect(int fd, const char *text)
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

static inline void expect_end(int fd)
{
	char c;

	CU_ASSERT_EQUAL(read(fd, &c, 1), 0);
}

static inline void hang_up(int fd)
{
	close(fd);
}

#endif
