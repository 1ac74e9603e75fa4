/*
 * Tests tunnels/flow/streams.c and framed.c: two workers that meet by TCP on
 * loopback, refusals, simultaneous open, and peers that mean no good.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "sdp/base/clock.h"
#include "tunnels/flow/streams.h"
#include "tunnels/flow/workerimpl.h"
#include "tests/unit/unit.h"

/* A STUN message of n bytes as far as a worker looks: its first byte. */
enum { MSG = 100 };

struct side {
	struct mailbox *box;
	struct worker *w;
	struct streams *s;
	unsigned got, lost;
	int proto;
	struct sa local, src;           /* of the last */
	size_t len;
};

static void stun_handler(int proto, const struct sa *local,
			 const struct sa *src, const uint8_t *buf, size_t len,
			 void *arg)
{
	struct side *x = arg;

	x->got++;
	x->proto = proto;
	x->local = *local;
	x->src = *src;
	x->len = len;
	CU_ASSERT(len > 0 && buf[0] == 1);
}

static void lost_handler(const struct sa *local, const struct sa *remote,
			 void *arg)
{
	struct side *x = arg;

	x->lost++;
	x->local = *local;
	x->src = *remote;
}

static void side_open(struct side *x)
{
	struct worker_conf conf = { .stunh = stun_handler, .arg = x };

	memset(x, 0, sizeof *x);
	CU_ASSERT_EQUAL_FATAL(mailbox_alloc(&x->box), 0);
	conf.control = x->box;
	CU_ASSERT_EQUAL_FATAL(worker_alloc(&x->w, &conf), 0);
	CU_ASSERT_EQUAL_FATAL(streams_alloc(&x->s, x->w, lost_handler, x), 0);
	CU_ASSERT(streams_port(x->s, AF_INET) != 0);
}

static void side_close(struct side *x)
{
	mem_deref(x->s);
	mem_deref(x->w);
	mailbox_run(x->box);
	mem_deref(x->box);
}

static bool wait_for(struct side *x, const unsigned *count, unsigned n)
{
	uint64_t end = clock_ns() + 5 * SEC;

	while (*count < n && clock_ns() < end) {
		struct pollfd p = { mailbox_fd(x->box), POLLIN, 0 };

		(void)poll(&p, 1, 10);
		mailbox_run(x->box);
	}
	return *count >= n;
}

static void at(struct sa *sa, uint16_t port)
{
	sa_set_str(sa, "127.0.0.1", port);
}

static const uint8_t msg[MSG] = { 1, 1, 0, 80 };

static void test_meet(void)
{
	struct side a, b;
	struct sa from, to;

	side_open(&a);
	side_open(&b);
	at(&from, 9);
	at(&to, streams_port(b.s, AF_INET));
	CU_ASSERT_EQUAL(streams_send(a.s, false, &from, &to, msg, MSG), 0);
	CU_ASSERT(wait_for(&b, &b.got, 1));
	CU_ASSERT(b.proto == IPPROTO_TCP && b.len == MSG);
	CU_ASSERT(sa_cmp(&b.local, &to, SA_ALL));
	CU_ASSERT(sa_port(&b.src) != 9 && sa_port(&b.src) != 0);
	/* the answer goes back by what it came on */
	CU_ASSERT_EQUAL(streams_send(b.s, false, &b.local, &b.src, msg, 20), 0);
	CU_ASSERT(wait_for(&a, &a.got, 1));
	CU_ASSERT(a.len == 20 && sa_cmp(&a.local, &from, SA_ALL) &&
		  sa_cmp(&a.src, &to, SA_ALL));
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(streams_send(a.s, false, &from, &to, msg, 10 + i),
				0);
	CU_ASSERT(wait_for(&b, &b.got, 51));
	CU_ASSERT_EQUAL(b.len, 59);
	/* one goes, the other hears of it */
	side_close(&a);
	CU_ASSERT(wait_for(&b, &b.lost, 1));
	side_close(&b);
}

