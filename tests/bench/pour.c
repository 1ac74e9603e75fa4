/*
 * pour.c: one TCP stream as cheaply as can be, for forward.sh: what is
 * measured is who carries it, not who makes it or takes it. The sender gives
 * the kernel the same pages again and again (sendfile), the receiver has it
 * throw away what has come (MSG_TRUNC); neither copies a byte.
 *
 *   pour sink PORT                   take streams, and say how much it was
 *   pour HOST PORT SECONDS           make one: prints Mbit/s and bytes
 *   pour HOST PORT SECONDS SINK      the same by SOCKS5, to 127.0.0.1:SINK
 *   pour relay PORT HOST TO          to PORT here, from there by splice to
 *                                    HOST:TO: a forward without encryption
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "tests/bench/tcp.h"

enum { PIECE = 1 << 20 };

/* A process for each that is accepted; returns in that, with its fd. */
static int serve(const char *port)
{
	int fd, lfd = server("0.0.0.0", port);

	signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(lfd, NULL, NULL)) >= 0) {
		if (!fork())
			return fd;
		close(fd);
	}
	die("accept");
	return -1;
}

static void sink(const char *port)
{
	int fd = serve(port);
	unsigned long long sum = 0;
	ssize_t n;

	while ((n = recv(fd, NULL, 4 * PIECE, MSG_TRUNC)) > 0)
		sum += (unsigned long long)n;
	if (send(fd, &sum, sizeof sum, 0) < 0)
		die("send");
}

static void relay(const char *port, const char *host, const char *to)
{
	int in = serve(port), out = dial(host, to), p[2];
	char answer[8];
	ssize_t n;

	if (pipe(p) || fcntl(p[0], F_SETPIPE_SZ, PIECE) < 0)
		die("pipe");
	while ((n = splice(in, NULL, p[1], NULL, PIECE, SPLICE_F_MOVE)) > 0) {
		while (n > 0) {
			ssize_t k = splice(p[0], NULL, out, NULL, (size_t)n,
					   SPLICE_F_MOVE | SPLICE_F_MORE);

			if (k <= 0)
				die("splice");
			n -= k;
		}
	}
	shutdown(out, SHUT_WR);
	if (recv(out, answer, sizeof answer, MSG_WAITALL) !=
	    sizeof answer || send(in, answer, sizeof answer, 0) < 0)
		die("answer");
}

/* RFC 1928, without authentication */
static void socks(int fd, const char *port)
{
	const struct sockaddr_in sin = address("127.0.0.1", port);
	unsigned char ask[10] = { 5, 1, 0, 1 }, buf[10];

	memcpy(ask + 4, &sin.sin_addr, 4);
	memcpy(ask + 8, &sin.sin_port, 2);
	if (send(fd, "\5\1\0", 3, 0) != 3 ||
	    recv(fd, buf, 2, MSG_WAITALL) != 2 || buf[1] ||
	    send(fd, ask, sizeof ask, 0) != sizeof ask ||
	    recv(fd, buf, sizeof buf, MSG_WAITALL) != sizeof buf || buf[1])
		die("SOCKS");
}

static int pages(void)
{
	int fd = memfd_create("pour", 0);
	char *p;

	if (fd < 0 || ftruncate(fd, PIECE))
		die("memfd");
	p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < PIECE; i++)
		p[i] = (char)random();
	return fd;
}

static void pour(int fd, double seconds)
{
	unsigned long long sum = 0, heard = 0;
	const double start = now();
	int mem = pages();
	double took;

	while (now() < start + seconds) {
		off_t off = 0;

		while (off < PIECE) {
			const off_t before = off;

			if (sendfile(fd, mem, &off, (size_t)(PIECE - off)) < 0)
				die("sendfile");
			sum += (unsigned long long)(off - before);
		}
	}
	shutdown(fd, SHUT_WR);
	if (recv(fd, &heard, sizeof heard, MSG_WAITALL) != sizeof heard ||
	    heard != sum)
		die("not all has come");
	took = now() - start;
	printf("%.0f %llu\n", (double)sum * 8 / took / 1e6, sum);
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "sink")) {
		sink(argv[2]);
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "relay")) {
		relay(argv[2], argv[3], argv[4]);
		return 0;
	}
	if (argc == 4 || argc == 5) {
		int fd = dial(argv[1], argv[2]);

		if (argc == 5)
			socks(fd, argv[4]);
		pour(fd, atof(argv[3]));
		return 0;
	}
	return 2;
}
