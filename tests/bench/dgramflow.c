/*
 * dgramflow.c: packets from memory to memory over one DTLS association, as
 * fast as they leave; nothing slows the sender but its socket.
 *
 *   dgramflow -s -k KEY 10.0.0.1:5000 10.0.0.2:5000                takes
 *   dgramflow -c -k KEY -n BYTES [-l SIZE] 10.0.0.2:5000 10.0.0.1:5000
 *                                                                  gives
 *
 * Both ends use the one key in the file KEY. Each prints a line: what it has
 * sent or received between the first and the last packet, and the CPU seconds
 * per 10^9 bytes and the microseconds per packet of its own process. SIZE 0
 * is as much as fits.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include "tunnels/flow/dtls.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/loop.h"

enum {
	SOURCE = 65536,
	TURN = 256,                     /* packets, then others have a turn */
};

#define SETTLE (500 * MSEC)             /* for the search of the MTU */

struct bench {
	struct mailbox *control;
	struct worker *w;
	struct dtls *q;
	struct dgram *d;
	struct timer timer;
	bool client;
	size_t size;
	uint64_t total, bytes, packets;
	uint64_t first, last;
	double cpu;                     /* before the first */
	bool over;
	int err;
	uint8_t source[SOURCE];
};

static double cpu_seconds(void)
{
	struct rusage ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       1e-6 * (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static void told_over(void *data)
{
	struct bench *b = data;

	b->over = true;
}

static void count(struct bench *b, size_t bytes, size_t packets)
{
	if (!b->bytes) {
		b->first = clock_ns();
		b->cpu = cpu_seconds();
	}
	b->bytes += bytes;
	b->packets += packets;
}

static void put(void *arg)
{
	struct bench *b = arg;
	const size_t mtu = dgram_mtu(b->d);
	const size_t n = b->size && b->size < mtu ? b->size : mtu;

	for (unsigned i = 0; i < TURN && b->bytes < b->total; i++) {
		const size_t at = b->packets * 64 % (SOURCE - 2048);

		if (dgram_put(b->d, b->source + at, n))
			return;
		count(b, n, 1);
	}
	if (b->bytes < b->total) {
		(void)timer_start(loop_timers(worker_loop(b->w)), &b->timer,
				  0, put, b);
		return;
	}
	b->last = clock_ns();
	(void)mailbox_post(b->control, told_over, b);
}

static void get(struct iovec *v, size_t n, void *arg)
{
	struct bench *b = arg;
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += v[i].iov_len;
	count(b, bytes, n);
	b->last = clock_ns();
}

static void begin(void *data)
{
	static const struct dgram_handlers h = {
		.recvh = get, .writeh = put
	};
	struct bench *b = data;

	dgram_handle(b->d, &h, b);
	if (b->client)
		(void)timer_start(loop_timers(worker_loop(b->w)), &b->timer,
				  SETTLE, put, b);
}

static void secured(struct dgram *d, void *arg)
{
	struct bench *b = arg;

	b->d = d;
	(void)loop_post(worker_loop(b->w), begin, b);
}

static void ended(enum flow_end why, uint64_t code, const char *text,
		  const uint8_t got_fp[32], void *arg)
{
	struct bench *b = arg;
	(void)code;
	(void)got_fp;

	if (why != FLOW_END_CLOSED) {
		(void)fprintf(stderr, "dgramflow: %s\n", text);
		b->err = ECONNRESET;
	}
	b->over = true;
}

static void print(const struct bench *b)
{
	const double sec = (double)(b->last - b->first) * 1e-9;
	const double cpu = cpu_seconds() - b->cpu;

	(void)printf("%s %llu packets of %.0f bytes: %.0f Mbit/s, %.0f"
		     " packets/s, %.2f CPU-s/GB, %.2f us/packet\n",
		     b->client ? "gives" : "takes",
		     (unsigned long long)b->packets,
		     (double)b->bytes / (double)b->packets,
		     (double)b->bytes * 8e-6 / sec,
		     (double)b->packets / sec, cpu * 1e9 / (double)b->bytes,
		     cpu * 1e6 / (double)b->packets);
}

static int start(struct bench *b, const char *key, const struct sa *local,
		 const struct sa *remote)
{
	static const struct dtls_handlers h = { secured, ended };
	struct worker_conf wc = { .port = sa_port(local) };
	struct dtls_conf dc = { .client = b->client };
	struct identity *id = NULL;
	int err;

	err = mailbox_alloc(&b->control);
	wc.control = b->control;
	if (!err)
		err = identity_load(&id, key);
	if (!err)
		err = worker_alloc(&b->w, &wc);
	if (err)
		return err;
	dc.identity = id;
	memcpy(dc.peer_fp, identity_fp(id), sizeof dc.peer_fp);
	err = dtls_alloc(&b->q, b->w, &dc, &h, b);
	if (!err)
		dtls_path(b->q, IPPROTO_UDP, local, remote);
	return err;
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: dgramflow -s|-c [-k key] [-n bytes]"
		      " [-l size] local:port remote:port\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct sa local, remote;
	const char *key = "dgramflow.pem";
	int c;

	b.total = 1000000000;
	while ((c = getopt(argc, argv, "sck:n:l:")) != -1)
		switch (c) {
		case 's': b.client = false; break;
		case 'c': b.client = true; break;
		case 'k': key = optarg; break;
		case 'n': b.total = strtoull(optarg, NULL, 10); break;
		case 'l': b.size = strtoul(optarg, NULL, 10); break;
		default: return usage();
		}
	if (argc - optind != 2 ||
	    sa_decode(&local, argv[optind], strlen(argv[optind])) ||
	    sa_decode(&remote, argv[optind + 1], strlen(argv[optind + 1])))
		return usage();
	if (libre_init() || start(&b, key, &local, &remote)) {
		(void)fprintf(stderr, "dgramflow: cannot start\n");
		return 1;
	}
	while (!b.over) {
		struct pollfd pfd = { .fd = mailbox_fd(b.control),
				      .events = POLLIN };

		dtls_consent(b.q, clock_ns() + 30 * SEC);
		(void)poll(&pfd, 1, 1000);
		mailbox_run(b.control);
	}
	if (b.bytes)
		print(&b);
	dtls_close(b.q);
	sys_usleep(500000);             /* close_notify is repeated */
	mem_deref(b.q);
	mem_deref(b.w);
	return b.err || !b.bytes ? 1 : 0;
}