static void test_refused(void)
{
	struct sa from, to;
	struct side a;

	side_open(&a);
	at(&from, 9);
	at(&to, 1);
	CU_ASSERT_EQUAL(streams_send(a.s, false, &from, &to, msg, MSG), 0);
	CU_ASSERT(wait_for(&a, &a.lost, 1));
	CU_ASSERT(sa_cmp(&a.src, &to, SA_ALL) &&
		  sa_cmp(&a.local, &from, SA_ALL));
	side_close(&a);
}

/* Both from the port that they listen on, at once. */
static void test_both(void)
{
	struct side a, b;
	struct sa sa, sb;

	side_open(&a);
	side_open(&b);
	at(&sa, streams_port(a.s, AF_INET));
	at(&sb, streams_port(b.s, AF_INET));
	CU_ASSERT_EQUAL(streams_send(a.s, false, &sa, &sb, msg, MSG), 0);
	CU_ASSERT_EQUAL(streams_send(b.s, false, &sb, &sa, msg, MSG), 0);
	for (unsigned i = 2; i < 10; i++) {
		if (wait_for(&b, &b.got, 1) && wait_for(&a, &a.got, 1))
			break;
		(void)streams_send(a.s, false, &sa, &sb, msg, MSG);
		(void)streams_send(b.s, false, &sb, &sa, msg, MSG);
	}
	CU_ASSERT(a.got && b.got);
	CU_ASSERT(sa_cmp(&a.src, &sb, SA_ALL) && sa_cmp(&b.src, &sa, SA_ALL));
	side_close(&a);
	side_close(&b);
}

