/*
 * quicflow.c: bytes from memory to memory over one QUIC stream, as fast as
 * flow carries them.
 *
 *   quicflow -s -k KEY 10.0.0.1:5000 10.0.0.2:5000          takes
 *   quicflow -c -k KEY -n BYTES 10.0.0.2:5000 10.0.0.1:5000 gives
 *
 * Both ends use the one key in the file KEY. Each prints a line: megabits per
 * second between first and last byte, and CPU seconds per 10^9 bytes of its
 * own process.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include "tunnels/flow/identity.h"
#include "tunnels/flow/loop.h"
#include "tunnels/flow/quic.h"

enum { SOURCE = 1 << 20 };

struct bench {
	struct mailbox *control;
	struct worker *w;
	struct quic *q;
	struct flow *f;
	bool client;
	uint64_t total, done;
	uint64_t first, last;
	bool over;
	int err;
	uint8_t source[SOURCE];
};

static void finish(struct bench *b, int err)
{
	b->err = err;
	b->over = true;
}

static void told_over(void *data)
{
	finish(data, 0);
}

static void put(struct stream *s, void *arg)
{
	struct bench *b = arg;
	uint8_t *p;
	size_t n;

	while (b->done < b->total && (n = stream_reserve(s, &p))) {
		if (n > b->total - b->done)
			n = b->total - b->done;
		if (n > SOURCE)
			n = SOURCE;
		memcpy(p, b->source, n);
		stream_commit(s, n);
		b->done += n;
	}
	if (b->done == b->total)
		stream_fin(s);
}

static void get(struct stream *s, const uint8_t *p, size_t n, void *arg)
{
	struct bench *b = arg;
	(void)p;

	if (!b->done)
		b->first = clock_ns();
	b->done += n;
	stream_consumed(s, n);
}

static void fin(struct stream *s, void *arg)
{
	(void)arg;
	stream_fin(s);
}

static void closed(struct stream *s, int err, uint64_t code, void *arg)
{
	struct bench *b = arg;
	(void)s;
	(void)err;
	(void)code;

	b->last = clock_ns();
	(void)mailbox_post(b->control, told_over, b);
}

static const struct stream_handlers handlers = {
	.readh = get, .finh = fin, .writeh = put, .closeh = closed,
};

static void accepted(struct stream *s, void *arg)
{
	stream_handle(s, &handlers, arg);
}

static void begin(void *data)
{
	struct bench *b = data;
	struct stream *s;

	if (!b->client) {
		(void)flow_listen(b->f, 0, accepted, b);
		return;
	}
	b->first = clock_ns();
	if (!stream_open(&s, b->f, 0, &handlers, b))
		put(s, b);
}

static void secured(struct flow *f, void *arg)
{
	struct bench *b = arg;

	b->f = f;
	(void)loop_post(worker_loop(b->w), begin, b);
}

static void ended(enum flow_end why, uint64_t code, const char *text,
		  const uint8_t got_fp[32], void *arg)
{
	struct bench *b = arg;
	(void)code;
	(void)got_fp;

	if (!b->over && why != FLOW_END_CLOSED)
		(void)fprintf(stderr, "quicflow: %s\n", text);
	finish(b, why == FLOW_END_CLOSED ? 0 : ECONNRESET);
}

static const struct quic_handlers quic_handlers = { secured, ended };

static double cpu_seconds(void)
{
	struct rusage ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       1e-6 * (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static void print(const struct bench *b, double cpu)
{
	const double sec = (double)(b->last - b->first) * 1e-9;
	struct quic_stats st;

	quic_stats(b->q, &st);
	(void)printf("%s %.0f Mbit/s, %.2f CPU-s/GB, %.2f s, lost %llu,"
		     " rtt %.2f ms\n", b->client ? "gives" : "takes",
		     (double)b->done * 8e-6 / sec,
		     cpu * 1e9 / (double)b->done, sec,
		     (unsigned long long)st.lost, (double)st.rtt * 1e-6);
}

static int start(struct bench *b, const char *key, const struct sa *local,
		 const struct sa *remote)
{
	struct worker_conf wc = { .port = sa_port(local) };
	struct quic_conf qc = { .client = b->client };
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
	qc.identity = id;
	memcpy(qc.peer_fp, identity_fp(id), sizeof qc.peer_fp);
	err = quic_alloc(&b->q, b->w, &qc, &quic_handlers, b);
	if (!err)
		quic_path(b->q, IPPROTO_UDP, local, remote);
	return err;
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: quicflow -s|-c [-k key] [-n bytes]"
		      " local:port remote:port\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct sa local, remote;
	const char *key = "quicflow.pem";
	int c;

	b.total = 1000000000;
	while ((c = getopt(argc, argv, "sck:n:")) != -1)
		switch (c) {
		case 's': b.client = false; break;
		case 'c': b.client = true; break;
		case 'k': key = optarg; break;
		case 'n': b.total = strtoull(optarg, NULL, 10); break;
		default: return usage();
		}
	if (argc - optind != 2 ||
	    sa_decode(&local, argv[optind], strlen(argv[optind])) ||
	    sa_decode(&remote, argv[optind + 1], strlen(argv[optind + 1])))
		return usage();
	if (libre_init() || start(&b, key, &local, &remote)) {
		(void)fprintf(stderr, "quicflow: cannot start\n");
		return 1;
	}
	while (!b.over) {
		struct pollfd pfd = { .fd = mailbox_fd(b.control),
				      .events = POLLIN };

		quic_consent(b.q, clock_ns() + 30 * SEC);
		(void)poll(&pfd, 1, 1000);
		mailbox_run(b.control);
	}
	print(&b, cpu_seconds());
	if (!b.client)
		sys_usleep(50000);      /* let the last packet be answered */
	mem_deref(b.q);
	mem_deref(b.w);
	return b.err ? 1 : 0;
}
