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
#include "tests/bench/flowbench.h"
#include "tunnels/flow/dtls.h"

enum {
	SOURCE = 65536,
	TURN = 256,                     /* packets, then others have a turn */
};

#define SETTLE (500 * MSEC)             /* for the search of the MTU */

struct bench {
	struct flowbench fb;            /* first */
	struct dtls *q;
	struct dgram *d;
	struct timer timer;
	uint64_t bytes, packets;
	double cpu;                     /* before the first */
	uint8_t source[SOURCE];
};

static void count(struct bench *b, size_t bytes, size_t packets)
{
	if (!b->bytes) {
		b->fb.first = clock_ns();
		b->cpu = flowbench_cpu();
	}
	b->bytes += bytes;
	b->packets += packets;
}

static void put(void *arg)
{
	struct bench *b = arg;
	const size_t mtu = dgram_mtu(b->d);
	const size_t n = b->fb.size && b->fb.size < mtu ? b->fb.size : mtu;

	for (unsigned i = 0; i < TURN && b->bytes < b->fb.total; i++) {
		const size_t at = b->packets * 64 % (SOURCE - 2048);

		if (dgram_put(b->d, b->source + at, n))
			return;
		count(b, n, 1);
	}
	if (b->bytes < b->fb.total) {
		(void)timer_start(loop_timers(worker_loop(b->fb.w)), &b->timer,
				  0, put, b);
		return;
	}
	b->fb.last = clock_ns();
	(void)mailbox_post(b->fb.control, flowbench_over, b);
}

static void get(struct iovec *v, size_t n, void *arg)
{
	struct bench *b = arg;
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += v[i].iov_len;
	count(b, bytes, n);
	b->fb.last = clock_ns();
}

static void begin(void *data)
{
	static const struct dgram_handlers h = {
		.recvh = get, .writeh = put
	};
	struct bench *b = data;

	dgram_handle(b->d, &h, b);
	if (b->fb.client)
		(void)timer_start(loop_timers(worker_loop(b->fb.w)), &b->timer,
				  SETTLE, put, b);
}

static void secured(struct dgram *d, void *arg)
{
	struct bench *b = arg;

	b->d = d;
	(void)loop_post(worker_loop(b->fb.w), begin, b);
}

static void ended(enum flow_end why, uint64_t code, const char *text,
		  const uint8_t got_fp[32], void *arg)
{
	struct bench *b = arg;
	(void)code;
	(void)got_fp;

	if (why != FLOW_END_CLOSED) {
		(void)fprintf(stderr, "dgramflow: %s\n", text);
		b->fb.err = ECONNRESET;
	}
	b->fb.over = true;
}

static void print(const struct bench *b)
{
	const double sec = (double)(b->fb.last - b->fb.first) * 1e-9;
	const double cpu = flowbench_cpu() - b->cpu;

	(void)printf("%s %llu packets of %.0f bytes: %.0f Mbit/s, %.0f"
		     " packets/s, %.2f CPU-s/GB, %.2f us/packet\n",
		     b->fb.client ? "gives" : "takes",
		     (unsigned long long)b->packets,
		     (double)b->bytes / (double)b->packets,
		     (double)b->bytes * 8e-6 / sec,
		     (double)b->packets / sec, cpu * 1e9 / (double)b->bytes,
		     cpu * 1e6 / (double)b->packets);
}

static int start(struct bench *b)
{
	static const struct dtls_handlers h = { secured, ended };
	struct dtls_conf dc = { .client = b->fb.client };
	int err = flowbench_start(&b->fb);

	if (err)
		return err;
	dc.identity = b->fb.id;
	memcpy(dc.peer_fp, identity_fp(b->fb.id), sizeof dc.peer_fp);
	err = dtls_alloc(&b->q, b->fb.w, &dc, &h, b);
	if (!err)
		dtls_path(b->q, IPPROTO_UDP, &b->fb.local, &b->fb.remote);
	return err;
}

static void consent(void *q, uint64_t until)
{
	dtls_consent(q, until);
}

int main(int argc, char **argv)
{
	static struct bench b;

	if (!flowbench_args(&b.fb, argc, argv)) {
		(void)fprintf(stderr, "usage: dgramflow -s|-c [-k key]"
			      " [-n bytes] [-l size] local:port"
			      " remote:port\n");
		return 2;
	}
	if (start(&b)) {
		(void)fprintf(stderr, "dgramflow: cannot start\n");
		return 1;
	}
	flowbench_run(&b.fb, consent, b.q);
	if (b.bytes)
		print(&b);
	dtls_close(b.q);
	sys_usleep(500000);             /* close_notify is repeated */
	mem_deref(b.q);
	mem_deref(b.fb.w);
	return b.fb.err || !b.bytes ? 1 : 0;
}
