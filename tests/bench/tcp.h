/*
 * tcp.h: what pour.c and pingpong.c have in common: TCP over IPv4, and the
 * time. Whatever fails ends the program.
 */
#ifndef DIALTONE_BENCH_TCP_H
#define DIALTONE_BENCH_TCP_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, host, &sin.sin_addr) != 1)
		die("address");
	return sin;
}

static inline int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static inline int server(const char *host, const char *port)
{
	struct sockaddr_in sin = address(host, port);
	const int on = 1;
	int fd = new_socket();

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) || listen(fd, 4096))
		die("listen");
	return fd;
}

static inline int dial(const char *host, const char *port)
{
	struct sockaddr_in sin = address(host, port);
	int fd = new_socket();

	if (connect(fd, (struct sockaddr *)&sin, sizeof sin))
		die("connect");
	return fd;
}

#endif
