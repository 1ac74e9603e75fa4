/*
 * pps.c: small UDP packets as fast as they go, and how many arrive: for what
 * is slower per packet in iperf3 than in that which is measured.
 *
 *   pps -s PORT SECONDS          counts; prints packets a second, from the
 *                                first to the last
 *   pps -c ADDRESS PORT SECONDS  sends 72 bytes, 100 with their headers
 *
 * 64 in one system call at either end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, SIZE = 72, BUF = 8 << 20 };

static struct mmsghdr mm[BATCH];
static struct iovec iov[BATCH];
static char data[BATCH][SIZE];

static uint64_t now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void set_up(void)
{
	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = data[i];
		iov[i].iov_len = SIZE;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
}

static int count(int fd, uint64_t until)
{
	uint64_t first = 0, last = 0, n = 0;

	while (now() < until) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int got;

		if (poll(&pfd, 1, 100) <= 0)
			continue;
		got = recvmmsg(fd, mm, BATCH, MSG_DONTWAIT, NULL);
		if (got <= 0)
			continue;
		last = now();
		if (!first)
			first = last;
		n += (uint64_t)got;
	}
	if (last == first)
		return 1;
	(void)printf("%.0f\n", (double)n * 1e9 / (double)(last - first));
	return 0;
}

static int flood(int fd, uint64_t until)
{
	while (now() < until)
		if (sendmmsg(fd, mm, BATCH, 0) < 0 && errno != ENOBUFS &&
		    errno != ECONNREFUSED) {
			perror("pps");
			return 1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	const int counts = argc == 4 && !strcmp(argv[1], "-s");
	const int sends = argc == 5 && !strcmp(argv[1], "-c");
	const int fd = socket(AF_INET, SOCK_DGRAM, 0), size = BUF;
	uint64_t until;

	if ((!counts && !sends) || fd < 0 ||
	    (sends && !inet_aton(argv[2], &sin.sin_addr))) {
		(void)fprintf(stderr, "usage: pps -s PORT SECONDS | "
			      "-c ADDRESS PORT SECONDS\n");
		return 2;
	}
	sin.sin_port = htons((uint16_t)atoi(argv[argc - 2]));
	until = now() + (uint64_t)(atof(argv[argc - 1]) * 1e9);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	set_up();
	if ((counts ? bind : connect)(fd, (struct sockaddr *)&sin,
				      sizeof sin)) {
		perror("pps");
		return 1;
	}
	return counts ? count(fd, until) : flood(fd, until);
}
