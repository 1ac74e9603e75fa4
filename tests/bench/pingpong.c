/*
 * pingpong.c: small requests over TCP, for forward.sh.
 *
 *   pingpong serve PORT              answer each request, until killed
 *   pingpong once PORT               answer the first and close, as HTTP/1.0
 *                                    does: fewer packets, fewer system calls
 *   pingpong ping PORT COUNT         one connection: mean microseconds of a
 *                                    request
 *   pingpong connect PORT COUNT PAR  a connection for each request, PAR at a
 *                                    time, to `once`: requests a second
 *   pingpong load PORT COUNT PAR     PAR connections kept: requests a second
 *   pingpong relay PORT TO           a second connection to TO for each, and
 *                                    what comes handed on: the least that a
 *                                    forward does, without a far end
 *   pingpong hold PORT COUNT         open them, one request each, say so, and
 *                                    keep them until stdin ends
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "tests/bench/tcp.h"

enum { EVENTS = 256, ANSWER = 300 };

static const char request[] = "GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	"User-Agent: pingpong\r\nAccept: */*\r\n\r\n";
static const char loopback[] = "127.0.0.1";
static int ep;

/* Who is accepted there has it too. */
static int quick(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int call(const char *port)
{
	return quick(dial(loopback, port));
}

static void watch(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static char answer[ANSWER] = "HTTP/1.1 200 OK\r\nContent-Length: ";

static int answering(const char *port)
{
	size_t n = strlen(answer);

	snprintf(answer + n, sizeof answer - n, "%zu\r\n\r\n",
		 sizeof answer - n - 7);
	return quick(server(loopback, port));
}

/* The kernel tells of a connection when its request is there. */
static void once(const char *port)
{
	const int seconds = 10;
	int lfd = answering(port), fd;

	setsockopt(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
		   sizeof seconds);
	while ((fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		char buf[4096];

		if (recv(fd, buf, sizeof buf, 0) > 0)
			send(fd, answer, sizeof answer, MSG_NOSIGNAL);
		close(fd);
	}
	die("accept");
}

/* Requests come whole: nobody here sends a second before the answer. */
static void serve(const char *port)
{
	int lfd = answering(port);

	watch(lfd);
	for (;;) {
		struct epoll_event ev[EVENTS];
		int k = epoll_wait(ep, ev, EVENTS, -1);

		for (int i = 0; i < k; i++) {
			char buf[4096];
			int fd = ev[i].data.fd;

			if (fd == lfd) {
				fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
				if (fd >= 0)
					watch(fd);
			}
			else if (recv(fd, buf, sizeof buf, 0) <= 0 ||
				 send(fd, answer, sizeof answer,
				      MSG_NOSIGNAL) < 0) {
				close(fd);
			}
		}
	}
}

/* fd to peer[fd], until one of them closes. An event may be of the one that
 * had this number before. */
static void hand_on(int *peer, int fd)
{
	char buf[4096];
	ssize_t n;

	if (!peer[fd])
		return;
	n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0 && send(peer[fd], buf, (size_t)n, MSG_NOSIGNAL) == n)
		return;
	close(peer[fd]);
	close(fd);
	peer[peer[fd]] = 0;
	peer[fd] = 0;
}

static void relay(const char *port, const char *to)
{
	static int peer[1 << 16];
	int lfd = answering(port);

	watch(lfd);
	for (;;) {
		struct epoll_event ev[EVENTS];
		int k = epoll_wait(ep, ev, EVENTS, -1);

		for (int i = 0; i < k; i++) {
			int fd = ev[i].data.fd;

			if (fd != lfd) {
				hand_on(peer, fd);
				continue;
			}
			fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			peer[fd] = call(to);
			peer[peer[fd]] = fd;
			watch(fd);
			watch(peer[fd]);
		}
	}
}

static void ask(int fd)
{
	if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
		die("send");
}

static void hear(int fd)
{
	char buf[ANSWER];

	if (recv(fd, buf, sizeof buf, MSG_WAITALL) != ANSWER)
		die("recv");
}

static void ping(const char *port, int count)
{
	int fd = call(port);
	double t0 = 0;

	for (int i = -100; i < count; i++) {
		if (!i)
			t0 = now();
		ask(fd);
		hear(fd);
	}
	printf("%.1f\n", (now() - t0) * 1e6 / count);
}

static void many(const char *port, int count, int par, int keep)
{
	int asked = 0, heard = 0;
	double t0 = now();

	for (; asked < par; asked++) {
		int fd = call(port);

		watch(fd);
		ask(fd);
	}
	while (heard < count) {
		struct epoll_event ev[EVENTS];
		int k = epoll_wait(ep, ev, EVENTS, 10000);

		if (k <= 0)
			die("nothing comes");
		for (int i = 0; i < k; i++) {
			int fd = ev[i].data.fd;

			hear(fd);
			heard++;
			if (!keep) {
				close(fd);
				fd = -1;
			}
			if (asked == count)
				continue;
			if (fd < 0) {
				fd = call(port);
				watch(fd);
			}
			ask(fd);
			asked++;
		}
	}
	printf("%.0f\n", count / (now() - t0));
}

static void hold(const char *port, int count)
{
	int *fd = calloc((size_t)count, sizeof *fd);

	for (int i = 0; i < count; i++) {
		fd[i] = call(port);
		ask(fd[i]);
		hear(fd[i]);
	}
	/* all of them still live */
	for (int i = 0; i < count; i++)
		ask(fd[i]);
	for (int i = 0; i < count; i++)
		hear(fd[i]);
	printf("%d\n", count);
	fflush(stdout);
	while (getchar() != EOF)
		;
	free(fd);
}

int main(int argc, char *argv[])
{
	const char *port = argc > 2 ? argv[2] : NULL;
	const int count = argc > 3 ? atoi(argv[3]) : 1;
	const int par = argc > 4 ? atoi(argv[4]) : 1;

	ep = epoll_create1(EPOLL_CLOEXEC);
	if (!port)
		return 2;
	if (!strcmp(argv[1], "serve"))
		serve(port);
	else if (!strcmp(argv[1], "once"))
		once(port);
	else if (!strcmp(argv[1], "relay"))
		relay(port, argc > 3 ? argv[3] : "0");
	else if (!strcmp(argv[1], "ping"))
		ping(port, count);
	else if (!strcmp(argv[1], "connect"))
		many(port, count, par, 0);
	else if (!strcmp(argv[1], "load"))
		many(port, count, par, 1);
	else if (!strcmp(argv[1], "hold"))
		hold(port, count);
	else
		return 2;
	return 0;
}
