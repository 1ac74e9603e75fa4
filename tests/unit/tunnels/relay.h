/*
 * relay.h: between two sockets on loopback, in a thread of its own: it loses,
 * repeats, swaps, damages and replays datagrams, or is left behind.
 *
 *   side a <--> port[0] | relay | port[1] <--> side b
 *
 * What goes wrong is set before relay_run, or while it runs where _Atomic.
 */
#ifndef DIALTONE_UNIT_RELAY_H
#define DIALTONE_UNIT_RELAY_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "tests/unit/unit.h"

enum { TAPE = 256, DATAGRAM = 2048 };

struct relay {
	int fd[2];                      /* a's, b's */
	uint16_t port[2], to[2];
	pthread_t thread;
	unsigned loss, seed;            /* per 10000, by dice */
	_Atomic bool stop, replay;
	_Atomic unsigned drop, dup, swap, forge;        /* every n-th */
	_Atomic unsigned lose_first;    /* so many of each direction */
	_Atomic size_t max;
	_Atomic unsigned count[2];      /* have come from a, from b */
	size_t held_len[2];
	uint8_t held[2][DATAGRAM];
	unsigned taped;                 /* records of DTLS with data */
	struct {
		int dir;
		size_t len;
		uint8_t buf[DATAGRAM];
	} tape[TAPE];
};

static inline int open_socket(uint16_t *port)
{
	struct sa sa;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	(void)sa_set_str(&sa, "127.0.0.1", 0);
	if (fd < 0 || bind(fd, &sa.u.sa, sa.len))
		return -1;
	sa.len = sizeof sa.u;
	(void)getsockname(fd, &sa.u.sa, &sa.len);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	*port = sa_port(&sa);
	return fd;
}

static inline void relay_send(struct relay *r, int dir, const uint8_t *p,
			      size_t n)
{
	struct sa sa;

	(void)sa_set_str(&sa, "127.0.0.1", r->to[!dir]);
	(void)sendto(r->fd[!dir], p, n, 0, &sa.u.sa, sa.len);
}

static inline bool every(_Atomic unsigned *n, unsigned count)
{
	const unsigned v = atomic_load(n);

	return v && count % v == 0;
}

static inline void relay_forge(struct relay *r, int dir, const uint8_t *p,
			       size_t n)
{
	uint8_t copy[DATAGRAM];

	memcpy(copy, p, n);
	copy[n - 1 - r->count[dir] % (n - 11)] ^= 0x10;
	relay_send(r, dir, copy, n);
}

static inline void relay_one(struct relay *r, int dir, uint8_t *p, size_t n)
{
	const unsigned count = atomic_fetch_add(&r->count[dir], 1) + 1;

	if (count <= atomic_load(&r->lose_first) ||
	    n > atomic_load(&r->max) || every(&r->drop, count) ||
	    (r->loss && (unsigned)rand_r(&r->seed) % 10000 < r->loss))
		return;
	if (p[0] == 23) {
		const unsigned t = r->taped++ % TAPE;

		r->tape[t].dir = dir;
		r->tape[t].len = n;
		memcpy(r->tape[t].buf, p, n);
		if (every(&r->forge, count))
			relay_forge(r, dir, p, n);
	}
	if (every(&r->swap, count) && !r->held_len[dir]) {
		memcpy(r->held[dir], p, n);
		r->held_len[dir] = n;
		return;
	}
	relay_send(r, dir, p, n);
	if (every(&r->dup, count))
		relay_send(r, dir, p, n);
	if (r->held_len[dir])
		relay_send(r, dir, r->held[dir], r->held_len[dir]);
	r->held_len[dir] = 0;
}

static inline void *relay_main(void *arg)
{
	struct relay *r = arg;
	struct pollfd p[2] = { { r->fd[0], POLLIN, 0 },
			       { r->fd[1], POLLIN, 0 } };
	uint8_t buf[DATAGRAM];

	while (!atomic_load(&r->stop)) {
		(void)poll(p, 2, 2);
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			while ((n = recv(r->fd[i], buf, sizeof buf,
					 MSG_DONTWAIT)) > 0)
				relay_one(r, i, buf, (size_t)n);
		}
		for (unsigned i = 0; atomic_load(&r->replay) &&
		     i < TAPE && i < r->taped; i++)
			relay_send(r, r->tape[i].dir, r->tape[i].buf,
				   r->tape[i].len);
		atomic_store(&r->replay, false);
	}
	return NULL;
}

/* Its ports are there, and nothing passes yet. */
static inline struct relay *relay_open(void)
{
	struct relay *r = calloc(1, sizeof *r);

	for (int i = 0; i < 2; i++) {
		r->fd[i] = open_socket(&r->port[i]);
		CU_ASSERT_FATAL(r->fd[i] >= 0);
	}
	r->max = DATAGRAM;
	r->seed = 12345;
	return r;
}

/* From now on between those two ports. */
static inline void relay_run(struct relay *r, uint16_t a, uint16_t b)
{
	r->to[0] = a;
	r->to[1] = b;
	atomic_store(&r->stop, false);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&r->thread, NULL, relay_main,
					     r), 0);
}

static inline void relay_stop(struct relay *r)
{
	atomic_store(&r->stop, true);
	(void)pthread_join(r->thread, NULL);
}

static inline void relay_close(struct relay *r)
{
	relay_stop(r);
	(void)close(r->fd[0]);
	(void)close(r->fd[1]);
	free(r);
}

#endif
