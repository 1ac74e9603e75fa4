/*
 * wire.c: a wire between two network namespaces, with a rate, a delay and
 * random loss, for kernels that have no netem.
 *
 *   wire NS_A NS_B DELAY_MS LOSS_PERCENT RATE_MBIT QUEUE_MS
 *
 *   A  emu0 10.97.0.1 <--thread--> emu0 10.97.0.2  B
 *
 * Each direction has its own: a packet waits until those before it are out at
 * the rate, is dropped if that is longer than the queue, then takes the
 * delay. Ends with SIGTERM and says what was lost.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

enum {
	SLOTS = 1 << 15,        /* packets under way */
	BURST = 64,             /* of one turn */
	PACKET = 1500,
	IDLE_NS = 50000000,
};

struct packet {
	uint64_t due;
	size_t len;
	uint8_t buf[PACKET];
};

struct direction {
	int in, out;
	uint64_t delay, queue;  /* ns */
	double ns_per_byte;
	uint32_t threshold;     /* of 2^32 are lost */
	uint32_t seed;
	uint64_t free_at;       /* the wire is busy until then */
	struct packet *ring;
	unsigned head, tail;
	unsigned long packets, lost, dropped;
};

static struct direction dirs[2];

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* xorshift: the same losses each time. */
static uint32_t draw(struct direction *d)
{
	d->seed ^= d->seed << 13;
	d->seed ^= d->seed >> 17;
	d->seed ^= d->seed << 5;
	return d->seed;
}

/* When will it have left? 0: it will not. */
static uint64_t leaves(struct direction *d, size_t len, uint64_t t)
{
	if (draw(d) < d->threshold) {
		d->lost++;
		return 0;
	}
	if (d->free_at < t)
		d->free_at = t;
	if (d->free_at - t > d->queue) {
		d->dropped++;
		return 0;
	}
	d->free_at += (uint64_t)((double)len * d->ns_per_byte);
	return d->free_at;
}

static int take_in(struct direction *d, uint64_t t)
{
	int n = 0;

	while (n < BURST && d->head - d->tail < SLOTS) {
		struct packet *p = &d->ring[d->head % SLOTS];
		ssize_t len = read(d->in, p->buf, sizeof p->buf);
		uint64_t left;

		if (len <= 0)
			break;
		n++;
		d->packets++;
		left = leaves(d, (size_t)len, t);
		if (!left)
			continue;
		p->len = (size_t)len;
		p->due = left + d->delay;
		d->head++;
	}
	return n;
}

static int give_out(struct direction *d, uint64_t t)
{
	int n = 0;

	while (n < BURST && d->tail != d->head) {
		struct packet *p = &d->ring[d->tail % SLOTS];

		if (p->due > t)
			break;
		if (write(d->out, p->buf, p->len) < 0)
			d->dropped++;
		d->tail++;
		n++;
	}
	return n;
}

static void *carry(void *arg)
{
	struct direction *d = arg;

	(void)prctl(PR_SET_TIMERSLACK, 1000);
	for (;;) {
		const uint64_t t = now();
		struct pollfd pfd = { d->in, POLLIN, 0 };
		struct timespec ts = { 0, IDLE_NS };
		const int n = take_in(d, t) + give_out(d, t);

		if (n)
			continue;
		if (d->tail != d->head) {
			const uint64_t due = d->ring[d->tail % SLOTS].due;

			ts.tv_nsec = due <= t ? 0 : due - t > IDLE_NS ?
				IDLE_NS : (long)(due - t);
		}
		if (d->head - d->tail >= SLOTS)
			pfd.events = 0;
		(void)ppoll(&pfd, 1, &ts, NULL);
	}
	return NULL;
}

static int device(const char *ns, const char *addr)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[128], cmd[256];
	int fd, n;

	snprintf(path, sizeof path, "/var/run/netns/%s", ns);
	n = open(path, O_RDONLY);
	if (n < 0 || setns(n, CLONE_NEWNET))
		return -1;
	close(n);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strcpy(r.ifr_name, "emu0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r))
		return -1;
	snprintf(cmd, sizeof cmd, "ip addr add %s/24 dev emu0 && "
		 "ip link set emu0 up mtu 1500 txqueuelen 10000", addr);
	return system(cmd) ? -1 : fd;
}

static void end_handler(int sig)
{
	char text[128];
	int n;
	(void)sig;

	for (int i = 0; i < 2; i++) {
		/* glibc's is safe without floating point. NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c) */
		n = snprintf(text, sizeof text, "%s: %lu packets, %lu lost,"
			     " %lu dropped\n", i ? "back" : "forth",
			     dirs[i].packets, dirs[i].lost, dirs[i].dropped);
		if (write(2, text, (size_t)n) < 0)
			break;
	}
	_exit(0);
}

int main(int argc, char *argv[])
{
	pthread_t thread;
	int a, b;

	if (argc != 7)
		return 2;
	a = device(argv[1], "10.97.0.1");
	b = device(argv[2], "10.97.0.2");
	if (a < 0 || b < 0) {
		perror("wire");
		return 1;
	}
	for (int i = 0; i < 2; i++) {
		struct direction *d = &dirs[i];

		d->in = i ? b : a;
		d->out = i ? a : b;
		d->delay = (uint64_t)(atof(argv[3]) * 1e6);
		d->threshold = (uint32_t)(atof(argv[4]) / 100 * 4294967295.0);
		d->ns_per_byte = 8000 / atof(argv[5]);
		d->queue = (uint64_t)(atof(argv[6]) * 1e6);
		d->seed = 12345 + (uint32_t)i;
		d->ring = calloc(SLOTS, sizeof *d->ring);
		if (!d->ring)
			return 1;
	}
	signal(SIGTERM, end_handler);
	if (pthread_create(&thread, NULL, carry, &dirs[0]))
		return 1;
	carry(&dirs[1]);
}