static int raw_to(uint16_t port)
{
	const struct timeval tv = { 5, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sa to;

	at(&to, port);
	CU_ASSERT_EQUAL_FATAL(connect(fd, &to.u.sa, to.len), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	return fd;
}

static int raw(const struct side *x)
{
	return raw_to(streams_port(x->s, AF_INET));
}

static bool closed(int fd)
{
	uint8_t byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return !n || (n < 0 && errno == ECONNRESET);
}

struct crowd {
	struct side x;
	int fd;
	struct udp_to to;
	struct worker_wait wait;
	_Atomic unsigned rooms, steps;
};

static void room_handler(void *arg)
{
	struct crowd *c = arg;

	atomic_fetch_add(&c->rooms, 1);
}

/* One is told that there is no room; another finds some before he hears that
 * there is again. */
static void step_crowd(void *arg)
{
	static uint8_t buf[10000] = { 1 };
	struct crowd *c = arg;
	size_t done;
	int err = 0;

	worker_route(c->x.w, &c->to, IPPROTO_TCP, &c->x.local, &c->x.src);
	for (int i = 0; i < 100000 && !err; i++)
		err = worker_write(c->x.w, &c->to, buf, sizeof buf, 1000,
				   &done);
	CU_ASSERT_EQUAL(err, EAGAIN);
	worker_wait(c->x.w, &c->wait, &c->to, room_handler, c);
	for (int i = 0; i < 100000 && err == EAGAIN; i++) {
		uint8_t in[65536];

		(void)recv(c->fd, in, sizeof in, MSG_DONTWAIT);
		err = worker_write(c->x.w, &c->to, buf, 20, 20, &done);
	}
	CU_ASSERT_EQUAL(err, 0);
	atomic_fetch_add(&c->steps, 1);
}

static void step_leave(void *arg)
{
	struct crowd *c = arg;

	list_unlink(&c->wait.le);
	worker_unroute(&c->to);
	atomic_fetch_add(&c->steps, 1);
}

static bool comes(const _Atomic unsigned *count, unsigned n)
{
	for (int i = 0; i < 2000 && atomic_load(count) < n; i++)
		(void)usleep(1000);
	return atomic_load(count) >= n;
}

static void test_crowd(void)
{
	static const uint8_t check[] = { 0, 4, 1, 1, 0, 0 };
	struct crowd c;

	memset(&c, 0, sizeof c);
	side_open(&c.x);
	c.fd = raw(&c.x);
	CU_ASSERT_EQUAL(send(c.fd, check, sizeof check, 0), sizeof check);
	CU_ASSERT(wait_for(&c.x, &c.x.got, 1));
	CU_ASSERT_EQUAL(loop_post(worker_loop(c.x.w), step_crowd, &c), 0);
	CU_ASSERT(comes(&c.steps, 1));
	CU_ASSERT(comes(&c.rooms, 1));
	CU_ASSERT_EQUAL(loop_post(worker_loop(c.x.w), step_leave, &c), 0);
	CU_ASSERT(comes(&c.steps, 2));
	close(c.fd);
	side_close(&c.x);
}

static void test_hostile(void)
{
	static const uint8_t huge[] = { 0xff, 0xff, 1, 1 };
	static const uint8_t slow[] = { 0, 0, 0, 0, 0, 4, 1, 1 };
	struct side x;
	int fd[10], last;

	side_open(&x);
	/* more than a check, from whom has proven nothing */
	fd[0] = raw(&x);
	CU_ASSERT_EQUAL(send(fd[0], huge, sizeof huge, 0), sizeof huge);
	CU_ASSERT(closed(fd[0]));
	close(fd[0]);
	/* in pieces, with nothing in between */
	fd[0] = raw(&x);
	for (size_t i = 0; i < sizeof slow; i++)
		CU_ASSERT_EQUAL(send(fd[0], slow + i, 1, MSG_NOSIGNAL), 1);
	CU_ASSERT_EQUAL(send(fd[0], "\0\0", 2, MSG_NOSIGNAL), 2);
	CU_ASSERT_EQUAL(x.got, 0);
	CU_ASSERT_EQUAL(send(fd[0], "", 1, MSG_NOSIGNAL), 1);
	CU_ASSERT_EQUAL(send(fd[0], "\1\1", 2, MSG_NOSIGNAL), 2);
	CU_ASSERT(wait_for(&x, &x.got, 1));
	close(fd[0]);
	/* too many from one address */
	for (last = 0; last < 10; last++)
		fd[last] = raw(&x);
	CU_ASSERT(closed(fd[9]));
	for (last = 0; last < 10; last++)
		close(fd[last]);
	CU_ASSERT_EQUAL(x.lost, 0);
	side_close(&x);
}

/* The same by TLS, and without it at the same port. */
static void test_tls(void)
{
	static uint8_t big[1400] = { 1, 1, 5, 100 };
	struct sa from, to;
	struct side a, b;

	side_open(&a);
	side_open(&b);
	CU_ASSERT_EQUAL(streams_tls_port(b.s, AF_INET), 0);
	CU_ASSERT_EQUAL(streams_tls(b.s, 0), 0);
	CU_ASSERT(streams_tls_port(b.s, AF_INET) != 0);
	CU_ASSERT_EQUAL(streams_tls(a.s, streams_tls_port(b.s, AF_INET)),
			EADDRINUSE);
	at(&from, 9);
	at(&to, streams_tls_port(b.s, AF_INET));
	CU_ASSERT_EQUAL(streams_send(a.s, true, &from, &to, msg, MSG), 0);
	CU_ASSERT(wait_for(&b, &b.got, 1));
	CU_ASSERT(b.proto == IPPROTO_TCP && b.len == MSG);
	CU_ASSERT(sa_cmp(&b.local, &to, SA_ALL));
	CU_ASSERT_EQUAL(streams_send(b.s, false, &b.local, &b.src, msg, 20),
			0);
	CU_ASSERT(wait_for(&a, &a.got, 1));
	CU_ASSERT(a.len == 20 && a.proto == IPPROTO_TCP &&
		  sa_cmp(&a.local, &from, SA_ALL) &&
		  sa_cmp(&a.src, &to, SA_ALL));
	for (unsigned i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(streams_send(a.s, false, &from, &to, big,
					     sizeof big), 0);
	CU_ASSERT(wait_for(&b, &b.got, 51));
	CU_ASSERT_EQUAL(b.len, sizeof big);
	side_close(&a);
	CU_ASSERT(wait_for(&b, &b.lost, 1));

	side_open(&a);
	CU_ASSERT_EQUAL(streams_send(a.s, false, &from, &to, msg, MSG), 0);
	CU_ASSERT(wait_for(&b, &b.got, 52));
	/* who listens without it does not understand */
	at(&to, streams_port(b.s, AF_INET));
	CU_ASSERT_EQUAL(streams_send(a.s, true, &from, &to, msg, MSG), 0);
	CU_ASSERT(wait_for(&a, &a.lost, 1));
	CU_ASSERT_EQUAL(b.got, 52);
	side_close(&a);
	side_close(&b);
}

static void test_tls_hostile(void)
{
	static const uint8_t junk[] = { 22, 3, 1, 0, 4, 1, 2, 3, 4, 5 };
	struct side x;
	int fd[10];

	side_open(&x);
	CU_ASSERT_EQUAL(streams_tls(x.s, 0), 0);
	/* it begins as TLS does */
	fd[0] = raw_to(streams_tls_port(x.s, AF_INET));
	CU_ASSERT_EQUAL(send(fd[0], junk, sizeof junk, 0), sizeof junk);
	while (recv(fd[0], fd + 1, 1, 0) > 0)
		;               /* an alert, perhaps */
	CU_ASSERT(errno != EAGAIN);
	close(fd[0]);
	/* its first byte alone, and nothing at all, from too many */
	for (int i = 0; i < 10; i++) {
		fd[i] = raw_to(streams_tls_port(x.s, AF_INET));
		(void)send(fd[i], junk, (size_t)(i & 1), MSG_NOSIGNAL);
	}
	CU_ASSERT(closed(fd[9]));
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	CU_ASSERT_EQUAL(x.got, 0);
	CU_ASSERT_EQUAL(x.lost, 0);
	side_close(&x);
}

/* Is one that begins as TLS does looked at? Then it is told what is wrong
 * with it; closed without a word if not. */
static bool looked_at(uint16_t port)
{
	static const uint8_t junk[] = { 22, 3, 1, 0, 4, 99, 0, 0, 0 };
	const int fd = raw_to(port);
	uint8_t alert[64];
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, junk, sizeof junk, MSG_NOSIGNAL),
			sizeof junk);
	n = recv(fd, alert, sizeof alert, 0);
	CU_ASSERT(n <= 0 || alert[0] == 21);
	CU_ASSERT(n >= 0 || errno == ECONNRESET);
	close(fd);
	return n > 0;
}

/* Handshakes cost more than connections: 100 a second, of whomever. Each
 * second begins with the first one after the last. */
static void test_tls_hurry(void)
{
	static const uint8_t check[] = { 0, 4, 1, 1, 0, 0 };
	const uint64_t begin = clock_ns();
	unsigned n = 0, refused = 0;
	uint16_t port;
	struct side x;
	int fd;

	side_open(&x);
	CU_ASSERT_EQUAL_FATAL(streams_tls(x.s, 0), 0);
	port = streams_tls_port(x.s, AF_INET);
	while (clock_ns() < begin + 20 * SEC && refused < 20) {
		if (looked_at(port))
			n++;
		else
			refused++;
	}
	CU_ASSERT_EQUAL(refused, 20);
	CU_ASSERT(n >= 100);
	CU_ASSERT(n <= 100 * ((clock_ns() - begin) / SEC + 1));
	/* without TLS others come in all the while, */
	n = x.got;
	fd = raw(&x);
	CU_ASSERT_EQUAL(send(fd, check, sizeof check, 0), sizeof check);
	CU_ASSERT(wait_for(&x, &x.got, n + 1));
	/* and soon with it, too */
	while (!looked_at(port) && clock_ns() < begin + 30 * SEC)
		(void)usleep(10000);
	CU_ASSERT(looked_at(port));
	close(fd);
	side_close(&x);
}

UNIT_SUITE("streams",
	{ "meet", test_meet },
	{ "refused", test_refused },
	{ "both", test_both },
	{ "crowd", test_crowd },
	{ "hostile", test_hostile },
	{ "tls", test_tls },
	{ "tls hostile", test_tls_hostile },
	{ "tls in a hurry", test_tls_hurry })
