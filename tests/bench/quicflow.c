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
#include "tests/bench/flowbench.h"
#include "tunnels/flow/quic.h"

enum { SOURCE = 1 << 20 };

struct bench {
	struct flowbench fb;            /* first */
	struct quic *q;
	struct flow *f;
	uint64_t done;
	uint8_t source[SOURCE];
};

static void put(struct stream *s, void *arg)
{
	struct bench *b = arg;
	uint8_t *p;
	size_t n;

	while (b->done < b->fb.total && (n = stream_reserve(s, &p))) {
		if (n > b->fb.total - b->done)
			n = b->fb.total - b->done;
		if (n > SOURCE)
			n = SOURCE;
		memcpy(p, b->source, n);
		stream_commit(s, n);
		b->done += n;
	}
	if (b->done == b->fb.total)
		stream_fin(s);
}

static void get(struct stream *s, const uint8_t *p, size_t n, void *arg)
{
	struct bench *b = arg;
	(void)p;

	if (!b->done)
		b->fb.first = clock_ns();
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

	b->fb.last = clock_ns();
	(void)mailbox_post(b->fb.control, flowbench_over, b);
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

	if (!b->fb.client) {
		(void)flow_listen(b->f, 0, accepted, b);
		return;
	}
	b->fb.first = clock_ns();
	if (!stream_open(&s, b->f, 0, &handlers, b))
		put(s, b);
}

static void secured(struct flow *f, void *arg)
{
	struct bench *b = arg;

	b->f = f;
	(void)loop_post(worker_loop(b->fb.w), begin, b);
}

static void ended(enum flow_end why, uint64_t code, const char *text,
		  const uint8_t got_fp[32], void *arg)
{
	struct bench *b = arg;
	(void)code;
	(void)got_fp;

	if (!b->fb.over && why != FLOW_END_CLOSED)
		(void)fprintf(stderr, "quicflow: %s\n", text);
	b->fb.err = why == FLOW_END_CLOSED ? 0 : ECONNRESET;
	b->fb.over = true;
}

static const struct quic_handlers quic_handlers = { secured, ended };

static void print(const struct bench *b, double cpu)
{
	const double sec = (double)(b->fb.last - b->fb.first) * 1e-9;
	struct quic_stats st;

	quic_stats(b->q, &st);
	(void)printf("%s %.0f Mbit/s, %.2f CPU-s/GB, %.2f s, lost %llu,"
		     " rtt %.2f ms\n", b->fb.client ? "gives" : "takes",
		     (double)b->done * 8e-6 / sec,
		     cpu * 1e9 / (double)b->done, sec,
		     (unsigned long long)st.lost, (double)st.rtt * 1e-6);
}

static int start(struct bench *b)
{
	struct quic_conf qc = { .client = b->fb.client };
	int err = flowbench_start(&b->fb);

	if (err)
		return err;
	qc.identity = b->fb.id;
	memcpy(qc.peer_fp, identity_fp(b->fb.id), sizeof qc.peer_fp);
	err = quic_alloc(&b->q, b->fb.w, &qc, &quic_handlers, b);
	if (!err)
		quic_path(b->q, IPPROTO_UDP, &b->fb.local, &b->fb.remote);
	return err;
}

static void consent(void *q, uint64_t until)
{
	quic_consent(q, until);
}

int main(int argc, char **argv)
{
	static struct bench b;

	if (!flowbench_args(&b.fb, argc, argv)) {
		(void)fprintf(stderr, "usage: quicflow -s|-c [-k key]"
			      " [-n bytes] local:port remote:port\n");
		return 2;
	}
	if (start(&b)) {
		(void)fprintf(stderr, "quicflow: cannot start\n");
		return 1;
	}
	flowbench_run(&b.fb, consent, b.q);
	print(&b, flowbench_cpu());
	if (!b.fb.client)
		sys_usleep(50000);      /* let the last packet be answered */
	mem_deref(b.q);
	mem_deref(b.fb.w);
	return b.fb.err ? 1 : 0;
}
