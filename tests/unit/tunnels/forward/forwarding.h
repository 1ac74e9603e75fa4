/*
 * forwarding.h: for the tests of the tunnel forward: a forwarding between two
 * sides in memory, and sockets on loopback at its ends.
 */
#ifndef DIALTONE_FORWARD_FORWARDING_H
#define DIALTONE_FORWARD_FORWARDING_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "tests/unit/tunnels/rig.h"

#define ARGV(...) ((char *const []){ __VA_ARGS__, NULL })

static inline size_t count(char *const *argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return n;
}

static inline uint16_t port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;

	CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

/* Whoever waits for what never comes hears so, and those it accepts too. */
static inline int tcp_socket(void)
{
	const struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				   sizeof patience), 0);
	return fd;
}

static inline int server(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = tcp_socket();

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	CU_ASSERT_EQUAL(listen(fd, 1024), 0);
	return fd;
}

static inline int client(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	int fd = tcp_socket();

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	return fd;
}

struct forwarding {
	struct rig r;
	struct tunnel_ask a, b;
	char why[256];
	uint16_t port;                  /* from the note */
};

static inline bool noted(struct rig *r)
{
	return strstr(r->a.notes, "listening on") || r->a.done;
}

static inline void forwarding_init(struct forwarding *f, char *const *argv,
				   const char *allow)
{
	memset(f, 0, sizeof *f);
	rig_open(&f->r, "forward");
	f->a = (struct tunnel_ask){ .argv = argv, .argc = count(argv),
		.fd_in = -1, .fd_out = -1, .peer = "bob", .why = f->why,
		.why_size = sizeof f->why };
	f->b = (struct tunnel_ask){ .fd_in = -1, .fd_out = -1,
		.allow = allow, .peer = "alice", .why = f->why,
		.why_size = sizeof f->why };
}

static inline void forwarding_open(struct forwarding *f, char *const *argv,
				   const char *allow)
{
	const char *p;

	forwarding_init(f, argv, allow);
	rig_call(&f->r, &f->a, &f->b);
	CU_ASSERT(rig_until(&f->r, noted));
	p = strstr(f->r.a.notes, "localhost:");
	f->port = p ? (uint16_t)atoi(strchr(p, ':') + 1) : 0;
}

/* -L (or -R) from any port to `port`. */
static inline void forwarding_to(struct forwarding *f, const char *opt,
				 uint16_t port)
{
	char spec[64];

	snprintf(spec, sizeof spec, "0:127.0.0.1:%u", port);
	forwarding_open(f, ARGV((char *)opt, spec),
			"127.0.0.1:* listen:*:*");
	CU_ASSERT_NOT_EQUAL(f->port, 0);
}

static inline void put(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL),
			(ssize_t)strlen(text));
}

static inline void expect(int fd, const char *text)
{
	char buf[256];
	size_t n = strlen(text);

	CU_ASSERT_EQUAL(recv(fd, buf, n, MSG_WAITALL), (ssize_t)n);
	CU_ASSERT_EQUAL(memcmp(buf, text, n), 0);
}

/* A connection through it, which a byte has passed: its two ends. */
static inline void pass_one(const struct forwarding *f, int lfd, int *c,
			    int *s)
{
	*c = client(f->port);
	*s = accept(lfd, NULL, NULL);
	put(*c, "x");
	expect(*s, "x");
}

static inline void expect_reset(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	CU_ASSERT_EQUAL(n, -1);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
}

static inline void refused(char *const *argv, const char *allow, int err,
			   const char *why)
{
	struct forwarding f;

	forwarding_init(&f, argv, allow);
	rig_call(&f.r, &f.a, &f.b);
	CU_ASSERT(rig_until(&f.r, rig_a_done));
	CU_ASSERT_EQUAL(f.r.a.err, err);
	CU_ASSERT_PTR_NOT_NULL(strstr(f.r.a.why, why));
	rig_close(&f.r);
}

#endif
